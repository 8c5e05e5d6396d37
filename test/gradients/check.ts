// Runs the samples of an operator's entry: the forward graph, its gradient by the rule, and difference quotients to hold it against.
import { Builder, type Value } from "../../worker/ops/builder.ts";
import { operators, type OperatorName } from "../../worker/ops/index.ts";
import { drawInputs, sampleSpec, type SampleSpec, seeded } from "../../worker/ops/samples.ts";
import { Graph } from "../../worker/onnx/graph.ts";
import type { Op } from "../../worker/ops/op.ts";
import { lower } from "../../worker/passes/lower.ts";
import { runPasses } from "../../worker/passes/pass.ts";
import { type Engine } from "../../worker/run/engine.ts";
import { fromNumbers, isFloat, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { gradients } from "../../worker/train/gradient.ts";

export type Float = "float32" | "float64";

/** Operators that ONNX Runtime's CPU provider does not have in float64 (DESIGN.md section 4, and what loading them says). */
const onlyFloat32 = new Set([
  "OneHot",
  "Erf",
  "Gelu",
  "HardSwish",
  "Celu",
  "Softsign",
  "Selu",
  "HardSigmoid",
  "Elu",
  "Mish",
  "Tan",
  "Sum",
  "Mean",
  "Softplus",
  "LeakyRelu",
  "Asin",
  "Acos",
  "Atan",
  "Sinh",
  "Cosh",
  "Asinh",
  "Acosh",
  "Atanh",
  "ThresholdedRelu",
  "PRelu",
  "Shrink",
]);

export function floatFor(type: string, sample: SampleSpec): Float {
  return sample.float32 || onlyFloat32.has(type) ? "float32" : "float64";
}

export const entries = Object.entries(operators) as [OperatorName, Op][];
export const differentiable = entries.filter(([, entry]) => typeof entry.grad === "function");

export interface Case {
  graph: Graph;
  feeds: Record<string, Tensor>;
  /** Names of the float inputs that are not constants. */
  wrt: string[];
  /** Names of the outputs' gradients in the graph, as `grad:<input>`. */
  outputs: string[];
}

/**
 * A graph of one node, with `loss` = Σ weights · outputs (fixed uneven weights, exact in few bits, so that no output's slope is hidden) and, if asked for, the
 * gradients of every float input.
 * @param symbolic the inputs whose first length is called B
 */
export function caseOf(type: string, sample: SampleSpec, float: Float, withGradients: boolean, symbolic: readonly number[] = []): Case {
  const entry = operators[type as OperatorName] as Op;
  const g = new Builder(type);
  const feeds: Record<string, Tensor> = {};
  const wrt: string[] = [];
  const values = drawInputs(sample, float).map((tensor, i): Value | undefined => {
    const gen = sample.inputs[i];
    if (!tensor || !gen) return undefined;
    if (gen.constant) return g.constant(tensor, `k${i}`);
    const name = `x${i}`;
    feeds[name] = tensor;
    if (isFloat(tensor.dtype)) wrt.push(name);
    return g.input(name, tensor.dtype, symbolic.includes(i) ? ["B", ...tensor.dims.slice(1)] : tensor.dims);
  });
  const outputs = g.op(type, values, sample.attrs, { outputs: sample.outputs ?? 1, ...(entry.domain && { domain: entry.domain }) });
  const random = seeded(7);
  const terms = outputs
    .filter((y) => isFloat(y.dtype) && y.dtype === float)
    .map((y) => {
      const dims = y.dims.map((d) => (typeof d === "number" ? d : 1));
      const weights = fromNumbers(
        float,
        dims,
        Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 0.5 + Math.round(random() * 64) / 64),
      );
      return g.reduceSum(g.mul(y, g.constant(weights)), { keepdims: false });
    });
  const loss = terms.length ? terms.reduce((a, b) => g.add(a, b)) : undefined;
  if (loss) g.output(loss, "loss");
  else for (const y of outputs) g.output(y);
  if (withGradients && loss) for (const [name, dx] of gradients(g, loss, wrt)) g.output(dx, `grad:${name}`);
  return { graph: g.graph, feeds, wrt, outputs: wrt.map((name) => `grad:${name}`) };
}

/** Every gradient of a case on an engine, in the forms that are chosen for it. */
export async function ruleGradients(engine: Engine, type: string, sample: SampleSpec, float: Float): Promise<Map<string, number[]>> {
  const { graph, feeds, wrt } = caseOf(type, sample, float, true);
  if (!graph.outputs.some((o) => o.name === "loss")) return new Map(); // whole numbers come out: nothing to differentiate
  const session = await engine.load(runPasses(graph, lower(engine.id)));
  const out = await session.run(feeds);
  await session.dispose();
  return new Map(wrt.map((name) => [name, toNumbers(out[`grad:${name}`]!)]));
}

/** ONNX Runtime's BatchNormalization writes the running statistics into its inputs. */
const copied = (feeds: Record<string, Tensor>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, isFloat(t.dtype) ? fromNumbers(t.dtype, t.dims, toNumbers(t)) : t]));

/** Central differences of the loss, element by element. */
export async function differences(engine: Engine, type: string, sample: SampleSpec, float: Float): Promise<Map<string, number[]>> {
  const { graph, feeds, wrt } = caseOf(type, sample, float, false);
  const session = await engine.load(graph);
  const step = sample.step ?? (float === "float64" ? 1e-4 : 1e-2);
  const result = new Map<string, number[]>();
  for (const name of wrt) {
    const x = feeds[name]!;
    const at = toNumbers(x);
    const quotients: number[] = [];
    for (let i = 0; i < at.length; i++) {
      const loss = async (shift: number) => {
        const moved = at.map((v, j) => (i === j ? v + shift : v));
        return Number((await session.run({ ...copied(feeds), [name]: fromNumbers(float, x.dims, moved) }))["loss"]!.data[0]);
      };
      quotients.push(((await loss(step)) - (await loss(-step))) / (2 * step));
    }
    result.set(name, quotients);
  }
  await session.dispose();
  return result;
}

export const samplesOf = (entry: Op): SampleSpec[] => entry.samples.map(sampleSpec);

/** Largest difference, relative to the size of the gradient (at least 1). */
export function distance(a: readonly number[], b: readonly number[]): number {
  const size = Math.max(1, ...b.map(Math.abs));
  return a.length === b.length
    ? Math.max(0, ...a.map((v, i) => (Number.isNaN(v - b[i]!) ? Infinity : Math.abs(v - b[i]!) / size)))
    : Infinity;
}
