// If, Loop and Scan made straight: the branch that is taken, the body as often as it runs, so that each node can be differentiated.
// Handled: conditions and trip counts that are known once the constants are folded, scan inputs of known length; an If on data whose branches
// give tensors of equal shapes (both are computed, and the right one is chosen). Refused: what only the run decides, and more nodes than can
// be built.
import { AppError } from "../../ipc/error.ts";
import type { Dim, Graph, Node } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { constantOf } from "../ops/infer.ts";
import { Attrs } from "../ops/op.ts";
import { axisOf } from "../ops/shapes.ts";
import { fromNumbers, toNumbers } from "../tensor.ts";

export type Find = (name: string) => Value;
export type Inputs = readonly (Value | undefined)[];
/** What takes the place of a node of an inner graph; its outputs have names of their own already. */
export type Make = (g: Builder, node: Node, x: Inputs, find: Find) => Inputs;

export const controlTypes: readonly string[] = ["If", "Loop", "Scan"];

/** More nodes, rounds counted among them, are refused. */
const mostNodes = 200_000;

export class Unrolling {
  readonly #make: Make;
  readonly #trainable: (body: Graph) => ReadonlySet<string>;
  #made = 0;
  /** Initializers of inner graphs, taken over once however often the graph runs. */
  #tensors = new Map<Graph, Map<string, Value>>();

  /** @param trainable which initializers of an inner graph are parameters */
  constructor(make: Make, trainable: (body: Graph) => ReadonlySet<string>) {
    this.#make = make;
    this.#trainable = trainable;
  }

  /** Values for the outputs of an If, a Loop or a Scan; undefined for other nodes. Throws `gradientMissing` where it cannot be made straight. */
  replace(g: Builder, node: Node, x: Inputs, find: Find): Inputs | undefined {
    if (node.domain !== "") return undefined;
    if (node.type === "If") return this.#if(g, node, x, find);
    if (node.type === "Loop") return this.#loop(g, node, x, find);
    return node.type === "Scan" ? this.#scan(g, node, x, find) : undefined;
  }

  /** An inner graph's nodes in the graph itself, on these inputs; values of its outputs. */
  inline(g: Builder, body: Graph, inputs: Inputs, outer: Find): Value[] {
    const tensors = this.#tensorsOf(g, body);
    const local = new Map<string, Value>();
    body.inputs.forEach((input, i) => inputs[i] && local.set(input.name, inputs[i]));
    const find: Find = (name) => local.get(name) ?? tensors.get(name) ?? outer(name);
    this.#count();
    for (const node of body.nodes) {
      this.#count();
      const x = node.inputs.map((name) => (name ? find(name) : undefined));
      const outputs = node.outputs.map((name) => (name ? g.graph.fresh(name) : name));
      const name = outputs.find((output) => output) ?? node.name; // each round has its own
      const made = this.#make(g, { ...node, name, outputs }, x, find);
      node.outputs.forEach((name, i) => name && made[i] && local.set(name, made[i]));
    }
    return body.outputs.map((o) => find(o.name));
  }

  #if(g: Builder, node: Node, [condition]: Inputs, find: Find): Value[] {
    if (!condition) throw refuse("it has no condition");
    const taken = valueOf(g, condition);
    const branch = (name: string) => this.inline(g, bodyOf(node, name), [], find);
    if (taken !== undefined) return branch(taken ? "then_branch" : "else_branch");
    const [yes, no] = [branch("then_branch"), branch("else_branch")];
    const asked = condition.dims.length ? g.reshape(condition, []) : condition;
    return yes.map((a, i) => {
      const b = no[i];
      const tensors = b && g.graph.info(a.name) && g.graph.info(b.name);
      if (!tensors || a.dtype !== b.dtype || a.dims.join() !== b.dims.join())
        throw refuse(
          `its condition is known only when the graph runs, and its branches give ${shown(a)} and ${b ? shown(b) : "nothing"}`,
          condition.dims.length === 0 ? lengths : undefined,
        );
      return a.name === b.name ? a : g.where(asked, a, b);
    });
  }

  #loop(g: Builder, node: Node, [count, condition, ...initial]: Inputs, find: Find): Value[] {
    const body = bodyOf(node, "body");
    const trips = count ? valueOf(g, count) : Infinity;
    let go = condition ? valueOf(g, condition) : 1;
    if (trips === undefined) throw refuse("its trip count is known only when the graph runs");
    if (initial.some((v) => !v) || body.outputs.length < initial.length + 1) throw refuse("its body does not fit its inputs");
    let carried = initial.map((v) => v!);
    const rows: Value[][] = [];
    for (let i = 0; i < trips; i++) {
      if (go === undefined) throw refuse("its condition is known only when the graph runs");
      if (!go) break;
      const yes = g.constant(fromNumbers("bool", [], [1]));
      const [next, ...rest] = this.inline(g, body, [g.scalar(i, "int64"), yes, ...carried], find);
      go = valueOf(g, next!);
      carried = rest.slice(0, carried.length);
      rows.push(rest.slice(carried.length));
    }
    const scans = body.outputs.length - 1 - carried.length;
    return [...carried, ...stacked(g, rows, Array<number>(scans).fill(0))];
  }

  #scan(g: Builder, node: Node, x: Inputs, find: Find): Value[] {
    const body = bodyOf(node, "body");
    const attrs = new Attrs("Scan", node.attrs);
    const scans = attrs.int("num_scan_inputs");
    if (x.some((v) => !v) || !(scans >= 1 && scans <= x.length)) throw refuse("its body does not fit its inputs");
    const scanned = x.slice(x.length - scans).map((v) => v!);
    let states = x.slice(0, x.length - scans).map((v) => v!);
    const count = body.outputs.length - states.length;
    if (count < 0) throw refuse("its body does not fit its inputs");
    const axes = attrs.ints("scan_input_axes", Array<number>(scans).fill(0)).map((a, i) => axisOf(a, scanned[i]?.dims.length ?? 0));
    const backwards = attrs.ints("scan_input_directions", Array<number>(scans).fill(0));
    const steps = scanned[0]!.dims[axes[0] ?? 0];
    if (typeof steps !== "number") throw refuse(`it runs over the symbolic length ${String(steps)}`);
    const rows: Value[][] = [];
    for (let i = 0; i < steps; i++) {
      const slices = scanned.map((v, n) => {
        const at = backwards[n] ? steps - 1 - i : i;
        return g.squeeze(g.slice(v, { starts: [at], ends: [at + 1], axes: [axes[n] ?? 0] }), [axes[n] ?? 0]);
      });
      const out = this.inline(g, body, [...states, ...slices], find);
      states = out.slice(0, states.length);
      rows.push(out.slice(states.length));
    }
    const outAxes = attrs.ints("scan_output_axes", Array<number>(count).fill(0));
    const turned = attrs.ints("scan_output_directions", Array<number>(count).fill(0));
    return [...states, ...stacked(g, rows, outAxes.slice(0, count), turned)];
  }

  #count(): void {
    if (++this.#made > mostNodes) throw refuse(`it would become more than ${mostNodes} nodes`);
  }

  #tensorsOf(g: Builder, body: Graph): ReadonlyMap<string, Value> {
    const known = this.#tensors.get(body);
    if (known) return known;
    const made = new Map<string, Value>();
    const trainable = this.#trainable(body);
    for (const [name, tensor] of body.initializers) {
      if (!trainable.has(name)) made.set(name, g.constant(tensor));
      else {
        const own = g.graph.fresh(name);
        g.graph.addInitializer(own, tensor, { trainable: true });
        made.set(name, g.value(own));
      }
    }
    this.#tensors.set(body, made);
    return made;
  }
}

/** A graph that a node holds. */
export function bodyOf(node: Node, name: string): Graph {
  const attr = node.attrs[name];
  if (attr?.type === "graph") return attr.value;
  throw new AppError("modelInvalid", `it has no graph '${name}'.`, "The model file is damaged: export it again.");
}

/** What each round gave, one behind the other along a new axis. */
function stacked(g: Builder, rows: readonly Value[][], axes: readonly number[], turned: readonly number[] = []): Value[] {
  if (axes.length && !rows.length) throw refuse("it never runs, and its outputs would be empty");
  return axes.map((given, n) => {
    const axis = axisOf(given, rows[0]![n]!.dims.length + 1);
    const parts = rows.map((row) => g.unsqueeze(row[n]!, [axis]));
    return g.concat(turned[n] ? parts.reverse() : parts, { axis });
  });
}

/** A single whole number (or truth) that is known before the graph runs. */
function valueOf(g: Builder, value: Value): number | undefined {
  const constant = constantOf(g.graph, value.name);
  return constant && constant.dtype !== "string" && constant.data.length === 1 ? toNumbers(constant)[0] : undefined;
}

const shown = ({ dtype, dims }: { dtype: string; dims: readonly Dim[] }): string => `${dtype}[${dims.join(", ")}]`;
const lengths = "Fix the model's named lengths (--dim batch=4), or export it without conditions on its data.";

function refuse(why: string, hint = lengths): AppError {
  return new AppError("gradientMissing", `it cannot be differentiated: ${why}.`, hint);
}
