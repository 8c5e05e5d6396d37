// If, Loop and Scan made straight: the branch that is taken, the body as often as it runs, so that each node can be differentiated.
// Handled: conditions and trip counts that are constant or follow from constants by whole-number arithmetic, scan inputs of known length.
// Refused: what only the run decides, and more nodes than can be built.
import { AppError } from "../../ipc/error.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { constantOf } from "../ops/infer.ts";
import { Attrs } from "../ops/op.ts";
import { axisOf } from "../ops/shapes.ts";
import { fromNumbers, toNumbers } from "../tensor.ts";
import { rewrite } from "./rewrite.ts";

type Find = (name: string) => Value;
type Inputs = readonly (Value | undefined)[];

const mostNodes = 200_000;
const kinds = new Set(["If", "Loop", "Scan"]);

/** The graph without If, Loop and Scan. Throws `gradientMissing` for one that cannot be made straight, naming the node and the reason. */
export function unroll(graph: Graph): Graph {
  if (!graph.nodes.some(controls)) return graph;
  const pass = new Unrolling();
  return rewrite(graph, (g, node, x, find) => pass.replace(g, node, x, find));
}

const controls = (node: Node): boolean => node.domain === "" && kinds.has(node.type);

class Unrolling {
  #made = 0;
  /** Initializers of inner graphs, taken over once however often the graph runs. */
  #tensors = new Map<Graph, Map<string, Value>>();

  replace(g: Builder, node: Node, x: Inputs, find: Find): Value[] | undefined {
    if (!controls(node)) return undefined;
    if (node.type === "If") return this.#if(g, node, x, find);
    return node.type === "Loop" ? this.#loop(g, node, x, find) : this.#scan(g, node, x, find);
  }

  #if(g: Builder, node: Node, [condition]: Inputs, find: Find): Value[] {
    const taken = condition && valueOf(g, condition);
    if (taken === undefined) throw refuse(node, "its condition is known only when the graph runs");
    return this.#inline(g, bodyOf(node, taken ? "then_branch" : "else_branch"), [], find);
  }

  #loop(g: Builder, node: Node, [count, condition, ...initial]: Inputs, find: Find): Value[] {
    const body = bodyOf(node, "body");
    const trips = count ? valueOf(g, count) : Infinity;
    let go = condition ? valueOf(g, condition) : 1;
    if (trips === undefined) throw refuse(node, "its trip count is known only when the graph runs");
    let carried = initial.map((v) => v!);
    const rows: Value[][] = [];
    for (let i = 0; i < trips; i++) {
      if (go === undefined) throw refuse(node, "its condition is known only when the graph runs");
      if (!go) break;
      const yes = g.constant(fromNumbers("bool", [], [1]));
      const [next, ...rest] = this.#inline(g, body, [g.scalar(i, "int64"), yes, ...carried], find, node);
      go = valueOf(g, next!);
      carried = rest.slice(0, carried.length);
      rows.push(rest.slice(carried.length));
    }
    const scans = body.outputs.length - 1 - carried.length;
    return [...carried, ...stacked(g, node, rows, Array<number>(scans).fill(0))];
  }

  #scan(g: Builder, node: Node, x: Inputs, find: Find): Value[] {
    const body = bodyOf(node, "body");
    const attrs = new Attrs("Scan", node.attrs);
    const scanned = x.slice(x.length - attrs.int("num_scan_inputs")).map((v) => v!);
    let states = x.slice(0, x.length - scanned.length).map((v) => v!);
    const axes = attrs.ints("scan_input_axes", Array<number>(scanned.length).fill(0)).map((a, i) => axisOf(a, scanned[i]!.dims.length));
    const backwards = attrs.ints("scan_input_directions", Array<number>(scanned.length).fill(0));
    const steps = scanned[0]?.dims[axes[0]!];
    if (typeof steps !== "number") throw refuse(node, `it runs over the symbolic length ${String(steps)}`);
    const rows: Value[][] = [];
    for (let i = 0; i < steps; i++) {
      const slices = scanned.map((v, n) => {
        const at = backwards[n] ? steps - 1 - i : i;
        return g.squeeze(g.slice(v, { starts: [at], ends: [at + 1], axes: [axes[n]!] }), [axes[n]!]);
      });
      const out = this.#inline(g, body, [...states, ...slices], find, node);
      states = out.slice(0, states.length);
      rows.push(out.slice(states.length));
    }
    const count = body.outputs.length - states.length;
    const outAxes = attrs.ints("scan_output_axes", Array<number>(count).fill(0));
    const turned = attrs.ints("scan_output_directions", Array<number>(count).fill(0));
    return [...states, ...stacked(g, node, rows, outAxes, turned)];
  }

  /** The body's nodes in the graph itself, on these inputs; values of its outputs. */
  #inline(g: Builder, body: Graph, inputs: readonly Value[], outer: Find, loop?: Node): Value[] {
    const tensors = this.#tensorsOf(g, body);
    const local = new Map<string, Value>();
    body.inputs.forEach((input, i) => inputs[i] && local.set(input.name, inputs[i]));
    const find: Find = (name) => local.get(name) ?? tensors.get(name) ?? outer(name);
    for (const node of body.nodes) {
      if (++this.#made > mostNodes) throw refuse(loop ?? node, `it would become more than ${mostNodes} nodes`);
      const x = node.inputs.map((name) => (name ? find(name) : undefined));
      const made =
        this.replace(g, node, x, find) ?? g.node({ ...node, inputs: x.map((v) => v?.name ?? "") }, Math.max(1, node.outputs.length));
      node.outputs.forEach((name, i) => name && made[i] && local.set(name, made[i]));
    }
    return body.outputs.map((o) => find(o.name));
  }

  #tensorsOf(g: Builder, body: Graph): ReadonlyMap<string, Value> {
    const known = this.#tensors.get(body);
    if (known) return known;
    const made = new Map<string, Value>();
    for (const [name, tensor] of body.initializers) {
      const own = g.graph.fresh(name);
      g.graph.addInitializer(own, tensor, { trainable: body.parameters.includes(name) });
      made.set(name, g.value(own));
    }
    this.#tensors.set(body, made);
    return made;
  }
}

function bodyOf(node: Node, name: string): Graph {
  const attr = node.attrs[name];
  if (attr?.type === "graph") return attr.value;
  throw new AppError("modelInvalid", `${node.type} '${node.name}' has no graph '${name}'.`, "The model file is damaged: export it again.", {
    node: node.name,
  });
}

/** What each round gave, one behind the other along a new axis. */
function stacked(g: Builder, node: Node, rows: readonly Value[][], axes: readonly number[], turned: readonly number[] = []): Value[] {
  if (axes.length && !rows.length) throw refuse(node, "it never runs, and its outputs would be empty");
  return axes.map((axis, n) => {
    const parts = rows.map((row) => g.unsqueeze(row[n]!, [axis]));
    return g.concat(turned[n] ? parts.reverse() : parts, { axis });
  });
}

const rules: Record<string, (...x: number[]) => number> = {
  Identity: (a) => a!,
  Cast: (a) => a!,
  Not: (a) => Number(!a),
  And: (a, b) => Number(a && b),
  Or: (a, b) => Number(a || b),
  Equal: (a, b) => Number(a === b),
  Less: (a, b) => Number(a! < b!),
  LessOrEqual: (a, b) => Number(a! <= b!),
  Greater: (a, b) => Number(a! > b!),
  GreaterOrEqual: (a, b) => Number(a! >= b!),
  Add: (a, b) => a! + b!,
  Sub: (a, b) => a! - b!,
  Mul: (a, b) => a! * b!,
  Min: Math.min,
  Max: Math.max,
  Squeeze: (a) => a!,
  Unsqueeze: (a) => a!,
  Reshape: (a) => a!,
};

/** A single whole number (or truth) that follows from constants; undefined where only the run tells. */
function valueOf(g: Builder, value: Value, depth = 0): number | undefined {
  const constant = constantOf(g.graph, value.name);
  if (constant) return constant.dtype !== "string" && constant.data.length === 1 ? toNumbers(constant)[0] : undefined;
  const node = g.graph.producer(value.name);
  const rule = node?.domain === "" ? rules[node.type] : undefined;
  if (!node || !rule || depth > 64) return undefined;
  const layout = ["Squeeze", "Unsqueeze", "Reshape"].includes(node.type);
  const x = (layout ? node.inputs.slice(0, 1) : node.inputs).map((name) => valueOf(g, g.value(name), depth + 1));
  if (x.some((v) => v === undefined)) return undefined;
  const result = rule(...(x as number[]));
  return value.dtype === "bool" ? Number(result !== 0) : result;
}

function refuse(node: Node, why: string): AppError {
  return new AppError(
    "gradientMissing",
    `${node.type} '${node.name || node.outputs[0]}' cannot be differentiated: ${why}.`,
    "Export the model with fixed lengths and without conditions on its data.",
    { operator: node.type, node: node.name },
  );
}
