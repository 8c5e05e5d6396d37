// Fuzzing one reader: take an input that reached something, change it, read it, keep what reaches more. What the reader does with it is judged
// here; whether the process dies or hangs is watched from outside (scripts/fuzz.mjs).
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import { type Dice, diceOf } from "./dice.ts";
import { digest, type Feedback, shapeOf } from "./feedback.ts";
import { type Known, mutated } from "./mutate.ts";
import { type Input, packed, type Target, unpacked } from "./target.ts";

/** Memory that one input may add, in bytes. */
const mostGrowth = 1.5 * 2 ** 30;
/** Of inputs that are kept: those beyond are forgotten at random. */
const mostKept = 4000;

export interface Finding {
  /** error: something other than an AppError of bad input; left: files stayed behind; slow; memory. */
  kind: "error" | "left" | "slow" | "memory";
  what: string;
  input: Input;
}

export interface Job {
  target: Target;
  feedback: Feedback;
  words: readonly string[];
  /** Inputs in all. */
  inputs: number;
  /** Wall time after which it stops, in seconds. */
  seconds: number;
  seed: number;
  /** A folder of its own to read in. */
  folder: string;
  /** Where inputs that reached something are kept from run to run; absent: nowhere. */
  corpus?: string;
  /** Told before an input is read. */
  onInput?: (bytes: Buffer) => void;
  onFinding: (finding: Finding) => void;
  /** Told now and then: inputs done, inputs kept, classes of counters reached. */
  onProgress?: (done: number, kept: number, reached: number) => void;
}

export interface Outcome {
  inputs: number;
  read: number;
  refused: number;
  kept: number;
  reached: number;
}

/** An input that reached something, and what it was compared with on the way. */
interface Kept {
  input: Input;
  compared: Known["compared"];
}

/** Reads one input; says what came of it, or what is wrong about it. */
export async function attempt(target: Target, input: Input, folder: string): Promise<{ answer: string; finding?: Omit<Finding, "input"> }> {
  const before = { cpu: process.cpuUsage(), memory: process.memoryUsage.rss() };
  let answer = "read";
  let finding: Omit<Finding, "input"> | undefined;
  try {
    await target.read(input, folder);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || (thrown.exitCode !== 3 && !target.also?.includes(thrown.code))) {
      const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      finding = {
        kind: "error",
        what: thrown instanceof AppError ? `${thrown.code}: ${thrown.message}\n${String(causeOf(thrown))}\n${stack}` : stack,
      };
    } else if (thrown.message === "" || thrown.hint === "") finding = { kind: "error", what: `${thrown.code} says nothing` };
    answer = thrown instanceof AppError ? `${thrown.code} ${shapeOf(thrown.message)}` : shapeOf(String(thrown));
  }
  const { user, system } = process.cpuUsage(before.cpu);
  const seconds = (user + system) / 1e6;
  if (seconds > (target.seconds ?? 10)) finding ??= { kind: "slow", what: `took ${seconds.toFixed(1)} s of processor time` };
  const grown = process.memoryUsage.rss() - before.memory;
  if (grown > mostGrowth) finding ??= { kind: "memory", what: `took ${Math.round(grown / 2 ** 20)} MiB` };
  return { answer, ...(finding ? { finding } : {}) };
}

const causeOf = ({ cause }: Error): string => (cause instanceof Error ? (cause.stack ?? cause.message) : "");

/** Runs until the inputs or the time are used up. */
export async function fuzz(job: Job): Promise<Outcome> {
  const { target, feedback, folder, corpus } = job;
  const dice = diceOf(job.seed);
  const most = target.most ?? 2 ** 18;
  const words = [...(target.words ?? []), ...job.words];
  const outcome: Outcome = { inputs: 0, read: 0, refused: 0, kept: 0, reached: 0 };
  const pool: Kept[] = [];
  const ends = performance.now() + job.seconds * 1000;
  let told = 0;
  mkdirSync(folder, { recursive: true });
  const clear = () => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
  };
  clear();
  const seeds = await target.seeds(folder);
  const first = [...seeds, ...(corpus ? saved(corpus, target.parts.length) : [])];

  const one = async (input: Input): Promise<void> => {
    const bytes = packed(input);
    job.onInput?.(bytes);
    clear();
    feedback.begin();
    const { answer, finding } = await attempt(target, input, folder);
    const compared = [...feedback.compared];
    outcome.inputs++;
    outcome[answer === "read" ? "read" : "refused"]++;
    if (finding) job.onFinding({ ...finding, input });
    if (feedback.news(answer)) {
      pool.push({ input, compared });
      if (corpus) writeFileSync(join(corpus, digest(bytes)), bytes);
      if (pool.length > mostKept) pool.splice(dice(pool.length), 1);
    }
    if (outcome.inputs % 1000 === 0 || performance.now() - told > 1000) {
      told = performance.now();
      job.onProgress?.(outcome.inputs, pool.length, feedback.reached);
    }
  };
  for (const input of first) await one(input);
  if (!pool.length) pool.push(...first.map((input) => ({ input, compared: [] })));
  while (outcome.inputs < job.inputs && performance.now() < ends) await one(next(pool, target, dice, words, most));
  clear();
  return { ...outcome, kept: pool.length, reached: feedback.reached };
}

/** A changed copy of one of those that reached something; the latest come up more often, and of two the smaller. */
function next(pool: readonly Kept[], target: Target, dice: Dice, words: readonly string[], most: number): Input {
  const some = () => (dice.once(3) ? pool[pool.length - 1 - dice(Math.min(pool.length, 50))]! : dice.of(pool));
  const size = ({ input }: Kept) => input.reduce((sum, part) => sum + part.length, 0);
  const [a, b] = [some(), some()];
  const chosen = size(a) <= size(b) || dice.once(3) ? a : b;
  let { input } = chosen;
  let changed = false;
  if (target.change && dice.once(3)) {
    const result = target.change(input, dice);
    if (result) [input, changed] = [result, true];
  }
  if (!changed || dice.once(3)) {
    const which = dice(input.length);
    const known: Known = { words, compared: chosen.compared, other: dice.of(pool).input[which] ?? Buffer.alloc(0) };
    input = input.map((part, i) => (i === which || dice.once(6) ? mutated(part, dice, known, most) : part));
  }
  return target.mend && dice.once(2) ? target.mend(input) : input;
}

function saved(corpus: string, parts: number): Input[] {
  mkdirSync(corpus, { recursive: true });
  return readdirSync(corpus)
    .sort()
    .flatMap((name) => {
      try {
        return [unpacked(readFileSync(join(corpus, name)), parts)];
      } catch {
        return []; // of another shape than the target has now
      }
    });
}
