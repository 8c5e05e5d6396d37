// Every optimizer that PyTorch has, against PyTorch's own from stored runs (test/references/optimizers.py): the flags of train-step, the step
// file they make, and twenty runs of that file on ONNX Runtime alone, as a script would run it.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, describe, expect, test } from "vitest";
import type { StepSpec } from "../../ipc/types.ts";
import { specOf, trainStepCommand } from "../../main/commands/trainStep.ts";
import { openModel } from "../../worker/formats/onnx.ts";
import { type DType, fromNumbers } from "../../worker/tensor.ts";
import { writeStep } from "../../worker/train/graphFiles.ts";
import { optimizerNames } from "../../worker/train/optimizer.ts";
import { toOrt } from "../../worker/run/onnxTensors.ts";
import { root } from "../shared.ts";

interface Reference {
  torch: string;
  batches: { x: string; y: number[] }[];
  rows: { optimizer: string; losses: number[]; parameters: Record<string, string> }[];
}

const model = join(root, "test/references/optimizers.onnx");
const reference = JSON.parse(readFileSync(join(root, "test/references/optimizers.json"), "utf8")) as Reference;
const folder = mkdtempSync(join(tmpdir(), "paddock-optimizers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const floats = (text: string): Float32Array => new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer);
const feeds = reference.batches.map(({ x, y }) => ({
  x: new Tensor("float32", floats(x), [6, 2, 5, 5]),
  y: new Tensor("int64", BigInt64Array.from(y, BigInt), [6]),
}));
const initials = openModel(model, {}).graph.initializers;

/** What the command makes of these flags. */
function specFor(flags: string): StepSpec {
  let spec: StepSpec | undefined;
  const command = trainStepCommand().exitOverride();
  command.action((file: string, options: Parameters<typeof specOf>[1]) => void (spec = specOf(file, options)));
  command.parse([model, "--loss", "loss", "--out", join(folder, "step.onnx"), "--optimizer", ...flags.split(" ")], { from: "user" });
  return spec!;
}

/** Twenty runs of the step file; lr is what the JSON says unless the flags gave one. */
async function twentySteps(flags: string): Promise<{ losses: number[]; state: Record<string, Tensor> }> {
  const made = await writeStep(specFor(flags));
  const session = await InferenceSession.create(made.out, { intraOpNumThreads: 1 });
  expect(session.inputNames).toEqual(made.inputs.map((i) => i.name));
  expect(session.outputNames).toEqual(made.outputs.map((o) => o.name));
  const lr = new Tensor("float32", [Number(made.hyperparameters["lr"])], []);
  let state: Record<string, Tensor> = {};
  for (const { name, dtype, shape, initial } of made.states) {
    const size = (shape as number[]).reduce((a, b) => a * b, 1);
    const filled = (value: number) => fromNumbers(dtype as DType, shape as number[], new Array<number>(size).fill(value));
    state[name] = toOrt(typeof initial === "number" ? filled(initial) : initials.get(initial.initializer)!) as Tensor;
  }
  const losses: number[] = [];
  for (let i = 0; i < 20; i++) {
    const out = await session.run({ ...feeds[i % 2], lr, ...state });
    losses.push(Number(out["loss"]!.data[0]));
    state = Object.fromEntries(Object.keys(state).map((name) => [name, out[`next:${name}`] as Tensor]));
  }
  await session.release();
  return { losses, state };
}

/** Length of the difference over the length of what it should be. */
function apart(got: ArrayLike<number>, wanted: Float32Array): number {
  expect(got.length).toBe(wanted.length);
  const off = wanted.reduce((sum, v, i) => sum + (v - got[i]!) ** 2, 0);
  return Math.sqrt(off / wanted.reduce((sum, v) => sum + v ** 2, 0));
}

describe(`twenty steps as PyTorch ${reference.torch} makes them`, () => {
  test.each(reference.rows)("$optimizer", async ({ optimizer, losses, parameters }) => {
    const got = await twentySteps(optimizer);
    got.losses.forEach((loss, i) => expect(Math.abs(loss / losses[i]! - 1), `loss ${i}`).toBeLessThan(1e-4));
    for (const [name, values] of Object.entries(parameters))
      expect(apart(got.state[name]!.data as Float32Array, floats(values)), name).toBeLessThan(1e-4);
  });

  test("none is left out", () => {
    const alone = ["lamb", "lion", "schedulefree"]; // PyTorch has them not
    const compared = reference.rows.map((row) => row.optimizer.split(" ")[0]!);
    expect(new Set([...compared, ...alone])).toEqual(new Set(optimizerNames));
  });
});
