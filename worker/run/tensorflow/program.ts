// A graph that runs by TensorFlow's operations, node after node. What TensorFlow cannot do is refused when the program is made: it has no
// fallback by node. Who makes a program disposes it.
import { AppError } from "../../../ipc/error.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { Attrs } from "../../ops/op.ts";
import { operator } from "../../ops/index.ts";
import { constantOf } from "../../ops/infer.ts";
import type { DType, Tensor } from "../../tensor.ts";
import { evaluateHere, knownHere, shapeHere } from "./host.ts";
import { memoryError } from "../outOfMemory.ts";
import { flat, type Step, type Tf, type TfTensor } from "./op.ts";
import { entryOf } from "./ops/index.ts";
import { isKnownType, isSmall, toTf, wholesOf } from "./values.ts";

/** A value while the graph runs: on the device, here, or both. */
interface Held {
  device?: TfTensor;
  here?: Tensor;
  /** Made in this run, so that it goes when its last reader has run. */
  own: boolean;
  readers: number;
}

/** What a run is given: tensors of the device, or of ours that the run may reckon with (the step count, the seed). */
export type Given = { device: TfTensor } | { here: Tensor };

export class Program {
  readonly graph: Graph;
  readonly #tf: Tf;
  readonly #readers = new Map<string, number>();
  readonly #constants = new Map<string, TfTensor>();
  /** What a run has brought to the device from here: it outlives the node that asked for it first. */
  #brought: TfTensor[] = [];

  /**
   * @param here inputs that are given as tensors of ours
   * @throws operatorUnknown, naming the first node that TensorFlow has no operation for; modelInvalid for a dtype that it does not have
   */
  constructor(tf: Tf, graph: Graph, here: ReadonlySet<string> = new Set()) {
    this.graph = graph;
    this.#tf = tf;
    const known = knownHere(graph, here);
    for (const node of graph.nodes) {
      refuse(graph, node, known);
      for (const name of node.inputs) this.#readers.set(name, (this.#readers.get(name) ?? 0) + 1);
    }
    for (const { name } of graph.outputs) this.#readers.set(name, Infinity);
  }

  /**
   * Runs the graph within the caller's tidy, which the outputs belong to.
   * @param given inputs, and what stands in the place of initializers, by name
   */
  run(given: ReadonlyMap<string, Given>): Map<string, TfTensor> {
    const values = new Map<string, Held>();
    for (const [name, value] of given) values.set(name, { ...value, own: false, readers: Infinity });
    try {
      for (const node of this.graph.nodes) this.#node(node, values);
      return new Map(this.graph.outputs.map(({ name }) => [name, this.#output(name, this.#held(name, values))]));
    } finally {
      for (const value of this.#brought) value.dispose();
      this.#brought = [];
    }
  }

  dispose(): void {
    for (const value of this.#constants.values()) value.dispose();
    this.#constants.clear();
  }

  #held(name: string, values: Map<string, Held>): Held {
    const known = values.get(name);
    if (known) return known;
    const initial = this.graph.initializers.get(name);
    if (!initial) throw new AppError("shapeMismatch", `The input '${name}' is missing.`, "Give a tensor for every input.", { value: name });
    const held: Held = { own: false, readers: Infinity };
    if (constantOf(this.graph, name) && isSmall(initial)) held.here = initial;
    values.set(name, held);
    return held;
  }

  /** An output is the caller's: what is kept beyond the run, or not even as long, is given as a copy (of which the numbers are shared). */
  #output(name: string, held: Held): TfTensor {
    const value = this.#device(name, held);
    return held.own && !held.here ? value : this.#tf.clone(value);
  }

  #device(name: string, held: Held): TfTensor {
    if (held.device) return held.device;
    const initial = held.own ? undefined : this.graph.initializers.get(name);
    if (!initial || (held.here && held.here !== initial)) {
      const made = this.#tf.keep(toTf(this.#tf, held.here!, name));
      this.#brought.push(made);
      return (held.device = made);
    }
    const kept = this.#constants.get(name) ?? this.#tf.keep(toTf(this.#tf, initial, name));
    this.#constants.set(name, kept);
    return (held.device = kept);
  }

  #node(node: Node, values: Map<string, Held>): void {
    const inputs = node.inputs.map((name) => (name ? this.#held(name, values) : undefined));
    const here = this.#here(node, inputs);
    if (here) this.#keep(node, 0, { here }, values);
    else {
      const made = this.#run(node, inputs);
      node.outputs.forEach((name, i) => {
        if (!made[i]) return;
        if (name) this.#keep(node, i, { device: made[i] }, values);
        else made[i].dispose();
      });
    }
    node.inputs.forEach((name, i) => {
      const held = inputs[i];
      if (!held || --held.readers > 0 || !held.own) return;
      held.device?.dispose();
      values.delete(name);
    });
  }

  #keep(node: Node, i: number, value: Pick<Held, "device" | "here">, values: Map<string, Held>): void {
    const readers = this.#readers.get(node.outputs[i]!) ?? 0;
    if (readers) values.set(node.outputs[i]!, { ...value, own: true, readers });
    else value.device?.dispose();
  }

  /** The result where it follows from what is known here. */
  #here(node: Node, inputs: readonly (Held | undefined)[]): Tensor | undefined {
    const [first] = inputs;
    if (node.type === "Shape" || node.type === "Size") return first && shapeHere(node, first.device?.shape ?? first.here!.dims);
    if (!inputs.length || inputs.some((held) => !held?.here)) return undefined;
    return evaluateHere(node, inputs.map((held) => held!.here!)); // prettier-ignore
  }

  #run(node: Node, inputs: readonly (Held | undefined)[]): TfTensor[] {
    const tf = this.#tf;
    const entry = entryOf(node.type, node.domain)!; // refused when the program was made
    const run = typeof entry === "function" ? entry : entry.run;
    const x: (TfTensor | undefined)[] = inputs.map(() => undefined);
    // Brought to the device when they are asked for: shapes that are read with `numbers` never go there.
    inputs.forEach((held, i) => held && Object.defineProperty(x, i, { get: () => this.#device(node.inputs[i]!, held) }));
    const step: Step = {
      tf,
      type: node.type,
      x: x as unknown as Step["x"], // absent optional inputs are asked for with has()
      attrs: new Attrs(node.type, node.attrs),
      outputs: node.outputs.length,
      has: (i) => inputs[i] !== undefined,
      numbers: (i) => (inputs[i]!.here ? wholesOf(inputs[i]!.here) : Array.from(inputs[i]!.device!.dataSync())),
      dtype: (i) => this.graph.info(node.inputs[i]!)!.dtype,
    };
    const body = (): TfTensor[] => {
      const made = run(step);
      const list = Array.isArray(made) ? (made as TfTensor[]) : [made as TfTensor];
      const given = new Set(inputs.map((held) => held?.device));
      return list.map((value) => (given.has(value) ? tf.clone(value) : value));
    };
    try {
      // Where our table says that nothing flows back, nothing does: TensorFlow.js would look for a gradient that it does not have.
      const still = operator(node.type, node.domain).grad === "none" && node.outputs.length === 1;
      return tf.tidy(() => (still ? [flat(tf, () => body()[0]!)] : body()));
    } catch (thrown) {
      throw explain(thrown, this.graph, node);
    }
  }
}

/** Says what of a node TensorFlow cannot do, before anything runs. @throws operatorUnknown, modelInvalid */
export function refuse(graph: Graph, node: Node, known: ReadonlySet<string> = new Set()): void {
  const { type, domain, name } = node;
  const whole = domain ? `${domain}.${type}` : type;
  const entry = entryOf(type, domain);
  const refuses = typeof entry === "object" ? entry.refuses : undefined;
  const asked = {
    attrs: new Attrs(type, node.attrs),
    outputs: node.outputs.filter((o, i) => i === 0 || o !== ""),
    has: (i: number) => Boolean(node.inputs[i]),
    constant: (i: number) => constantOf(graph, node.inputs[i]),
  };
  const why = entry ? refuses?.(asked) : "TensorFlow.js has no such operation";
  const values = [...node.inputs, ...node.outputs].filter((v) => !known.has(v)).map((v) => graph.info(v));
  const wrong = values.find((v) => v && !isKnownType(v.dtype));
  if (!why && !wrong) return;
  throw new AppError(
    why ? "operatorUnknown" : "modelInvalid",
    `The TensorFlow engine cannot run ${whole} '${name}': ${why ?? `TensorFlow.js has no ${wrong!.dtype} ('${wrong!.name}')`}.`,
    "Use another device, for example cpu: TensorFlow has no fallback for single operators.",
    { operator: whole, node: name },
  );
}

/** TensorFlow's words as an error of ours, with the node and its shapes. */
function explain(thrown: unknown, graph: Graph, node: Node): AppError {
  if (thrown instanceof AppError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const shapes = node.inputs.map((name) => describe(graph.info(name))).join(", ");
  const data = { operator: node.type, node: node.name };
  return (
    memoryError(thrown, data) ??
    new AppError(
      "shapeMismatch",
      `TensorFlow could not run ${node.type} '${node.name}' (${shapes}): ${message}`,
      "Check the inputs' types and shapes, or use another device.",
      data,
      thrown,
    )
  );
}

const describe = (info: { dtype: DType; dims: readonly (number | string)[] } | undefined): string =>
  info ? `${info.dtype}[${info.dims.join(", ")}]` : "–";
