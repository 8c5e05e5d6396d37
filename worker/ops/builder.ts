// Builds a graph node by node; every new value has its dtype and shape at once. A scalar may be given as a number. Equal nodes are
// made once, so that a gradient may ask again for what the forward pass has.
import { AppError } from "../../ipc/error.ts";
import { type Attribute, type Dim, Graph, type Node, type ValueInfo } from "../onnx/graph.ts";
import { dtypeCode } from "../onnx/proto.ts";
import { type DType, float32, fromNumbers, int64, sizeOf, type Tensor, toNumbers } from "../tensor.ts";
import { operator } from "./index.ts";
import { constantOf, infer } from "./infer.ts";
import { axisOf } from "./shapes.ts";

export type Value = ValueInfo;
/** A value, or a number: then a scalar of the other operand's dtype. */
export type Operand = Value | number;
export type Plain = number | readonly number[] | string | readonly string[] | Tensor;
export interface OpOptions {
  domain?: string;
  /** How many outputs; then they come as a list. */
  outputs?: number;
  /** Names to give the outputs. */
  names?: readonly string[];
}
export interface Axes {
  axes?: readonly number[];
  /** Default true. */
  keepdims?: boolean;
}

/** How much to put before and after along an axis: numbers, or [1] int64 values that the run reckons. */
export interface Border {
  axis: number;
  before: number | Value;
  after: number | Value;
}

/** Attributes that are floats even when the number given is whole. */
const floats = new Set(
  "alpha beta gamma epsilon ratio bias lambd clip value_float value_floats default_float values_floats keys_floats scale softcap momentum high low mean".split(
    " ",
  ),
);

export class Builder {
  readonly graph: Graph;
  #scope = "";
  #made = new Map<string, Value[]>();

  /** @param graph a graph to go on with, or the name of a new one */
  constructor(graph: Graph | string = "graph") {
    this.graph = typeof graph === "string" ? new Graph(graph) : graph;
    for (const [name, tensor] of this.graph.initializers) {
      const key = constantKey(tensor);
      if (key && constantOf(this.graph, name)) this.#made.set(key, [this.value(name)]);
    }
    for (const node of this.graph.nodes) {
      const outputs = node.outputs.map((name) => this.graph.info(name));
      const key = nodeKey(node, node.inputs, node.outputs.length);
      if (key && outputs.every((o) => o)) this.#made.set(key, outputs as Value[]);
    }
  }

  // ---------------------------------------------------------------------------------------------------------------- values

  input(name: string, dtype: DType, dims: readonly Dim[]): Value {
    const info = { name, dtype, dims: [...dims] };
    this.graph.addInput(info);
    return info;
  }

  /** A trainable float32 initializer, named within the scope. */
  parameter(name: string, dims: readonly number[], init: Float32Array): Value {
    const whole = this.#scope + name;
    this.graph.addInitializer(whole, float32(dims, init), { trainable: true });
    return { name: whole, dtype: "float32", dims };
  }

  /** A fixed tensor. Small equal ones are kept once (unless named). */
  constant(tensor: Tensor, name?: string): Value {
    const key = name === undefined ? constantKey(tensor) : "";
    const old = this.#made.get(key);
    if (old) return old[0]!;
    const whole = this.graph.fresh(this.#scope + (name ?? "c"));
    this.graph.addInitializer(whole, tensor);
    const value = { name: whole, dtype: tensor.dtype, dims: tensor.dims };
    if (key) this.#made.set(key, [value]);
    return value;
  }

  scalar(value: number, dtype: DType = "float32"): Value {
    return this.constant(fromNumbers(dtype, [], [value]));
  }

  /** A list of whole numbers as an int64 vector: shapes, axes, starts. */
  list(values: readonly number[]): Value {
    return this.constant(int64([values.length], values));
  }

  /** Lists the value as an output of the graph, under a name of its own when one is given. */
  output(value: Value, name: string = value.name): void {
    if (name === value.name) return this.graph.addOutput(value);
    this.graph.addOutput(this.op("Identity", [value], {}, { names: [name] }));
  }

  /** Names made inside `body` begin with the prefix and a dot. */
  scope<T>(prefix: string, body: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${prefix}.`;
    try {
      return body();
    } finally {
      this.#scope = outer;
    }
  }

  /** Value of a constant, where it is one. */
  valueOf(value: Value): Tensor | undefined {
    return constantOf(this.graph, value.name);
  }

  /** A value of the graph by its name. */
  value(name: string): Value {
    const info = this.graph.info(name);
    if (!info) throw new AppError("modelInvalid", `The graph has no value '${name}'.`, "Name one of its values.", { value: name });
    return info;
  }

  /** The same value with its lengths said to be `dims`, where more is known than the operators can tell. */
  assume(value: Value, dims: readonly Dim[]): Value {
    const info = { ...value, dims: [...dims] };
    this.graph.setInfo(info);
    return info;
  }

  /**
   * One node. Throws `operatorUnknown`, `shapeMismatch` or `modelInvalid`, naming the operator and the shapes.
   * @param attrs plain values; whole numbers become ints unless the name is one of ONNX's float attributes
   */
  op(
    type: string,
    inputs: readonly (Value | undefined)[],
    attrs: Record<string, Plain> | undefined,
    options: OpOptions & { outputs: number },
  ): Value[];
  op(type: string, inputs: readonly (Value | undefined)[], attrs?: Record<string, Plain>, options?: OpOptions): Value;
  op(type: string, inputs: readonly (Value | undefined)[], attrs: Record<string, Plain> = {}, options: OpOptions = {}): Value | Value[] {
    const tagged = Object.fromEntries(Object.entries(attrs).map(([name, value]) => [name, attribute(name, value)]));
    const made = this.node(
      { type, domain: options.domain ?? "", inputs: inputs.map((x) => x?.name ?? ""), attrs: tagged },
      options.outputs ?? 1,
      options.names,
    );
    return options.outputs === undefined ? made[0]! : made;
  }

  /** The same with attributes as the graph holds them (to copy a node from another graph). */
  node(node: Pick<Node, "type" | "domain" | "inputs" | "attrs"> & { name?: string }, outputs: number, names?: readonly string[]): Value[] {
    const { type, domain, attrs } = node;
    const inputs = [...node.inputs];
    while (inputs.at(-1) === "") inputs.pop();
    const key = names ? "" : nodeKey(node, inputs, outputs);
    const old = this.#made.get(key);
    if (old) return old;
    const typed = infer({
      graph: this.graph,
      type,
      domain,
      attrs,
      inputs: inputs.map((name) => (name ? this.value(name) : undefined)),
      outputs,
    });
    const values = typed
      .slice(0, outputs)
      .map((t, i) => ({ name: names?.[i] ?? this.graph.fresh(`${this.#scope}${type}${i ? `.${i}` : ""}`), ...t }));
    this.graph.addNode({ type, domain, name: node.name || values[0]!.name, inputs, outputs: values.map((v) => v.name), attrs });
    for (const value of values) this.graph.setInfo(value);
    const { since = 0 } = operator(type, domain);
    if (since > (this.graph.opsets.get("") ?? 0)) this.graph.opsets.set("", since);
    if (key) this.#made.set(key, values);
    return values;
  }

  // ------------------------------------------------------------------------------------------------------- maths on elements

  add = (a: Operand, b: Operand): Value => this.#two("Add", a, b);
  sub = (a: Operand, b: Operand): Value => this.#two("Sub", a, b);
  div = (a: Operand, b: Operand): Value => this.#two("Div", a, b);
  pow = (a: Operand, b: Operand): Value => this.#two("Pow", a, b);
  min = (a: Operand, b: Operand): Value => this.#two("Min", a, b);
  max = (a: Operand, b: Operand): Value => this.#two("Max", a, b);
  equal = (a: Operand, b: Operand): Value => this.#two("Equal", a, b);
  greater = (a: Operand, b: Operand): Value => this.#two("Greater", a, b);
  greaterOrEqual = (a: Operand, b: Operand): Value => this.#two("GreaterOrEqual", a, b);
  less = (a: Operand, b: Operand): Value => this.#two("Less", a, b);
  lessOrEqual = (a: Operand, b: Operand): Value => this.#two("LessOrEqual", a, b);
  and = (a: Value, b: Value): Value => this.op("And", [a, b]);
  or = (a: Value, b: Value): Value => this.op("Or", [a, b]);
  not = (x: Value): Value => this.op("Not", [x]);
  /** a · b; a factor that is the number 1 vanishes. */
  mul = (a: Operand, b: Operand): Value => {
    if (typeof b !== "number" && this.#isOne(a)) return b;
    if (typeof a !== "number" && this.#isOne(b)) return a;
    return this.#two("Mul", a, b);
  };

  neg = (x: Value): Value => this.op("Neg", [x]);
  abs = (x: Value): Value => this.op("Abs", [x]);
  sign = (x: Value): Value => this.op("Sign", [x]);
  exp = (x: Value): Value => this.op("Exp", [x]);
  log = (x: Value): Value => this.op("Log", [x]);
  sqrt = (x: Value): Value => this.op("Sqrt", [x]);
  reciprocal = (x: Value): Value => this.op("Reciprocal", [x]);
  square = (x: Value): Value => this.op("Mul", [x, x]);
  sin = (x: Value): Value => this.op("Sin", [x]);
  cos = (x: Value): Value => this.op("Cos", [x]);
  tan = (x: Value): Value => this.op("Tan", [x]);
  erf = (x: Value): Value => this.op("Erf", [x]);
  floor = (x: Value): Value => this.op("Floor", [x]);
  ceil = (x: Value): Value => this.op("Ceil", [x]);
  round = (x: Value): Value => this.op("Round", [x]);
  mod = (a: Operand, b: Operand, attrs: { fmod?: number } = {}): Value => {
    const [x, y] = this.#pair(a, b);
    return this.op("Mod", [x, y], attrs);
  };
  isNaN = (x: Value): Value => this.op("IsNaN", [x]);
  isInf = (x: Value): Value => this.op("IsInf", [x]);
  identity = (x: Value): Value => this.op("Identity", [x]);
  cast = (x: Value, to: DType): Value => (x.dtype === to ? x : this.op("Cast", [x], { to: dtypeCode(to) }));
  clip = (x: Value, least?: Operand, most?: Operand): Value => {
    const bound = (b?: Operand) => (typeof b === "number" ? this.scalar(b, x.dtype) : b);
    return this.op("Clip", [x, bound(least), bound(most)]);
  };
  where = (condition: Value, a: Operand, b: Operand): Value => this.op("Where", [condition, ...this.#pair(a, b)]);

  // ------------------------------------------------------------------------------------------------------------ activations

  relu = (x: Value): Value => this.op("Relu", [x]);
  leakyRelu = (x: Value, alpha = 0.01): Value => this.op("LeakyRelu", [x], { alpha });
  elu = (x: Value, alpha = 1): Value => this.op("Elu", [x], { alpha });
  selu = (x: Value): Value => this.op("Selu", [x]);
  /** @param approximate "tanh" for the tanh form, which every device computes */
  gelu = (x: Value, approximate: "none" | "tanh" = "none"): Value => this.op("Gelu", [x], { approximate });
  /** x · sigmoid(x), also called swish. */
  silu = (x: Value): Value => this.mul(x, this.sigmoid(x));
  tanh = (x: Value): Value => this.op("Tanh", [x]);
  sigmoid = (x: Value): Value => this.op("Sigmoid", [x]);
  softplus = (x: Value): Value => this.op("Softplus", [x]);
  softmax = (x: Value, { axis = -1 } = {}): Value => this.op("Softmax", [x], { axis });
  logSoftmax = (x: Value, { axis = -1 } = {}): Value => this.op("LogSoftmax", [x], { axis });
  /** Standard Dropout; a training step makes it repeatable, inference leaves it out. */
  dropout = (x: Value, ratio: number): Value =>
    ratio > 0 ? this.op("Dropout", [x, this.scalar(ratio), this.constant(fromNumbers("bool", [], [1]))]) : x;
  /** (x - mean) / sqrt(variance + epsilon) · scale + bias, over the axes from `axis` on. */
  layerNorm = (x: Value, scale: Value, bias?: Value, { axis = -1, epsilon = 1e-5 } = {}): Value =>
    this.op("LayerNormalization", [x, scale, bias], { axis, epsilon });

  // ----------------------------------------------------------------------------------------------------- matrices and sums

  matmul = (a: Value, b: Value): Value => this.op("MatMul", [a, b]);
  /** alpha · a · b + c, with a or b transposed where asked. */
  gemm = (a: Value, b: Value, c?: Value, attrs: { transA?: number; transB?: number; alpha?: number; beta?: number } = {}): Value =>
    this.op("Gemm", [a, b, c], attrs);
  reduceSum = (x: Value, options?: Axes): Value => this.#reduce("ReduceSum", x, options);
  reduceMean = (x: Value, options?: Axes): Value => this.#reduce("ReduceMean", x, options);
  reduceMax = (x: Value, options?: Axes): Value => this.#reduce("ReduceMax", x, options);
  reduceMin = (x: Value, options?: Axes): Value => this.#reduce("ReduceMin", x, options);
  argMax = (x: Value, { axis = -1, keepdims = false } = {}): Value => this.op("ArgMax", [x], { axis, keepdims: keepdims ? 1 : 0 });
  cumSum = (x: Value, axis: number, attrs: { exclusive?: number; reverse?: number } = {}): Value =>
    this.op("CumSum", [x, this.scalar(axis, "int64")], attrs);

  // ------------------------------------------------------------------------------------------------------------- shapes

  /** The shape as an int64 vector: a constant where it is known, else read while the graph runs. */
  shapeOf = (x: Value): Value => (x.dims.every((d) => typeof d === "number") ? this.list(x.dims) : this.op("Shape", [x]));
  /** One -1 or symbolic length at most, when given as a list. */
  reshape = (x: Value, dims: readonly Dim[] | Value): Value => {
    if (!Array.isArray(dims)) return this.op("Reshape", [x, dims as Value]);
    return this.op("Reshape", [x, this.list((dims as readonly Dim[]).map((d) => (typeof d === "number" ? d : -1)))]);
  };
  reshapeLike = (x: Value, like: Value): Value => {
    if (x.dims.join() === like.dims.join()) return x;
    return like.dims.filter((d) => typeof d === "string").length <= 1 ? this.reshape(x, like.dims) : this.reshape(x, this.shapeOf(like));
  };
  expand = (x: Value, dims: readonly number[] | Value): Value =>
    this.op("Expand", [x, Array.isArray(dims) ? this.list(dims) : (dims as Value)]);
  expandLike = (x: Value, like: Value): Value => (x.dims.join() === like.dims.join() ? x : this.expand(x, this.shapeOf(like)));
  transpose = (x: Value, perm?: readonly number[]): Value => this.op("Transpose", [x], perm ? { perm } : {});
  /** The last two axes swapped. */
  swapLast = (x: Value): Value => {
    const n = x.dims.length;
    return this.transpose(x, [...Array(Math.max(0, n - 2)).keys(), n - 1, n - 2]);
  };
  concat = (xs: readonly Value[], { axis }: { axis: number }): Value => (xs.length === 1 ? xs[0]! : this.op("Concat", xs, { axis }));
  /** Parts of the given lengths along an axis. */
  split = (x: Value, lengths: readonly number[], { axis }: { axis: number }): Value[] =>
    this.op("Split", [x, this.list(lengths)], { axis }, { outputs: lengths.length });
  slice = (
    x: Value,
    at: { starts: readonly number[]; ends: readonly number[]; axes: readonly number[]; steps?: readonly number[] },
  ): Value => this.op("Slice", [x, this.list(at.starts), this.list(at.ends), this.list(at.axes), at.steps && this.list(at.steps)]);
  /**
   * x with so many zeros (or `value`) before and after along the axes named. Pads are given for every axis: ONNX Runtime 1.30 moves
   * transposes past a Pad that names its axes as if it named all.
   */
  pad = (x: Value, borders: readonly Border[], value = 0): Value => {
    const at = (i: number, side: "before" | "after") => borders.find((b) => b.axis === i)?.[side] ?? 0;
    const pads = (["before", "after"] as const).flatMap((side) => x.dims.map((_, i) => at(i, side)));
    if (pads.every((p) => typeof p === "number")) return this.op("Pad", [x, this.list(pads), this.scalar(value, x.dtype)]);
    const parts = pads.map((p) => (typeof p === "number" ? this.list([p]) : p));
    return this.op("Pad", [x, this.concat(parts, { axis: 0 }), this.scalar(value, x.dtype)]);
  };
  squeeze = (x: Value, axes: readonly number[]): Value => this.op("Squeeze", [x, this.list(axes)]);
  unsqueeze = (x: Value, axes: readonly number[]): Value => this.op("Unsqueeze", [x, this.list(axes)]);
  tile = (x: Value, repeats: readonly number[]): Value => this.op("Tile", [x, this.list(repeats)]);
  gather = (x: Value, ids: Value, { axis = 0 } = {}): Value => this.op("Gather", [x, ids], { axis });
  gatherElements = (x: Value, ids: Value, { axis = 0 } = {}): Value => this.op("GatherElements", [x, ids], { axis });
  /** ids → 0 and 1 along a new last axis (or `axis`). */
  oneHot = (ids: Value, depth: number, { axis = -1, dtype = "float32" as DType } = {}): Value =>
    this.cast(this.op("OneHot", [ids, this.scalar(depth, "int64"), this.constant(float32([2], [0, 1]))], { axis }), dtype);
  /** Zeros of the shape and dtype of x. */
  zerosLike = (x: Value): Value => this.expandLike(this.scalar(0, x.dtype), x);
  /** A vector of ones as long as an axis of x. */
  ones = (x: Value, axis: number): Value => {
    const one = this.constant(fromNumbers(x.dtype, [1], [1]));
    return this.assume(this.expand(one, this.lengthOf(x, axis)), [x.dims[axis]!]);
  };
  /** How many elements the axes (default all) hold together: a number, or a value ([1] float of x's dtype) where a length is symbolic. */
  count = (x: Value, axes: readonly number[] = [...x.dims.keys()]): Operand => {
    const at = axes.map((a) => axisOf(a, x.dims.length));
    const known = at.filter((a) => typeof x.dims[a] === "number");
    const rest = at.filter((a) => typeof x.dims[a] === "string");
    let count: Operand = sizeOf(known.map((a) => x.dims[a] as number));
    for (const a of rest) count = this.mul(count, this.cast(this.lengthOf(x, a), x.dtype));
    return count;
  };

  /** Length of an axis as [1] int64; a symbolic one is read off an input where one has it, so that it is read once. */
  lengthOf(x: Value, axis: number): Value {
    const d = x.dims[axis]!;
    if (typeof d === "number") return this.list([d]);
    const source = this.graph.inputs.find((i) => i.dims.includes(d)) ?? x;
    const at = source === x ? axis : source.dims.indexOf(d);
    return this.op("Shape", [source], { start: at, end: at + 1 });
  }

  #reduce(type: string, x: Value, { axes, keepdims = true }: Axes = {}): Value {
    if (axes?.length === 0) return x;
    return this.op(type, [x, axes && this.list(axes)], { keepdims: keepdims ? 1 : 0 });
  }

  #two(type: string, a: Operand, b: Operand): Value {
    return this.op(type, this.#pair(a, b));
  }

  #pair(a: Operand, b: Operand): [Value, Value] {
    const dtype = typeof a !== "number" ? a.dtype : typeof b !== "number" ? b.dtype : "float32";
    return [typeof a === "number" ? this.scalar(a, dtype) : a, typeof b === "number" ? this.scalar(b, dtype) : b];
  }

  #isOne(x: Operand): boolean {
    if (typeof x === "number") return x === 1;
    const t = x.dims.length === 0 ? this.valueOf(x) : undefined;
    return t !== undefined && t.dtype !== "string" && toNumbers(t)[0] === 1;
  }
}

function attribute(name: string, value: Plain): Attribute {
  if (typeof value === "string") return { type: "string", value };
  const float = floats.has(name);
  if (typeof value === "number") return { type: float || !(Number.isInteger(value) || !Number.isFinite(value)) ? "float" : "int", value };
  if ("dtype" in value) return { type: "tensor", value };
  if (typeof value[0] === "string") return { type: "strings", value: value as readonly string[] };
  const numbers = value as readonly number[];
  return { type: float || !numbers.every((v) => Number.isInteger(v) || !Number.isFinite(v)) ? "floats" : "ints", value: numbers };
}

/** What makes a small constant the same as another; "" for large ones. */
function constantKey({ dtype, dims, data }: Tensor): string {
  return data.length > 16 ? "" : `constant ${dtype} ${dims.join()} ${JSON.stringify(Array.from(data as ArrayLike<unknown>, plainText))}`;
}

/** What makes a node the same as another; "" for random ones and for those with tensors or graphs inside. */
function nodeKey({ type, domain, attrs }: Pick<Node, "type" | "domain" | "attrs">, inputs: readonly string[], outputs: number): string {
  if (operator(type, domain).random || Object.values(attrs).some((a) => a.type === "tensor" || a.type === "graph")) return "";
  return `${domain}:${type}(${inputs.join()})${outputs}${JSON.stringify(attrs, (_, v: unknown) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v))}`;
}

/** -0, NaN and infinities apart, which JSON would make one. */
function plainText(x: unknown): string {
  return Object.is(x, -0) ? "-0" : String(x);
}
