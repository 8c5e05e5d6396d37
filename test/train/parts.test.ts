// Memory that runs short: the batch goes through in parts, the result stays the same, the run goes on and says so.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { RunProgress, RunRecord, RunResult, TrainSpec } from "../../ipc/types.ts";
import { Random } from "../../worker/random.ts";
import { Control } from "../../worker/train/control.ts";
import { trainRun } from "../../worker/train/run.ts";
import { root } from "../shared.ts";
import { littleMemory } from "./littleMemory.ts";
import { classFolders, writeFolder } from "./pictures.ts";
import { writeTable } from "./table.ts";
import { openToy, type ToyOptions, toySplit } from "./toy.ts";

let memory: ReturnType<typeof littleMemory> | undefined;
afterEach(() => memory?.restore());

async function finish(options: ToyOptions) {
  const toy = await openToy({ restores: true, ...options });
  const ended = await toy.trainer.run();
  const { state, best } = toy.trainer;
  await toy.dispose();
  return { ended, state, best, points: toy.points, saved: toy.saved };
}

/** Curves that are the same but for rounding. */
function expectClose(found: readonly number[], expected: readonly number[], part = 2e-5): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, loss] of found.entries())
    expect(Math.abs(loss - expected[i]!), `step ${i + 1}`).toBeLessThan(part * Math.max(1, expected[i]!));
}

// 200 rows in batches of 32: the last of an epoch has 8.
describe("a run that does not fit", () => {
  test.each([
    ["at first", 8, 0, { dropout: 0 }],
    ["later", 10, 25, { dropout: 0 }],
    ["with dropout: each row drops what it would have dropped", 5, 3, { dropout: 0.3 }],
    ["down to single rows", 1, 8, { dropout: 0.2 }],
  ])("%s (%i rows) has the losses of one that does", async (_, rows, from, config) => {
    const course = { steps: rows > 1 ? 40 : 11 };
    const whole = await finish({ config, course, checkpointEvery: 0 });
    memory = littleMemory(rows, { from });
    const cut = await finish({ config, course, checkpointEvery: 0 });
    const marks = cut.state.shrunk!;
    expect(marks.at(-1)!.rows).toBeLessThanOrEqual(rows);
    expect(marks.map((mark) => mark.rows)).toEqual([16, 8, 4, 2, 1].slice(0, marks.length));
    expect(marks[0]).toMatchObject({ step: from + 1, to: from, of: 32, same: true, why: "allocation" });
    expectClose(cut.state.losses!, whole.state.losses!);
    expectClose(
      cut.points.map((p) => p.trainLoss),
      whole.points.map((p) => p.trainLoss),
    );
    expect(cut.points.map((p) => p.step)).toEqual(whole.points.map((p) => p.step));
  });

  test("is resumed in parts, to the same bits; the next set-back keeps them", async () => {
    memory = littleMemory(8, { from: 5 });
    const cut = await finish({ course: { steps: 30 }, checkpointEvery: 0 });
    const at = cut.saved.find(({ trainer }) => trainer.step === 17)!;
    expect(at.trainer.shrunk).toHaveLength(2);
    expect([...at.states.keys()].filter((name) => name.endsWith(":sum"))).toEqual([]);
    const rest = await finish({ course: { steps: 30 }, from: at });
    expect(rest.state.losses).toEqual(cut.state.losses);
  });

  test("without a checkpoint it begins again", async () => {
    memory = littleMemory(16, { from: 7 });
    const cut = await finish({ course: { steps: 20 } });
    expect(cut.state.shrunk).toEqual([{ step: 8, to: 0, rows: 16, of: 32, same: true, why: "allocation" }]);
    expect([cut.state.step, cut.state.losses!.length]).toEqual([20, 20]);
  });

  test("not even by single rows: it ends and says what to do", async () => {
    memory = littleMemory(0, { from: 4 });
    const toy = await openToy({ restores: true, checkpointEvery: 0 });
    await expect(toy.trainer.run()).rejects.toMatchObject({
      code: "outOfMemory",
      message: expect.stringContaining("one row at a time") as string,
      hint: expect.stringMatching(/smaller model.*shorter texts.*other programs.*cpu/) as string,
      data: { rows: 1 },
    });
    expect(memory.refused.slice(-5)).toEqual([16, 8, 4, 2, 1]);
    await toy.dispose();
  });
});

test("the host's memory: a batch that cannot be read is read again", async () => {
  const train = toySplit(200, 1);
  let reads = 0;
  const read: typeof train.read = (positions) => {
    if (++reads === 5) throw new RangeError("Array buffer allocation failed");
    return train.read(positions);
  };
  const cut = await finish({ train: { ...train, read } as typeof train, course: { steps: 12 }, checkpointEvery: 0 });
  expect(cut.state.shrunk).toMatchObject([{ step: 5, rows: 16 }]);
  expectClose(cut.state.losses!, (await finish({ course: { steps: 12 } })).state.losses!);
});

test("judging goes in smaller pieces by itself, and is no mark", async () => {
  memory = littleMemory(32, { judging: true }); // 60 rows are judged at once
  const run = await finish({ course: { steps: 10 } });
  expect(run.state.shrunk).toBeUndefined();
  expect(memory.refused).toContain(60);
  expect(run.points.filter((p) => p.validationLoss !== undefined)).toHaveLength(2);
});

test("other faults are none of memory", async () => {
  memory = littleMemory(8, { message: "Got invalid dimensions for input: x" });
  const toy = await openToy({ restores: true });
  await expect(toy.trainer.run()).rejects.toMatchObject({ code: "shapeMismatch" });
  await toy.dispose();
});

describe("whole runs of each kind, kept to few rows at once, have the losses of those that are not", () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-parts-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const data = { table: "", texts: join(folder, "texts.csv"), pictures: "", pairs: join(folder, "pairs.jsonl") };
  beforeAll(async () => {
    data.table = await writeTable(folder, 200);
    data.pictures = await writeFolder(join(folder, "shapes"), await classFolders(10));
    const random = new Random(3, "texts");
    const some = (words: readonly string[], n: number) =>
      Array.from({ length: n }, () => words[Math.floor(random.uniform() * words.length)]!).join(" ");
    const lines = Array.from({ length: 120 }, (_, i) => {
      const good = i % 2 === 0;
      return `${some(["the", "soup", "was", "and"], 2 + (i % 7))} ${some(good ? ["fine", "warm"] : ["cold", "late"], 2)} no ${i * 79},${good ? "good" : "bad"}`;
    });
    writeFileSync(data.texts, `text,mood\n${lines.join("\n")}\n`);
    // Rows of unlike lengths, of which unlike parts are learned.
    const rows = Array.from({ length: 40 }, (_, i) => {
      const ids = Array.from({ length: 4 + ((i * 5) % 9) }, () => Math.floor(random.uniform() * 40));
      return JSON.stringify({ input_ids: ids, labels: ids.map((id, t) => (t > i % 4 ? id : -100)) });
    });
    writeFileSync(data.pairs, `${rows.join("\n")}\n`);
  });

  let count = 0;
  async function train(spec: TrainSpec, told: RunProgress[] = []): Promise<RunResult> {
    const { signal } = new AbortController();
    const run = join(folder, `run${count++}`);
    const cache = join(folder, "cache");
    const onProgress = (progress: RunProgress) => void told.push(progress);
    return trainRun({
      run,
      cache,
      spec: { ...spec, logLosses: true },
      control: new Control(signal),
      signal,
      onProgress,
      onPoint: () => {},
    });
  }

  const kinds: [what: string, rows: number, spec: () => TrainSpec][] = [
    ["a table in folds", 20, () => ({ data: data.table, target: "kind", steps: 12, batch: 48, config: { width: 16, depth: 2, dropout: 0.1 } })],
    ["a table, classes weighed", 9, () => ({ data: data.table, target: "kind", steps: 8, batch: 32, classWeight: "balanced", config: { width: 8, members: 2, folds: 0 } })],
    ["pictures, moved a little each time", 3, () => ({ data: data.pictures, steps: 6, batch: 8 })],
    ["texts by a transformer", 5, () => ({ data: data.texts, kind: "text", target: "mood", model: "transformer", steps: 6, batch: 16, config: { width: 16, heads: 2, layers: 1, dropout: 0.2, vocabulary: 320 } })],
    ["a language model that is tuned", 1, () => ({ data: data.pairs, model: join(root, "test/references/language/llama"), method: "lora", rank: 2, batch: 4, steps: 8 })],
  ]; // prettier-ignore
  test.each(kinds)("%s", { timeout: 60_000 }, async (_, rows, spec) => {
    const whole = await train(spec());
    memory = littleMemory(rows);
    const told: RunProgress[] = [];
    const cut = await train(spec(), told);
    expect(memory.refused.length).toBeGreaterThan(0);
    expect(cut.shrunk!.at(-1)).toMatchObject({ same: true, why: "allocation" });
    expectClose(cut.losses!, whole.losses!);
    const record = JSON.parse(readFileSync(join(cut.run, "run.json"), "utf8")) as RunRecord;
    expect(record.progress!.shrunk).toEqual(cut.shrunk);
    expect(record.plan!.batch).toBe(whole.choice!.batch);
  });
});
