// What is known without the device: shapes, and what follows from constants, the step count and the seed. It is reckoned here, so that no
// step waits for the device to tell a shape, and so that the whole numbers of dropout's hash, which int32 does not hold, are exact.
import type { Graph, Node } from "../../onnx/graph.ts";
import { Attrs } from "../../ops/op.ts";
import { constantOf } from "../../ops/infer.ts";
import { evaluate, isEvaluated, partialOf, tensorOf } from "../../passes/partial.ts";
import { int64, sizeOf, type Tensor } from "../../tensor.ts";
import { isSmall } from "./values.ts";

const wholes: Record<string, (a: bigint, b: bigint) => bigint> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Mod: (a, b) => ((a % b) + b) % b,
};

/** The result of a node with one output whose inputs are all known, or undefined where it is left to the device. */
export function evaluateHere(node: Node, inputs: readonly Tensor[]): Tensor | undefined {
  const exact = wholes[node.type];
  const [a, b] = inputs;
  if (
    exact &&
    a?.dtype === "int64" &&
    b?.dtype === "int64" &&
    (b.data.length === 1 || a.data.length === 1 || a.dims.join() === b.dims.join())
  ) {
    const wide = sizeOf(a.dims) > sizeOf(b.dims) || (sizeOf(a.dims) === sizeOf(b.dims) && a.dims.length >= b.dims.length) ? a : b;
    if (exact === wholes["Div"] && b.data.includes(0n)) return undefined;
    const at = (t: Tensor<"int64">, i: number) => t.data[t.data.length === 1 ? 0 : i]!;
    return int64(
      wide.dims,
      BigInt64Array.from({ length: wide.data.length }, (_, i) => BigInt.asIntN(64, exact(at(a, i), at(b, i)))),
    );
  }
  const made = evaluate(node.type, inputs.map(partialOf), new Attrs(node.type, node.attrs));
  return made && tensorOf(made);
}

/** What a Shape or Size node says of a tensor of these lengths. */
export function shapeHere(node: Node, dims: readonly number[]): Tensor | undefined {
  const attrs = new Attrs(node.type, node.attrs);
  if (node.type === "Size") return int64([], [sizeOf(dims)]);
  if (node.type !== "Shape") return undefined;
  const some = dims.slice(attrs.int("start", 0), attrs.has("end") ? attrs.int("end") : undefined);
  return int64([some.length], some);
}

/**
 * The values of a graph that follow from its constants, from shapes and from what is given here: they may be of types that the device does
 * not have, such as the float64 in which optimizers reckon with the step count.
 */
export function knownHere(graph: Graph, given: ReadonlySet<string>): Set<string> {
  const known = new Set(given);
  for (const [name, value] of graph.initializers) if (constantOf(graph, name) && isSmall(value)) known.add(name);
  for (const node of graph.nodes) {
    if (node.domain !== "" || node.outputs.length !== 1) continue;
    const shape = node.type === "Shape" || node.type === "Size";
    if (shape || (isEvaluated(node.type) && node.inputs.every((name) => known.has(name)))) known.add(node.outputs[0]!);
  }
  return known;
}
