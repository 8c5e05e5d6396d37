// Constant shape arithmetic goes: what follows from constants and known lengths is computed here, and shapes of which only names are known
// ("B", 12, 64) are written so that every later rule understands them. Handled: the evaluators of partial.ts; Reshape, Expand,
// ConstantOfShape, Range, Slice and Resize whose shape is partly named; If with a known condition. Left alone: large data, floats that
// are trained, and everything whose value depends on the data.
import { AppError } from "../../ipc/error.ts";
import { type Dim, type Graph, isUnknown, type Node, opset } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { constantOf } from "../ops/infer.ts";
import { Attrs } from "../ops/op.ts";
import { broadcast, lengthOf, quotient } from "../ops/shapes.ts";
import { evaluate, type Partial, partialOf, tensorOf } from "./partial.ts";
import type { Pass } from "./pass.ts";
import { rewrite } from "./rewrite.ts";

export const fold: Pass = {
  name: "fold",
  requires(graph) {
    if ((graph.opsets.get("") ?? 0) < opset)
      throw new AppError("internal", "Only a normalised graph can be folded.", "Run normalize first.");
  },
  run(graph) {
    const folder = new Folder();
    let changed = false;
    const after = rewrite(graph, (g, node, x) => {
      const made = folder.fold(g, node, x);
      if (made) changed = true;
      return made ?? folder.keep(g, node, x, graph);
    });
    return { graph: after, changed };
  },
  ensures() {},
};

/** Keeps what is known of whole-number values while a graph is built anew, node by node. */
export class Folder {
  #known = new Map<string, Partial>();

  /** Values for a node's outputs when they follow from what is known, else undefined. */
  fold(g: Builder, node: Node, x: readonly (Value | undefined)[]): readonly Value[] | undefined {
    if (node.domain !== "") return undefined;
    if (node.type === "Reshape" && node.attrs["allowzero"]?.value) return this.#withoutZero(g, node, x);
    const known = this.#evaluate(g, node, x);
    const tensor = known && tensorOf(known);
    if (tensor) return [g.constant(tensor)];
    if (node.type === "Identity" && x[0]) return [x[0]];
    const made = this.#resolve(g, node, x);
    if (made && known) this.#known.set(made.name, known);
    return made && [made];
  }

  /** The node as it is, its output types taken from the file where they say more. */
  keep(g: Builder, node: Node, x: readonly (Value | undefined)[], old: Graph): readonly Value[] {
    const names = node.outputs.map((o) => o || g.graph.fresh(node.type));
    const made = g.node({ ...node, inputs: x.map((v) => v?.name ?? "") }, names.length, names);
    const known = this.#evaluate(g, node, x);
    if (known && made[0]) this.#known.set(made[0].name, known);
    return made.map((value) => {
      const told = old.info(value.name)?.dims;
      if (told?.length !== value.dims.length) return value;
      return g.assume(
        value,
        value.dims.map((d, i) => (isUnknown(d) && typeof told[i] === "number" ? told[i] : d)),
      );
    });
  }

  #evaluate(g: Builder, node: Node, x: readonly (Value | undefined)[]): Partial | undefined {
    if (node.domain !== "" || Object.values(node.attrs).some((a) => a.type === "graph")) return undefined;
    const attrs = new Attrs(node.type, node.attrs);
    if (node.type === "Shape" && x[0]) {
      const items = x[0].dims.slice(attrs.int("start", 0), attrs.has("end") ? attrs.int("end") : undefined);
      return { dtype: "int64", dims: [items.length], items };
    }
    if (node.type === "Size" && x[0]) {
      const items = x[0].dims.every((d) => typeof d === "number") ? [x[0].dims.reduce<number>((a, d) => a * (d as number), 1)] : [];
      return items.length ? { dtype: "int64", dims: [], items } : undefined;
    }
    return evaluate(
      node.type,
      x.map((v) => this.#partial(g, v)),
      attrs,
    );
  }

  #partial(g: Builder, x: Value | undefined): Partial | undefined {
    if (!x) return undefined;
    const known = this.#known.get(x.name);
    if (known) return known;
    const constant = constantOf(g.graph, x.name);
    const partial = constant && partialOf(constant);
    if (partial) this.#known.set(x.name, partial);
    return partial;
  }

  /** A Reshape to a shape without a zero, which therefore means the same without `allowzero`. */
  #withoutZero(g: Builder, node: Node, x: readonly (Value | undefined)[]): readonly Value[] | undefined {
    const wanted = this.#partial(g, x[1])?.items;
    if (!wanted || wanted.includes(0)) return undefined;
    const plain = { ...node, attrs: {} };
    return this.fold(g, plain, x) ?? g.node({ ...plain, inputs: x.map((v) => v?.name ?? "") }, 1, [node.outputs[0]!]);
  }

  /** Nodes whose shape is known by names. */
  #resolve(g: Builder, node: Node, x: readonly (Value | undefined)[]): Value | undefined {
    const items = (i: number): readonly Dim[] | undefined => {
      const known = this.#partial(g, x[i]);
      return known?.items.some((d) => typeof d === "string") ? known.items : undefined;
    };
    const again = (dims: (made: Value) => readonly Dim[] | undefined): Value => {
      const [made] = g.node({ ...node, inputs: x.map((v) => v?.name ?? "") }, 1, [node.outputs[0]!]);
      const told = dims(made!);
      return told?.length === made!.dims.length ? g.assume(made!, told) : made!;
    };
    switch (node.type) {
      case "Reshape": {
        const wanted = items(1);
        if (!wanted || !x[0] || node.attrs["allowzero"]?.value) return undefined;
        const from = x[0].dims;
        const plain = wanted.map((d, i) => (typeof d === "number" ? d : from[i] === d ? 0 : -1));
        if (plain.filter((d) => d === -1).length > 1) return again(() => filled(from, wanted));
        const [made] = g.node({ ...node, inputs: [x[0].name, g.list(plain).name] }, 1, [node.outputs[0]!]);
        return wanted.some((d) => Number(d) <= 0) ? made : g.assume(made!, wanted);
      }
      case "Tile": {
        const times = items(1);
        return times && x[0] && again(() => x[0]!.dims.map((d, i) => lengthOf([d, times[i]!])));
      }
      case "AffineGrid": {
        const size = items(1);
        return size && again((made) => [made.dims[0]!, ...size.slice(2), made.dims.at(-1)!]);
      }
      case "Expand": {
        const wanted = items(1);
        return wanted && x[0] && again(() => broadcast(x[0]!.dims, wanted));
      }
      case "ConstantOfShape": {
        const wanted = items(0);
        return wanted && again(() => wanted);
      }
      case "Range": {
        const [from, limit, by] = [0, 1, 2].map((i) => this.#partial(g, x[i])?.items[0]);
        return from === 0 && typeof limit === "string" && by === 1 ? again(() => [limit]) : undefined;
      }
      case "Slice":
        return this.#slice(g, x, again);
      case "Resize": {
        const sizes = items(3);
        if (!sizes || !x[0] || node.attrs["axes"]) return undefined;
        const axes = [...sizes.keys()].filter((i) => sizes[i] !== x[0]!.dims[i]);
        if (axes.some((i) => typeof sizes[i] !== "number")) return undefined;
        if (!axes.length && node.attrs["coordinate_transformation_mode"]?.value !== "tf_crop_and_resize") return x[0];
        const attrs = { ...node.attrs, axes: { type: "ints" as const, value: axes } };
        const list = g.list(axes.map((i) => sizes[i] as number));
        return g.node({ ...node, attrs, inputs: [x[0].name, "", "", list.name] }, 1, [node.outputs[0]!])[0];
      }
      default:
        return undefined;
    }
  }

  /** From 0 on to a named length, step 1: as long as that name says (it must not be longer than what there is). */
  #slice(g: Builder, x: readonly (Value | undefined)[], again: (dims: (made: Value) => readonly Dim[]) => Value): Value | undefined {
    const [starts, ends, axes, steps] = [1, 2, 3, 4].map((i) => this.#partial(g, x[i])?.items);
    if (!x[0] || !starts || !ends?.some((d) => typeof d === "string") || (x[4] && !steps)) return undefined;
    const at = axes ?? [...starts.keys()];
    const rank = x[0].dims.length;
    const dims = [...x[0].dims];
    for (const [i, axis] of at.entries()) {
      const end = ends[i]!;
      if (starts[i] !== 0 || (steps?.[i] ?? 1) !== 1 || typeof end !== "string" || typeof axis !== "number") return undefined;
      dims[axis < 0 ? axis + rank : axis] = end;
    }
    return again((made) => made.dims.map((d, i) => (isUnknown(d) ? (dims[i] ?? d) : d)));
  }
}

/** A wanted shape, its one -1 reckoned from what there is; undefined where a part is not known. */
function filled(from: readonly Dim[], wanted: readonly Dim[]): readonly Dim[] | undefined {
  const open = wanted.flatMap((d, i) => (typeof d === "number" && d <= 0 ? [i] : []));
  if (!open.length) return wanted;
  if (open.length > 1 || wanted[open[0]!] !== -1) return undefined;
  const rest = quotient(from, wanted.toSpliced(open[0]!, 1));
  return rest === undefined ? undefined : wanted.with(open[0]!, rest);
}
