// A graph in memory: values by name, nodes in order. It knows the form of ONNX and nothing of what operators mean.
// Edits only through methods; a name is defined once. Trainable initializers are listed in `parameters`.
import { AppError } from "../../ipc/error.ts";
import type { DType, Tensor } from "../tensor.ts";

/** A length: a number, or a name for one that is known only when the graph runs ("B"). */
export type Dim = number | string;

export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly Dim[];
}

/** Infinity stands for the largest int64 ("to the end"), -Infinity for the smallest. */
export type Attribute =
  | { type: "int" | "float"; value: number }
  | { type: "ints" | "floats"; value: readonly number[] }
  | { type: "string"; value: string }
  | { type: "strings"; value: readonly string[] }
  | { type: "tensor"; value: Tensor }
  | { type: "graph"; value: Graph };
export type Attributes = Readonly<Record<string, Attribute>>;

/** `inputs` may hold "" for an optional one that is absent; `domain` "" is ONNX's own. */
export interface Node {
  readonly type: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: Attributes;
}

export const opset = 21;
export const mlOpset = 3;

/** Whether a length is one that nothing is known of, not even that it equals another. */
export const isUnknown = (d: Dim): boolean => typeof d === "string" && d.startsWith("?");

export class Graph {
  name: string;
  /** Free text pairs that travel in the file. */
  readonly metadata = new Map<string, string>();
  /** Who made the file and what it is, as its header says (producer, producerVersion, domain, description); not written. */
  readonly about = new Map<string, string>();
  /** Version of each operator set used, by domain. */
  readonly opsets = new Map<string, number>([["", opset]]);
  /** What inputs begin with, by their names: training information of the file, which runtimes leave alone. */
  readonly initial = new Map<string, Tensor>();
  #inputs: ValueInfo[] = [];
  #outputs: ValueInfo[] = [];
  #outputNames = new Set<string>();
  #nodes: Node[] = [];
  #initializers = new Map<string, Tensor>();
  #parameters: string[] = [];
  #trainable = new Set<string>();
  #infos = new Map<string, ValueInfo>();
  #defined = new Set<string>();
  #producers = new Map<string, Node>();
  #counts = new Map<string, number>();
  #reserved = new Set<string>();
  #symbols = 0;

  constructor(name = "graph") {
    this.name = name;
  }

  get inputs(): readonly ValueInfo[] {
    return this.#inputs;
  }
  get outputs(): readonly ValueInfo[] {
    return this.#outputs;
  }
  /** In an order in which each uses only what stands before it (see check.ts). */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }
  get initializers(): ReadonlyMap<string, Tensor> {
    return this.#initializers;
  }
  /** Names of the trainable initializers, in order of creation. */
  get parameters(): readonly string[] {
    return this.#parameters;
  }

  /** Type of a value, where it is known. */
  info(name: string): ValueInfo | undefined {
    return this.#infos.get(name);
  }

  defines(name: string): boolean {
    return this.#defined.has(name);
  }

  /** The node that makes a value. */
  producer(name: string): Node | undefined {
    return this.#producers.get(name);
  }

  /** A name that nothing has yet: the prefix itself or the prefix with a number. */
  fresh(prefix: string): string {
    let name = prefix;
    let n = this.#counts.get(prefix) ?? 0;
    while (this.#defined.has(name) || this.#reserved.has(name)) name = `${prefix}_${++n}`;
    this.#counts.set(prefix, n);
    return name;
  }

  /** Names that fresh() leaves alone, as they will be defined later. */
  reserve(names: Iterable<string>): void {
    for (const name of names) this.#reserved.add(name);
  }

  /** A new name for a length that is known only when the graph runs. */
  symbol(): string {
    return `?${this.#symbols++}`;
  }

  addInput(info: ValueInfo): void {
    this.#define(info.name);
    this.#inputs.push(info);
    this.#infos.set(info.name, info);
  }

  /** Lists a value as an output; it must be defined when the graph is checked. */
  addOutput(info: ValueInfo): void {
    if (this.#outputNames.has(info.name)) throw twice(info.name);
    this.#outputNames.add(info.name);
    this.#outputs.push(info);
    if (!this.#infos.has(info.name)) this.#infos.set(info.name, info);
  }

  setOutputs(names: readonly string[]): void {
    this.#outputs = names.map((name) => {
      const info = this.#infos.get(name);
      if (!info) throw new AppError("modelInvalid", `The output '${name}' is not defined.`, "Name a value of the graph.", { value: name });
      return info;
    });
    this.#outputNames = new Set(names);
  }

  addInitializer(name: string, tensor: Tensor, options: { trainable?: boolean } = {}): void {
    this.#define(name);
    this.#initializers.set(name, tensor);
    this.#infos.set(name, { name, dtype: tensor.dtype, dims: tensor.dims });
    if (!options.trainable) return;
    this.#parameters.push(name);
    this.#trainable.add(name);
  }

  /** Other values for an initializer of the same dtype and shape. */
  setInitializer(name: string, tensor: Tensor): void {
    const old = this.#initializers.get(name);
    if (!old)
      throw new AppError("modelInvalid", `There is no initializer '${name}'.`, "Name one of the graph's initializers.", { value: name });
    if (old.dtype !== tensor.dtype || old.dims.join() !== tensor.dims.join())
      throw new AppError(
        "shapeMismatch",
        `The initializer '${name}' is ${old.dtype}[${old.dims.join(", ")}], not ${tensor.dtype}[${tensor.dims.join(", ")}].`,
        "Give a tensor of the same type and shape.",
        { value: name },
      );
    this.#initializers.set(name, tensor);
  }

  /** Says which initializers are trainable. */
  setParameters(names: Iterable<string>): void {
    this.#parameters = [...names].filter((name) => this.#initializers.has(name));
    this.#trainable = new Set(this.#parameters);
  }

  isParameter(name: string): boolean {
    return this.#trainable.has(name);
  }

  /** Puts the inputs into this order; those not named follow as they stood. */
  orderInputs(names: readonly string[]): void {
    const place = new Map(names.map((name, i) => [name, i]));
    const at = (info: ValueInfo) => place.get(info.name) ?? names.length;
    this.#inputs = [...this.#inputs].sort((a, b) => at(a) - at(b));
  }

  /** Turns initializers into inputs of the same names and types. */
  initializersToInputs(names: readonly string[]): void {
    for (const name of names) {
      const info = this.#infos.get(name);
      if (!this.#initializers.delete(name) || !info)
        throw new AppError("modelInvalid", `There is no initializer '${name}'.`, "Name one of the graph's initializers.", { value: name });
      this.#inputs.push(info);
    }
    this.setParameters(this.#parameters);
  }

  /** Appends a node, or puts it at `at`. */
  addNode(node: Omit<Node, "name" | "domain" | "attrs"> & Partial<Node>, at = this.#nodes.length): Node {
    const whole: Node = { name: "", domain: "", attrs: {}, ...node };
    for (const output of whole.outputs) {
      if (!output) continue;
      this.#define(output);
      this.#producers.set(output, whole);
    }
    if (at === this.#nodes.length) this.#nodes.push(whole);
    else this.#nodes.splice(at, 0, whole);
    if (whole.domain && !this.opsets.has(whole.domain)) this.opsets.set(whole.domain, whole.domain === "ai.onnx.ml" ? mlOpset : 1);
    return whole;
  }

  /** Notes the type of a value. */
  setInfo(info: ValueInfo): void {
    this.#infos.set(info.name, info);
  }

  /**
   * Nodes and initializers that no output needs go away. Says whether any did.
   * @param options.inputs whether inputs that nothing uses go too; default false
   */
  prune(options: { inputs?: boolean } = {}): boolean {
    const needed = new Set(this.#outputs.map((o) => o.name));
    const kept: Node[] = [];
    for (let i = this.#nodes.length - 1; i >= 0; i--) {
      const node = this.#nodes[i]!;
      if (node.outputs.some((o) => needed.has(o))) {
        kept.push(node);
        for (const name of [...node.inputs, ...outerNames(node)]) needed.add(name);
      } else for (const name of node.outputs) this.#forget(name);
    }
    const before = this.#nodes.length + this.#initializers.size + this.#inputs.length;
    if (options.inputs) {
      for (const { name } of this.#inputs) if (!needed.has(name)) this.#forget(name);
      this.#inputs = this.#inputs.filter(({ name }) => needed.has(name));
    }
    this.#nodes = kept.reverse();
    for (const name of [...this.#initializers.keys()]) {
      if (needed.has(name)) continue;
      this.#initializers.delete(name);
      this.#forget(name);
    }
    this.setParameters(this.#parameters);
    return before !== this.#nodes.length + this.#initializers.size + this.#inputs.length;
  }

  /** Other names for values that nodes make, everywhere at once. */
  rename(names: ReadonlyMap<string, string>): void {
    for (const [from, to] of names) {
      const info = this.#infos.get(from);
      if (!this.#producers.has(from) || !info)
        throw new AppError("modelInvalid", `No node makes '${from}'.`, "Rename what a node makes.", { value: from });
      this.#forget(from);
      this.#infos.set(to, { ...info, name: to });
    }
    const now = (name: string) => names.get(name) ?? name;
    this.#outputs = this.#outputs.map((o) => ({ ...o, name: now(o.name) }));
    this.#outputNames = new Set(this.#outputs.map((o) => o.name));
    this.replaceNodes(this.#nodes.map((node) => ({ ...node, inputs: node.inputs.map(now), outputs: node.outputs.map(now) })));
  }

  /** Replaces the nodes by others, in order, which define the same or fewer names. */
  replaceNodes(nodes: readonly Node[]): void {
    for (const name of this.#nodes.flatMap((n) => n.outputs)) {
      this.#defined.delete(name);
      this.#producers.delete(name);
    }
    this.#nodes = [];
    for (const node of nodes) this.addNode(node);
  }

  /** A copy whose edits leave this one alone; tensors are shared. */
  clone(): Graph {
    const copy = new Graph(this.name);
    for (const [k, v] of this.metadata) copy.metadata.set(k, v);
    for (const [k, v] of this.about) copy.about.set(k, v);
    for (const [k, v] of this.opsets) copy.opsets.set(k, v);
    for (const [k, v] of this.initial) copy.initial.set(k, v);
    copy.#inputs = [...this.#inputs];
    copy.#outputs = [...this.#outputs];
    copy.#outputNames = new Set(this.#outputNames);
    copy.#nodes = [...this.#nodes];
    copy.#initializers = new Map(this.#initializers);
    copy.setParameters(this.#parameters);
    copy.#infos = new Map(this.#infos);
    copy.#defined = new Set(this.#defined);
    copy.#producers = new Map(this.#producers);
    copy.#counts = new Map(this.#counts);
    copy.#reserved = new Set(this.#reserved);
    copy.#symbols = this.#symbols;
    return copy;
  }

  #define(name: string): void {
    if (name === "") throw new AppError("modelInvalid", "A value of the graph has no name.", "The model file is damaged.");
    if (this.#defined.has(name)) throw twice(name);
    this.#defined.add(name);
  }

  #forget(name: string): void {
    this.#defined.delete(name);
    this.#producers.delete(name);
    this.#infos.delete(name);
  }
}

/** Names that a node's inner graphs may take from outside. */
export function outerNames(node: Node): string[] {
  const names: string[] = [];
  for (const attr of Object.values(node.attrs)) {
    if (attr.type !== "graph") continue;
    for (const inner of attr.value.nodes) names.push(...inner.inputs, ...outerNames(inner));
    names.push(...attr.value.outputs.map((o) => o.name));
  }
  return names;
}

function twice(name: string): AppError {
  return new AppError("modelInvalid", `The graph defines '${name}' twice.`, "Each value needs a name of its own.", { value: name });
}
