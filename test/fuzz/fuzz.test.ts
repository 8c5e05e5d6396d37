// The fuzzer itself: it finds a planted fault, the same one for the same seed; every reader has its target. What it found in ours is tested beside
// each reader.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { readers } from "../../worker/data/readers/index.ts";
import { root } from "../shared.ts";
import { diceOf } from "./dice.ts";
import { Feedback, shapeOf } from "./feedback.ts";
import { instrument } from "./instrument.mjs";
import { attempt, type Finding, fuzz } from "./loop.ts";
import { mutated, mutatedJson } from "./mutate.ts";
import { packed, type Target, unpacked } from "./target.ts";
import { targets } from "./targets/index.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-fuzz-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
interface Shared {
  reached: Uint8Array;
  same: unknown;
}
let toy: { read(bytes: Buffer): number };
let shared: Shared;
beforeAll(async () => {
  await build({
    configFile: false,
    root,
    logLevel: "error",
    plugins: [instrument(/\/toy\.ts$/)],
    build: {
      ssr: join(root, "test/fuzz/toy.ts"),
      outDir: folder,
      emptyOutDir: false,
      minify: false,
      rollupOptions: { output: { entryFileNames: "toy.mjs" } },
    },
  });
  toy = (await import(join(folder, "toy.mjs"))) as typeof toy;
  shared = (globalThis as unknown as { __fuzz: Shared }).__fuzz;
}, 60_000);

const words = ["TOYS", "teddy"];
async function toyFindings(seed: number, inputs: number) {
  const feedback = new Feedback(shared.reached.subarray(0, 64));
  shared.same = feedback.same;
  const findings: Finding[] = [];
  // What is thrown comes from the compiled copy of AppError: told by its name.
  const read = ([bytes]: readonly Buffer[]) => {
    try {
      toy.read(bytes!);
    } catch (thrown) {
      if ((thrown as Error).name !== "AppError") throw thrown;
      throw new AppError("fileBroken", (thrown as Error).message, "Copy it again.");
    }
  };
  const target: Target = { parts: ["toys"], seeds: () => [[Buffer.from("a file of another kind")]], read, code: /toy/ };
  const outcome = await fuzz({
    target,
    feedback,
    words,
    inputs,
    seconds: 60,
    seed,
    folder: join(folder, "in"),
    onFinding: (one) => findings.push(one),
  });
  return { findings, outcome };
}

test("a planted fault is found by what inputs reach, and again by the same seed", async () => {
  const { findings, outcome } = await toyFindings(1, 8000);
  expect(findings.length).toBeGreaterThan(0);
  expect(findings[0]).toMatchObject({ kind: "error", what: expect.stringContaining("the teddy is broken") as string });
  expect(outcome.inputs).toBe(8000);
  const again = await toyFindings(1, 8000);
  expect(again.findings.map(({ input }) => packed(input).toString("hex"))).toEqual(
    findings.map(({ input }) => packed(input).toString("hex")),
  );
}, 18000);

describe("what is judged", () => {
  const target = (read: Target["read"]): Target => ({ parts: ["x"], seeds: () => [], read, code: /x/ });
  const judged = async (read: Target["read"]) => (await attempt(target(read), [Buffer.alloc(1)], folder)).finding?.kind;
  test("bad input may be refused, with words; nothing else may be thrown", async () => {
    expect(await judged(() => {})).toBeUndefined();
    expect(await judged(() => { throw new AppError("fileBroken", "It is broken.", "Copy it."); })).toBeUndefined(); // prettier-ignore
    expect(await judged(() => { throw new AppError("fileBroken", "It is broken.", ""); })).toBe("error"); // prettier-ignore
    expect(await judged(() => { throw new AppError("internal", "Oh.", "Report it."); })).toBe("error"); // prettier-ignore
    expect(await judged(() => Promise.reject(new TypeError("x is undefined")))).toBe("error");
  });
  test("the same answer has the same shape", () => {
    expect(shapeOf("'/tmp/a/b.csv', line 12: \"x\" is odd")).toBe(shapeOf("'/tmp/c.csv', line 7: \"yy\" is odd"));
  });
});

test("changes are the same for the same seed, and bounded", () => {
  const known = { words: ["word"], compared: [["a", "bb"] as const, [1, 70_000] as const], other: Buffer.from("other") };
  const json = Buffer.from('{"a": [1, "two", {"b": null}], "c": 3}');
  for (const bytes of [json, Buffer.from("a,b\n1,2\n"), Buffer.alloc(0)]) {
    const of = (seed: number) => mutated(bytes, diceOf(seed), known, 60).toString("hex");
    const all = Array.from({ length: 400 }, (_, seed) => of(seed));
    expect(all).toEqual(Array.from({ length: 400 }, (_, seed) => of(seed)));
    expect(Math.max(...all.map((hex) => hex.length))).toBeLessThanOrEqual(120);
    expect(new Set(all).size).toBeGreaterThan(100);
  }
  const trees = Array.from({ length: 200 }, (_, seed) => mutatedJson(json, diceOf(seed), { words: ["a"] })!.toString());
  expect(trees.filter((text) => parses(text)).length).toBeGreaterThan(150);
});
const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test("an input of several parts is one file, and parts again", () => {
  const input = [Buffer.from("a"), Buffer.alloc(0), Buffer.from("ccc")];
  expect(unpacked(packed(input), 3)).toEqual(input);
  expect(unpacked(packed([input[2]!]), 1)).toEqual([input[2]]);
});

describe("every reader has a target", () => {
  test("of tables and pictures", () => {
    const names = Object.keys(targets);
    expect(names).toEqual(expect.arrayContaining(readers.map(({ id }) => id)));
    expect(names).toEqual(
      expect.arrayContaining(["jpeg", "png", "webp", "gif", "tiff", "avif", "bmp", "svg", "zip", "tar", "onnx", "gguf"]),
    );
  });

  test.each(["tokenizer", "template", "adapter", "run", "report", "project", "npy", "frames", "fileNames", "modelCard"])(
    "%s: its seeds are read",
    async (name) => {
      const target = await targets[name]!();
      const place = mkdtempSync(join(folder, "seed-"));
      for (const input of await target.seeds(place)) {
        expect(input.length, name).toBe(target.parts.length);
        const at = mkdtempSync(join(folder, "read-"));
        expect(await attempt(target, input, at)).toEqual({ answer: "read" });
      }
    },
  );
});
