// TensorFlow against ours: for every operator that the engine has, the results and TensorFlow's own gradients of its samples against ONNX
// Runtime on our gradient graph.
import { readdirSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import type { OperatorName } from "../../worker/ops/index.ts";
import { operators } from "../../worker/ops/index.ts";
import type { Op } from "../../worker/ops/op.ts";
import type { SampleSpec } from "../../worker/ops/samples.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { entries } from "../../worker/run/tensorflow/ops/index.ts";
import { type Given, Program } from "../../worker/run/tensorflow/program.ts";
import { fromTf, toTf } from "../../worker/run/tensorflow/values.ts";
import { isFloat, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { caseOf, distance, samplesOf } from "./check.ts";

const engine = await openEngine("cpu", { threads: 1 });
beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend("cpu");
});
afterAll(() => engine.dispose());

/** Results by name and gradients as `grad:<input>`. */
type Answers = Map<string, Tensor>;

function prepared(type: string, sample: SampleSpec, withGradients: boolean) {
  const entry = operators[type as OperatorName] as Op;
  const made = caseOf(type, sample, "float32", withGradients && typeof entry.grad === "function");
  const own = made.graph.nodes.find((n) => n.type === type)!.outputs.filter((o) => o);
  const names = new Set([...made.graph.outputs.map((o) => o.name), ...own]);
  made.graph.setOutputs([...names]);
  return { ...made, own };
}

async function ours(type: string, sample: SampleSpec): Promise<Answers> {
  const { graph, feeds } = prepared(type, sample, true);
  const session = await engine.load(graph);
  const copies = Object.entries(feeds).map(([name, t]) => [name, { ...t, data: t.data.slice() } as Tensor]); // BatchNormalization writes into its inputs
  const out = await session.run(Object.fromEntries(copies) as Record<string, Tensor>);
  await session.dispose();
  return new Map(Object.entries(out));
}

function theirs(type: string, sample: SampleSpec): Answers {
  const { graph, feeds, wrt } = prepared(type, sample, false);
  const program = new Program(tf, graph);
  const answers: Answers = new Map();
  tf.tidy(() => {
    const given = new Map<string, Given>(Object.entries(feeds).map(([name, value]) => [name, { device: toTf(tf, value, name) }]));
    const variables = wrt.map((name) => tf.variable((given.get(name) as { device: tf.Tensor }).device));
    wrt.forEach((name, i) => given.set(name, { device: variables[i]! }));
    const run = () => {
      const out = program.run(given);
      for (const { name, dtype } of graph.outputs) answers.set(name, fromTf(out.get(name)!, dtype));
      return out;
    };
    if (wrt.length && answersSlope(type, graph.outputs)) {
      const { grads } = tf.variableGrads(() => run().get("loss") as tf.Scalar, variables);
      wrt.forEach((name, i) => answers.set(`grad:${name}`, fromTf(grads[variables[i]!.name] ?? tf.zerosLike(variables[i]!), "float32")));
    } else run();
    for (const variable of variables) variable.dispose();
  });
  program.dispose();
  return answers;
}

const answersSlope = (type: string, outputs: readonly { name: string }[]): boolean =>
  typeof (operators[type as OperatorName] as Op).grad === "function" && outputs.some((o) => o.name === "loss");

/** Why the engine refuses a sample, if it does. */
function refusal(type: string, sample: SampleSpec): string | undefined {
  try {
    new Program(tf, prepared(type, sample, false).graph);
    return undefined;
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AppError);
    expect((thrown as AppError).data).toMatchObject({ operator: type });
    return (thrown as AppError).message;
  }
}

/** How many samples are refused, by operator: reductions of Scatter that TensorFlow.js has no gradient of, the places of maxima. */
const refused: Record<string, number> = { MaxPool: 1, ScatterElements: 4, ScatterND: 2 };

describe("results and gradients are ours", () => {
  for (const type of Object.keys(entries))
    test(type, async () => {
      const samples = samplesOf(operators[type as OperatorName] as Op);
      const before = tf.memory().numTensors;
      let compared = 0;
      for (const [i, sample] of samples.entries()) {
        const why = refusal(type, sample);
        if (why) {
          expect(why).toContain(`The TensorFlow engine cannot run ${type}`);
          continue;
        }
        const [a, b] = [theirs(type, sample), await ours(type, sample)];
        expect([...a.keys()].sort(), `${type}, sample ${i}`).toEqual([...b.keys()].sort());
        for (const [name, value] of b) {
          const found = a.get(name)!;
          expect(found.dims, `${type}, sample ${i}, ${name}`).toEqual([...value.dims]);
          expect(found.dtype, `${type}, sample ${i}, ${name}`).toBe(value.dtype);
          const off = distance(toNumbers(found), toNumbers(value));
          if (isFloat(value.dtype)) expect(off, `${type}, sample ${i}, ${name}`).toBeLessThan(2e-5);
          else expect(off, `${type}, sample ${i}, ${name}`).toBe(0);
        }
        compared++;
      }
      expect(samples.length - compared, `samples of ${type} that are refused`).toBe(refused[type] ?? 0);
      expect(tf.memory().numTensors, `${type} leaks`).toBe(before);
    });
});

test("every family in the folder is in the table", async () => {
  const folder = new URL("../../worker/run/tensorflow/ops/", import.meta.url);
  for (const file of readdirSync(folder)) {
    for (const family of Object.values((await import(new URL(file, folder).pathname)) as Record<string, unknown>)) {
      if (typeof family !== "object" || family === null || !Object.keys(family).every((key) => Object.hasOwn(operators, key))) continue;
      for (const [name, entry] of Object.entries(family)) expect(entries[name as keyof typeof entries], `${file}: ${name}`).toBe(entry);
    }
  }
});
