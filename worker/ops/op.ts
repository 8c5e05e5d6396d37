// What an operator's entry is: `infer` (types out of types), `grad` (the rule, or a "no" that says which), `samples` (inputs on which
// the rule is checked). One entry holds all there is to know about an operator; index.ts lists the families.
import type { Attributes, Dim, ValueInfo } from "../onnx/graph.ts";
import { AppError } from "../../ipc/error.ts";
import type { DType, Tensor } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import type { Sample } from "./samples.ts";

export interface Typed {
  dtype: DType;
  dims: readonly Dim[];
}

/** Inputs by place. An entry reads those that its arity promises without asking; for optional ones it asks `has`. */
export type Places<T> = readonly [T, T, T, T, T, ...T[]];

/** A node as `infer` sees it. */
export interface Call {
  readonly x: Places<ValueInfo>;
  readonly type: string;
  readonly attrs: Attrs;
  /** How many outputs are wanted. */
  readonly outputs: number;
  has(input: number): boolean;
  /** Value of an input that is known before the graph runs. */
  constant(input: number): Tensor | undefined;
  /** The lengths that an input (a shape) holds, symbolic ones among them, where they are known. */
  shapeIn(input: number): readonly Dim[] | undefined;
  /** A new name for a length that is known only when the graph runs. */
  symbol(): string;
}

/** A node as `grad` sees it: inputs x, outputs y, upstream gradients dy (of the shape and dtype of y; zero where nothing flows). */
export interface View extends Omit<Call, "x" | "shapeIn" | "symbol"> {
  readonly x: Places<Value>;
  readonly y: Places<Value>;
  readonly dy: Places<Value>;
  /** Whether anything flows back into this output; else its dy is zero. */
  flows(output: number): boolean;
  /** Whether the gradient of this input is wanted. */
  wants(input: number): boolean;
}

/**
 * A pure function: one gradient (or null for none) for each input. The walk sums a gradient over axes along which its input was
 * broadcast, so no rule does.
 */
export type Rule = (g: Builder, node: View) => (Value | null)[];
/** `none`: the result is flat or whole-numbered, its gradient is zero. `forbidden`: asking for it is a mistake. */
export type Gradient = Rule | "none" | { forbidden: string };
export const none = "none";
export const forbidden = (why: string): { forbidden: string } => ({ forbidden: why });

export interface Op {
  /** "" (ONNX's own) where absent. */
  domain?: string;
  /** The operator set that brought it, where that is younger than ours; a graph with it is of that set. */
  since?: number;
  /** Number of inputs: exactly, or [least, most]. */
  arity: number | readonly [number, number];
  /** Random operators give other results each time and are never merged. */
  random?: boolean;
  infer(x: Places<ValueInfo>, call: Call): Typed | Typed[];
  grad: Gradient;
  samples: Sample[];
}

export const op = (entry: Op): Op => entry;

/** Typed reading of attributes; a wrong kind is `modelInvalid`. */
export class Attrs {
  readonly type: string;
  readonly all: Attributes;

  constructor(type: string, all: Attributes) {
    this.type = type;
    this.all = all;
  }

  has(name: string): boolean {
    return this.all[name] !== undefined;
  }
  /** The same attributes but one. */
  without(name: string): Attrs {
    return new Attrs(this.type, Object.fromEntries(Object.entries(this.all).filter(([key]) => key !== name)));
  }
  int(name: string, fallback?: number): number {
    return this.#read(name, ["int"], fallback);
  }
  float(name: string, fallback?: number): number {
    return this.#read(name, ["float", "int"], fallback);
  }
  string(name: string, fallback?: string): string {
    return this.#read(name, ["string"], fallback);
  }
  ints(name: string, fallback?: readonly number[]): readonly number[] {
    return this.#read(name, ["ints"], fallback);
  }

  #read<T>(name: string, kinds: string[], fallback: T | undefined): T {
    const attr = this.all[name];
    if (attr && kinds.includes(attr.type)) return attr.value as T; // the kind was just checked
    if (!attr && fallback !== undefined) return fallback;
    throw new AppError(
      "modelInvalid",
      attr
        ? `The attribute '${name}' of ${this.type} must be of the kind ${kinds[0]}, not ${attr.type}.`
        : `${this.type} needs the attribute '${name}'.`,
      "Export the model again with a current tool.",
      { operator: this.type, attribute: name },
    );
  }
}
