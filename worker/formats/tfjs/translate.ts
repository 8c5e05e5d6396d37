// An ONNX graph as a TensorFlow.js graph, node by node; `operators.ts` and `windows.ts` have the entries. Images have their channels first in
// ONNX and last in TensorFlow: a value is kept in either order and turned only where a node asks for the other.
import { AppError } from "../../../ipc/error.ts";
import type { Dim, Graph, Node } from "../../onnx/graph.ts";
import { Attrs } from "../../ops/op.ts";
import { float32, type Tensor, toNumbers } from "../../tensor.ts";
import { GraphDef, type TfValue, tfType } from "./graphDef.ts";

/** A node being translated. */
export interface Step {
  out: GraphDef;
  node: Node;
  attrs: Attrs;
  has(i: number): boolean;
  /** The i-th input with its axes in ONNX's order. */
  x(i: number): TfValue;
  /** The i-th input, an image (N, C, H, W), with its channels last. */
  last(i: number): TfValue;
  dims(i: number): readonly Dim[];
  /** Lengths of the first result. */
  result: readonly Dim[];
  /** The i-th input where it is constant. */
  constant(i: number): Tensor | undefined;
  /** Numbers of the i-th input. Throws where it is not constant. */
  numbers(i: number): number[];
  refuse(why: string): AppError;
}

/** Results of a node, in ONNX's order of axes. */
export type Entry = (step: Step) => TfValue | TfValue[];

/** How an operator is written. `alike`: it does the same to every element, whatever the order of the axes. */
export interface Translation {
  write: Entry;
  alike?: boolean;
  /** Its first result is an image with its channels last. */
  image?: boolean;
}

export const toLast = [0, 2, 3, 1];
const toFirst = [0, 3, 1, 2];

export const transposed = (out: GraphDef, x: TfValue, perm: readonly number[]): TfValue => out.node("Transpose", [x, out.ints(perm)]);

interface Held {
  first?: TfValue;
  last?: TfValue;
  tensor?: Tensor;
  dims: readonly Dim[];
}

/**
 * The graph of the values named.
 * @param inputs values of the graph that are fed, by name   @param outputs values that are given out
 * @throws AppError exportUnsupported, naming the operator
 */
export function translate(
  graph: Graph,
  { inputs, outputs, entries }: { inputs: ReadonlyMap<string, string>; outputs: readonly string[]; entries: Record<string, Translation> },
): GraphDef {
  const out = new GraphDef();
  const held = new Map<string, Held>();
  for (const [name, as] of inputs) {
    const { dtype, dims } = graph.info(name)!;
    held.set(name, { first: out.input({ name: as, dtype: tfType(dtype), dims: dims.map(known) }), dims });
  }
  for (const [name, tensor] of graph.initializers) held.set(name, { tensor, dims: tensor.dims });

  const first = (name: string): TfValue => {
    const value = held.get(name)!;
    return (value.first ??= value.tensor ? out.constant(value.tensor) : transposed(out, value.last!, toFirst));
  };
  const last = (name: string): TfValue => {
    const value = held.get(name)!;
    return (value.last ??= value.tensor ? out.constant(channelsLast(value.tensor)) : transposed(out, first(name), toLast));
  };

  for (const node of needed(graph, outputs, inputs)) {
    const entry = node.domain === "" && Object.hasOwn(entries, node.type) ? entries[node.type] : undefined;
    const refuse = (why: string) =>
      new AppError(
        "exportUnsupported",
        `TensorFlow.js has no way to express the operator ${node.type}: ${why}.`,
        "Take the ONNX file instead.",
        {
          operator: node.type,
        },
      );
    if (!entry) throw refuse("no entry is written for it");
    const values = node.inputs.map((name) => (name ? held.get(name) : undefined));
    // Element by element: in the order in which the images are.
    const turned =
      entry.alike === true &&
      values.some((v) => v?.last && !v.first) &&
      values.every((v) => !v || v.dims.length === 4 || v.dims.every((d) => d === 1));
    const constant = (i: number) => values[i]?.tensor;
    const step: Step = {
      out,
      node,
      attrs: new Attrs(node.type, node.attrs),
      has: (i) => values[i] !== undefined,
      x: (i) => (turned && values[i]!.dims.length === 4 ? last : first)(node.inputs[i]!),
      last: (i) => last(node.inputs[i]!),
      dims: (i) => values[i]!.dims,
      result: graph.info(node.outputs[0]!)?.dims ?? [],
      constant,
      numbers(i) {
        const tensor = constant(i);
        if (!tensor) throw refuse("what it goes by is reckoned while it runs");
        return toNumbers(tensor);
      },
      refuse,
    };
    const made = [entry.write(step)].flat();
    node.outputs.forEach((name, i) => {
      const value = made[i];
      if (!name || !value) return;
      held.set(name, { dims: graph.info(name)?.dims ?? [], ...((turned || entry.image) && i === 0 ? { last: value } : { first: value }) });
    });
  }
  for (const name of outputs) out.output(first(name), name, graph.info(name)!.dims.map(known));
  return out;
}

const known = (d: Dim): number => (typeof d === "number" ? d : -1);

/** The nodes between inputs and outputs, in order. */
function needed(graph: Graph, outputs: readonly string[], inputs: ReadonlyMap<string, string>): Node[] {
  const wanted = new Set(outputs);
  const nodes: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((o) => wanted.has(o) && !inputs.has(o))) continue;
    nodes.push(node);
    for (const name of node.inputs) wanted.add(name);
  }
  return nodes.reverse();
}

/** (N, C, H, W) → (N, H, W, C). */
function channelsLast(given: Tensor): Tensor {
  const [n, c, h, w] = given.dims as [number, number, number, number];
  const values = toNumbers(given);
  const turned = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const image = Math.floor(i / (c * h * w));
    const channel = Math.floor(i / (h * w)) % c;
    turned[image * c * h * w + (i % (h * w)) * c + channel] = values[i]!;
  }
  return float32([n, h, w, c], turned);
}
