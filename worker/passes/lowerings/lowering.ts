// What a lowering is: one of several equal forms, chosen for a device by a measurement. Rules of operators write the plainest form, lowerings
// know it by its operators and shapes. A lowering looks at one node and at what leads to it (already lowered), never at what follows.
import { type Dim, type Node } from "../../onnx/graph.ts";
import type { Builder, Value } from "../../ops/builder.ts";
import { constantOf } from "../../ops/infer.ts";
import { Attrs } from "../../ops/op.ts";
import { type Tensor, toNumbers } from "../../tensor.ts";

/** A node about to be made, its inputs as values of the new graph. */
export interface Site {
  readonly g: Builder;
  readonly node: Node;
  readonly attrs: Attrs;
  readonly x: readonly (Value | undefined)[];
  /** What is known of its first output. */
  readonly y: Value;
}

export interface Lowering {
  readonly name: string;
  /** Operators of ONNX's own domain at which it looks. */
  readonly at: readonly string[];
  readonly devices: readonly string[] | "all";
  /** What it was chosen for: figures, and the class of machine they were taken on. */
  readonly measured: string;
  /** Values for the node's outputs, or undefined to leave it as it is. */
  rewrite(site: Site): readonly (Value | undefined)[] | undefined;
}

/** A node of the new graph that made a value. */
export interface Made {
  readonly attrs: Attrs;
  readonly x: readonly (Value | undefined)[];
  /** Which of its outputs the value is. */
  readonly output: number;
}

/** The node behind a value, where its operator is one of these. */
export function madeBy(g: Builder, value: Value | undefined, ...types: readonly string[]): Made | undefined {
  const node = value && g.graph.producer(value.name);
  if (!node || node.domain !== "" || !types.includes(node.type)) return undefined;
  return {
    attrs: new Attrs(node.type, node.attrs),
    x: node.inputs.map((name) => (name ? g.value(name) : undefined)),
    output: node.outputs.indexOf(value.name),
  };
}

/** Value of a constant, where it is one. */
export const constant = (g: Builder, value: Value | undefined): Tensor | undefined => constantOf(g.graph, value?.name);

/** The numbers of a constant, where it is one. */
export function numbers(g: Builder, value: Value | undefined): number[] | undefined {
  const tensor = constant(g, value);
  return tensor && tensor.dtype !== "string" ? toNumbers(tensor) : undefined;
}

/** Whether every element is this number: a constant filled with it, in whatever shape it is brought. */
export function isAll(g: Builder, value: Value | undefined, number: number): boolean {
  for (let at = value, depth = 0; at && depth < 8; depth++) {
    const tensor = constant(g, at);
    if (tensor) return tensor.dtype !== "string" && tensor.data.length > 0 && toNumbers(tensor).every((v) => v === number);
    at = madeBy(g, at, "Expand", "Reshape", "Transpose", "Unsqueeze", "Squeeze", "Identity")?.x[0];
  }
  return false;
}

/** The axes that a reduction draws together, where they are told. */
export function reducedAxes(g: Builder, x: Value, axes: Value | undefined, attrs: Attrs): number[] | undefined {
  if (!axes) return attrs.int("noop_with_empty_axes", 0) ? [] : [...x.dims.keys()];
  return numbers(g, axes)?.map((a) => (a < 0 ? a + x.dims.length : a));
}

export const sameDims = (a: readonly Dim[], b: readonly Dim[]): boolean => a.length === b.length && a.every((d, i) => d === b[i]);
