import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { float32, int64, type Tensor } from "../tensor.ts";
import { type Checkpoint, readCheckpoint, type TrainerState, writeCheckpoint } from "./checkpoint.ts";
import { Lines, readJson, removeDrafts, writeJson } from "./files.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-checkpoint-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const trainer: TrainerState = {
  version: 1,
  step: 17,
  total: 100,
  epoch: 2,
  batch: 3,
  seconds: 1.25,
  evaluated: 12,
  told: 15,
  stopping: { best: { step: 9, epoch: 1, seconds: 0.5, validationLoss: 0.1 + 0.2, metric: 1 / 3 }, since: 2, evaluations: 4 },
  window: { sum: Math.PI, count: 7 },
  evaluationWindow: { sum: Math.E * 1e-300, count: 7 },
  seen: [{ trainLoss: 1, validationLoss: 2 }],
};
const checkpoint: Checkpoint = {
  states: new Map<string, Tensor>([
    ["w", float32([2, 2], [1, -0, 1e-40, 3.4e38])],
    ["t", float32([], [17])],
    ["n", int64([1], [5])],
  ]),
  best: new Map<string, Tensor>([["w", float32([2, 2], [0.1, 0.2, 0.3, 0.4])]]),
  trainer,
};

describe("checkpoint", () => {
  test("comes back to the bit, and leaves no draft", async () => {
    const path = join(folder, "a", "last.safetensors");
    await writeCheckpoint(path, checkpoint);
    await writeCheckpoint(path, checkpoint);
    expect(await readCheckpoint(path)).toEqual(checkpoint);
    expect(Object.is((await readCheckpoint(path))!.states.get("w")!.data[1], -0)).toBe(true);
    expect(await readdir(join(folder, "a"))).toEqual(["last.safetensors"]);
  });

  test("none yet", async () => expect(await readCheckpoint(join(folder, "none"))).toBeUndefined());

  test("damage is told, never taken", async () => {
    const path = join(folder, "damaged");
    await writeCheckpoint(path, checkpoint);
    const good = await readFile(path);
    for (const bad of [
      good.subarray(0, good.length - 1),
      good.subarray(0, 4),
      flip(good, good.length - 3),
      flip(good, 2),
      Buffer.from("x"),
    ]) {
      await writeFile(path, bad);
      await expect(readCheckpoint(path)).rejects.toMatchObject({ code: "runInvalid" });
    }
  });
});

describe("files of a run", () => {
  test("a torn last line is left out, and later values are cut", async () => {
    const path = join(folder, "metrics.jsonl");
    const lines = new Lines<{ step: number }>(path);
    for (let step = 1; step <= 5; step++) lines.push({ step });
    await lines.flush();
    await appendFile(path, '{"step": 6');
    expect((await lines.recover((v) => v.step <= 3)).map((v) => v.step)).toEqual([1, 2, 3]);
    lines.push({ step: 4 });
    await lines.flush();
    expect(await readFile(path, "utf8")).toBe('{"step":1}\n{"step":2}\n{"step":3}\n{"step":4}\n');
    expect(await new Lines(join(folder, "absent")).recover(() => true)).toEqual([]);
  });

  test("records and drafts", async () => {
    const path = join(folder, "b", "run.json");
    expect(await readJson(path)).toBeUndefined();
    await writeJson(path, { a: 1 });
    expect(await readJson(path)).toEqual({ a: 1 });
    await writeFile(join(folder, "b", ".run.json.1.tmp"), "half");
    await removeDrafts(join(folder, "b"));
    expect(await readdir(join(folder, "b"))).toEqual(["run.json"]);
    await writeFile(path, "{");
    await expect(readJson(path)).rejects.toMatchObject({ code: "runInvalid" });
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 0xff;
  return copy;
}
