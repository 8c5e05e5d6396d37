// Anybody's ONNX file at work, as it is: nothing is normalised, so whatever ONNX Runtime knows runs, also operators that our own table lacks.
// What is no tensor (the list of dictionaries that scikit-learn's exports end in) is left out: the tensor that it is made of is given instead.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";
import { labelsOf } from "../formats/onnxCard.ts";
import { named, readGraph } from "../formats/onnx.ts";
import type { Dim, Graph, ValueInfo } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/proto.ts";
import { Random } from "../random.ts";
import { bools, fromNumbers, isFloat, sizeOf, strings, type Tensor, zeros } from "../tensor.ts";
import { type InferenceSession, openEngine } from "./engine.ts";

export interface Foreign {
  /** Name of the file. */
  file: string;
  /** The graph as the file has it. */
  graph: Graph;
  inputs: readonly ValueInfo[];
  outputs: readonly ValueInfo[];
  /** Class names, where the file has them. */
  labels: string[] | undefined;
  /** Every output, and the milliseconds that it took. Throws shapeMismatch, outOfMemory, deviceFailed. */
  run(feeds: Record<string, Tensor>): Promise<{ outputs: Record<string, Tensor>; ms: number }>;
  dispose(): Promise<void>;
}

/** Throws what readGraph throws; operatorUnknown naming the operators that ONNX Runtime lacks; modelInvalid. */
export async function openForeign(path: string): Promise<Foreign> {
  const data: string[] = [];
  return loadForeign(
    path,
    named(path, () => readGraph(path, (location) => data.push(location))),
    data.length > 0,
  );
}

/**
 * The same for a graph that was read already.
 * @param elsewhere whether the file keeps data in others
 */
export async function loadForeign(path: string, graph: Graph, elsewhere: boolean): Promise<Foreign> {
  const file = basename(path);
  const tensors = withoutLists(graph, path);
  const engine = await openEngine("cpu");
  let session: InferenceSession;
  try {
    session = await engine.load(tensors !== graph ? encodeModel(tensors) : elsewhere ? { path } : readFileSync(path));
  } catch (thrown) {
    await engine.dispose();
    throw refusal(thrown, path);
  }
  // The file's own names for open lengths: the runtime gives some of them up.
  const given = new Map(graph.inputs.map((info) => [info.name, info]));
  return {
    file,
    graph,
    inputs: session.inputs.map((info) => given.get(info.name) ?? info),
    outputs: session.outputs,
    labels: labelsOf(graph),
    async run(feeds) {
      const began = performance.now();
      try {
        const outputs = await session.run(feeds);
        return { outputs, ms: performance.now() - began };
      } catch (thrown) {
        const error = AppError.from(thrown);
        throw new AppError(error.code, `'${file}': ${error.message}`, error.hint, { ...error.data, file: path }, error.cause);
      }
    },
    async dispose() {
      await session.dispose();
      await engine.dispose();
    },
  };
}

const listMakers = new Set(["SequenceConstruct", "SequenceInsert", "SequenceErase", "SequenceEmpty", "SplitToSequence", "SequenceMap"]);

/** The graph without outputs that are no tensors; the graph itself where there are none. */
function withoutLists(graph: Graph, path: string): Graph {
  const zipped = new Map<string, string>();
  for (const node of graph.nodes) if (node.type === "ZipMap" && node.domain === "ai.onnx.ml") zipped.set(node.outputs[0]!, node.inputs[0]!);
  const isList = (name: string) => listMakers.has(graph.producer(name)?.type ?? "");
  if (!graph.outputs.some(({ name }) => zipped.has(name) || isList(name))) return graph;
  const copy = graph.clone();
  const kept = graph.outputs.map(({ name }) => name).filter((name) => !isList(name));
  if (!kept.length)
    throw new AppError("modelInvalid", `${path}: The model answers with lists alone.`, "Export it again with tensors as outputs.", {
      file: path,
    });
  // What ZipMap was given takes its name, so that the answer is called as the file calls it.
  const names = new Map([...zipped].map(([output, input]) => [input, output]));
  const now = (name: string) => names.get(name) ?? name;
  const nodes = graph.nodes
    .filter((node) => !zipped.has(node.outputs[0]!))
    .map((node) => ({ ...node, inputs: node.inputs.map(now), outputs: node.outputs.map(now) }));
  const infos = kept.map((name): ValueInfo => graph.info(name) ?? { name, dtype: "float32", dims: [] });
  copy.replaceNodes(nodes);
  for (const info of infos) copy.setInfo(zipped.has(info.name) ? { name: info.name, dtype: "float32", dims: ["n", "classes"] } : info);
  copy.setOutputs(kept);
  copy.prune();
  return copy;
}

/** What the runtime says of a model that it cannot open, with the operators that it lacks named. */
function refusal(thrown: unknown, path: string): AppError {
  const error = AppError.from(thrown);
  const lacks =
    /Fatal error: (\S+?)\(-?\d+\) is not a registered|Could not find an implementation for (\S+?)\(|No Op registered for (\S+)/.exec(
      `${error.message} ${error.cause instanceof Error ? error.cause.message : ""}`,
    );
  if (lacks) {
    const operator = (lacks[1] ?? lacks[2] ?? lacks[3])!.replace(/^ai\.onnx:|^:/, "").replace(":", ".");
    return new AppError(
      "operatorUnknown",
      `${path}: ONNX Runtime has no operator '${operator}' of that form.`,
      "Export the model with standard ONNX operators, or use another model.",
      { file: path, operator },
      thrown,
    );
  }
  const code = error.code === "deviceFailed" ? "modelInvalid" : error.code;
  return new AppError(code, `${path}: ${error.message}`, "Export it again with a current tool, or use another model.", { ...error.data, file: path }, thrown); // prettier-ignore
}

/** The length of an axis: as asked by name or "input.axis", else 1 for the first, else the usual. */
export function lengthOf(
  { name, dims }: Pick<ValueInfo, "name" | "dims">,
  axis: number,
  sizes: Readonly<Record<string, number>>,
  usual = 1,
): number {
  const d: Dim = dims[axis]!;
  if (typeof d === "number") return d;
  const asked = Object.hasOwn(sizes, `${name}.${axis}`) ? sizes[`${name}.${axis}`] : Object.hasOwn(sizes, d) ? sizes[d] : undefined;
  return asked ?? (axis === 0 ? 1 : usual);
}

/** Numbers in a tensor that is asked for at most; a model that wants more is not filled by us. */
const mostValues = 2 ** 25;

/** A tensor of that input, filled. Whole numbers begin at 0 and stay below 2, so that they are a place in any table. */
export function filled(info: ValueInfo, dims: readonly number[], fill: "zeros" | "ones" | "random", seed = 1): Tensor {
  const size = sizeOf(dims);
  if (size > mostValues)
    throw new AppError(
      "shapeMismatch",
      `The input '${info.name}' of [${dims.join(", ")}] has ${size} numbers, more than can be filled in.`,
      "Choose smaller lengths.",
      { value: info.name },
    );
  if (fill === "zeros") return zeros(info.dtype, dims);
  const random = new Random(seed, info.name);
  const one = (): number => (fill === "ones" ? 1 : isFloat(info.dtype) ? random.uniform() : Math.floor(2 * random.uniform())); // prettier-ignore
  const values = Array.from({ length: size }, one);
  if (info.dtype === "string") return strings(dims, new Array<string>(size).fill(""));
  if (info.dtype === "bool") return bools(dims, values.map((v) => v > 0.5)); // prettier-ignore
  return fromNumbers(info.dtype, dims, values);
}
