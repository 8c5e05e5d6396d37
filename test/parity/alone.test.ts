// model.onnx in Python's onnxruntime, which reads the rows with Python's own csv module: the same answers as ours.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPredictor } from "../../worker/run/predict.ts";
import { csvText, randomTable } from "../export/tables.ts";
import { untrainedModel } from "../export/untrained.ts";
import { root } from "../shared.ts";
import { peer, python } from "./peer.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-parity-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Answer {
  outputs: { label?: string[]; probabilities?: number[][]; value?: number[] };
  classes: string[] | null;
}

// of many classes, of numbers, and with columns named as outputs
test.skipIf(!python).for([1, 2, 3, 4])("random table %i", { timeout: 300_000 }, async (seed, context) => {
  const table = randomTable(seed, 120);
  const file = join(folder, `rows${seed}.csv`);
  await writeFile(file, csvText(table.names, table.rows));
  const model = await untrainedModel(file, { ...table, seed, cache: join(folder, "cache"), scratch: join(folder, `scratch${seed}`) });
  const path = join(folder, `model${seed}.onnx`);
  await writeFile(path, model.bytes);
  // the names as the profile has them, so that Python finds the columns
  await writeFile(file, csvText(model.names, table.rows));

  const answer = await peer<Answer>(join(root, "test/parity/alone.py"), [path, file]);
  if (!answer) return context.skip("Python's peers cannot be installed here");
  const ours = await openPredictor(path);
  const rows = table.rows.map((row) => Object.fromEntries(row.map((cell, i) => [model.names[i]!, cell])));
  const predictions = await ours.predictRows(rows);
  await ours.dispose();

  if (table.task === "classification") {
    expect(answer.classes).toEqual(model.encoding.classes);
    expect(answer.outputs.label).toEqual(predictions.map(({ prediction }) => prediction));
    for (const [i, { probabilities }] of predictions.entries())
      for (const [c, name] of answer.classes!.entries()) expect(answer.outputs.probabilities![i]![c]).toBeCloseTo(probabilities![name]!, 5);
  } else
    for (const [i, { prediction }] of predictions.entries()) {
      const theirs = answer.outputs.value![i]!;
      expect(Math.abs(theirs - (prediction as number))).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(theirs)));
    }
});
