// model.onnx stands alone: for random tables of every kind of column, onnxruntime-node with nothing of ours in between gives what predictRows
// gives and what the network gave on the rows as training encodes them.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPredictor } from "../../worker/run/predict.ts";
import { direct } from "./direct.ts";
import { csvText, randomTable } from "./tables.ts";
import { untrainedModel } from "./untrained.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-alone-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** PADDOCK_FUZZ=500 tries more tables. */
const seeds = Array.from({ length: Number(process.env["PADDOCK_FUZZ"] ?? 8) }, (_, i) => i + 1);

/** Largest gap between two answers, relative to the largest of them or 1. */
function gap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!) / Math.max(1, Math.abs(a[i]!), Math.abs(b[i]!));
    if (!(difference <= most)) most = difference; // NaN stays
  }
  return most;
}

describe.each(seeds)("random table %i", (seed) => {
  const table = randomTable(seed);

  test(`${table.task}, ${table.names.length - 1} columns`, async () => {
    const file = join(folder, `table${seed}.csv`);
    await writeFile(file, csvText(table.names, table.rows));
    const paths = { cache: join(folder, "cache"), scratch: join(folder, `scratch${seed}`) };
    const model = await untrainedModel(file, { ...table, seed, ...paths });
    const path = join(folder, `model${seed}.onnx`);
    await writeFile(path, model.bytes);

    // words never seen, and nothing at all, are inputs like any other
    const strange = model.names.map((name) =>
      model.encoding.encoders.find((e) => e.column === name)?.kind === "number" ? "" : "never seen",
    );
    const rows = [...table.rows, strange, model.names.map(() => "")];
    const ours = await openPredictor(path);
    const predictions = await ours.predictRows(rows.map((row) => Object.fromEntries(row.map((cell, i) => [model.names[i]!, cell]))));
    await ours.dispose();
    const theirs = await direct(path, model.names, rows);

    const { predicted, rowNumbers } = model.trained;
    if (table.task === "classification") {
      const classes = model.encoding.classes!;
      expect(predictions.map(({ prediction }) => prediction)).toEqual(theirs.label);
      const mine = predictions.flatMap(({ probabilities }) => classes.map((name) => probabilities![name]!));
      expect(gap(mine, theirs.probabilities!)).toBeLessThan(2e-6);
      const width = classes.length;
      for (const [i, row] of rowNumbers.entries())
        expect(
          gap(predicted.subarray(i * width, (i + 1) * width), theirs.probabilities!.subarray((row - 1) * width, row * width)),
          `row ${row}`,
        ).toBeLessThan(1e-5);
    } else {
      expect(gap(predictions.map(({ prediction }) => prediction as number), theirs.value!)).toBeLessThan(2e-6); // prettier-ignore
      expect(gap(predicted, [...rowNumbers].map((row) => theirs.value![row - 1]!))).toBeLessThan(1e-5); // prettier-ignore
    }
  });
});

test("the same table and seed give the same bytes", async () => {
  const table = randomTable(3);
  const file = join(folder, "same.csv");
  await writeFile(file, csvText(table.names, table.rows));
  const make = (n: number) =>
    untrainedModel(file, { ...table, seed: 3, cache: join(folder, `cache-same${n}`), scratch: join(folder, `scratch-same${n}`) });
  expect((await make(1)).bytes).toEqual((await make(2)).bytes);
});
