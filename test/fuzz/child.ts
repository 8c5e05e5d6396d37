// The process in which one reader is fuzzed (scripts/fuzz.mjs starts it): it writes down each input before it is read, so that whoever watches knows
// which one ended it.
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { Feedback } from "./feedback.ts";
import { attempt, fuzz } from "./loop.ts";
import { targets } from "./targets/index.ts";
import { packed, unpacked } from "./target.ts";

interface Asked {
  reader: string;
  inputs: number;
  seconds: number;
  seed: number;
  folder: string;
  current: string;
  corpus?: string;
  /** A file to read once, instead of fuzzing. */
  input?: string;
}

const asked = JSON.parse(process.argv[2]!) as Asked;
const { counters, words } = JSON.parse(readFileSync(new URL("instrumented.json", import.meta.url), "utf8")) as {
  counters: number;
  words: Record<string, string[]>;
};
const shared = (globalThis as unknown as { __fuzz: { reached: Uint8Array; same: unknown } }).__fuzz;
const feedback = new Feedback(shared.reached.subarray(0, counters));
shared.same = feedback.same;

const told = (message: object) => new Promise<void>((resolve) => (process.send ? process.send(message, () => resolve()) : resolve()));
const handles = () => (process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0);
const collect = (globalThis as { gc?: () => void }).gc ?? (() => {});
// What is thrown beside the road of a call is a finding too: it would end the worker.
for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, (thrown: unknown) => {
    process.send?.({ stray: thrown instanceof Error ? thrown.stack : String(thrown) }, () => process.exit(70));
  });

const target = await targets[asked.reader]!();
if (asked.input !== undefined) {
  mkdirSync(asked.folder, { recursive: true });
  const { answer, finding } = await attempt(target, unpacked(readFileSync(asked.input), target.parts.length), asked.folder);
  console.log(finding ? `${finding.kind}: ${finding.what}` : answer);
  process.exit(finding ? 1 : 0);
}

const current = openSync(asked.current, "w");
const length = Buffer.alloc(4);
const outcome = await fuzz({
  target,
  feedback,
  words: Object.entries(words).flatMap(([path, list]) => (target.code.test(path) ? list : [])),
  inputs: asked.inputs,
  seconds: asked.seconds,
  seed: asked.seed,
  folder: asked.folder,
  ...(asked.corpus === undefined ? {} : { corpus: asked.corpus }),
  onInput(bytes) {
    length.writeUInt32LE(bytes.length);
    writeSync(current, length, 0, 4, 0);
    writeSync(current, bytes, 0, bytes.length, 4);
  },
  onFinding(finding) {
    const { kind, what, input } = finding;
    void told({ finding: { kind, what }, input: packed(input).toString("base64") });
  },
  onProgress(done, kept, reached) {
    if (done % 1000 === 0) collect();
    void told({ done, kept, reached, rss: process.memoryUsage.rss(), handles: done % 1000 === 0 ? handles() : undefined });
  },
});
closeSync(current);
await told({ outcome });
process.exit(0);
