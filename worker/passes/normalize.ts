// Anyone's graph as one of ours: the fixed operator set, nodes in order, types known, shapes reckoned. Handled: operator sets 7 to 23
// (upgrade.ts), constant shape arithmetic (fold.ts), Ifs whose condition is known, lengths fixed on request, names of lengths made plain.
// Refused: older and newer operator sets, inner graphs of sets before 13 that cannot be unfolded, operators that the table lacks.
import { AppError } from "../../ipc/error.ts";
import { check, sortNodes } from "../onnx/check.ts";
import { type Dim, type Graph, isUnknown, type Node, opset, type ValueInfo } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { constantOf } from "../ops/infer.ts";
import { isFloat } from "../tensor.ts";
import { Folder } from "./fold.ts";
import type { Pass } from "./pass.ts";
import { type Replace, rewrite } from "./rewrite.ts";
import { settings, upgrade } from "./upgrade.ts";

const oldest = 7;
const newest = 23;
/** Operators of ONNX that are younger than our operator set, with the version that brought them. */
const younger: Record<string, number> = { Attention: 23, RMSNormalization: 23, RotaryEmbedding: 23 };

export interface NormalizeOptions {
  /** Numbers for lengths, by their name ("batch") or their place ("x.0"); every one must be found. */
  sizes?: Record<string, number>;
  /** Other replacements, tried on each node in its new form, before it is folded. */
  replace?: readonly Replace[];
}

export function normalize({ sizes = {}, replace: others = [] }: NormalizeOptions = {}): Pass {
  return {
    name: "normalize",
    requires(graph) {
      const version = graph.opsets.get("");
      if (version !== undefined && (version < oldest || version > newest))
        throw new AppError(
          "modelInvalid",
          `The model is written for version ${version} of ONNX's operators; versions ${oldest} to ${newest} can be read.`,
          version < oldest ? "Export it again with a current tool." : `Export it again with opset ${newest} or older.`,
          { opset: version },
        );
    },
    run(graph) {
      const old = graph.clone();
      sortNodes(old);
      check(old);
      old.setParameters(trainable(old));
      const from = old.opsets.get("") ?? opset;
      const folder = new Folder();
      const replace = (g: Builder, node: Node, x: Values, find: (name: string) => Value): Values => {
        const branch = knownBranch(g, node, x);
        if (branch) return inline(g, branch, find, (inner, y, look) => inNode(inner, y, () => replace(g, inner, y, look)));
        if (from < 13 && Object.values(node.attrs).some((a) => a.type === "graph"))
          throw new AppError(
            "modelInvalid",
            "its inner graphs are of an older operator set.",
            "Export the model again with opset 17 or newer.",
          );
        const made = upgrade(g, { node, x }, from);
        if (!("node" in made)) return made;
        for (const other of others) {
          const replaced = other(g, made.node, made.x, find);
          if (replaced) return replaced;
        }
        return folder.fold(g, made.node, made.x) ?? folder.keep(g, made.node, made.x, old);
      };
      const after = rewrite(old, (g, node, x, find) => inNode(node, x, () => replace(g, node, x, find)), {
        input: plainInputs(old.inputs, sizes),
        opsets: opsetsOf(old),
      });
      return { graph: after, changed: true };
    },
    ensures(graph) {
      for (const { name } of graph.outputs)
        if (!graph.info(name)) throw new AppError("internal", `The type of '${name}' is not known.`, "Please report it.");
    },
  };
}

/** Errors name the node. */
function inNode<T>(node: Node, x: readonly (Value | undefined)[], body: () => T): T {
  try {
    return body();
  } catch (thrown) {
    const error = thrown instanceof RangeError ? new AppError("modelInvalid", thrown.message, "The model file is damaged.") : thrown;
    if (!(error instanceof AppError) || error.data["node"] !== undefined) throw error;
    const name = node.name || node.outputs[0] || "";
    const shapes = x.map((v) => (v ? `${v.dtype}[${v.dims.join(", ")}]` : "–")).join(", ");
    throw new AppError(error.code, `Node '${name}' (${node.type} of ${shapes}): ${error.message}`, error.hint, {
      ...error.data,
      node: name,
      operator: node.type,
      shapes,
    });
  }
}

/** The inner graph that an If always takes. */
function knownBranch(g: Builder, node: Node, x: readonly (Value | undefined)[]): Graph | undefined {
  if (node.type !== "If" || node.domain !== "" || !x[0]) return undefined;
  const condition = constantOf(g.graph, x[0].name);
  const branch = condition && node.attrs[condition.data[0] ? "then_branch" : "else_branch"];
  return branch?.type === "graph" ? branch.value : undefined;
}

type Values = readonly (Value | undefined)[];
type Make = (node: Node, x: Values, find: (name: string) => Value) => Values;

/** The values of an inner graph's outputs, its nodes made in the outer one. */
function inline(g: Builder, inner: Graph, find: (name: string) => Value, make: Make): readonly Value[] {
  const own = new Map<string, Value>();
  const look = (name: string): Value => own.get(name) ?? find(name);
  for (const [name, tensor] of inner.initializers) own.set(name, g.constant(tensor));
  for (const node of inner.nodes) {
    const outputs = node.outputs.map((o) => (o ? g.graph.fresh(o) : o));
    const x = node.inputs.map((name) => (name ? look(name) : undefined));
    const made = make({ ...node, outputs }, x, look);
    node.outputs.forEach((name, i) => name && made[i] && own.set(name, made[i]));
  }
  return inner.outputs.map((o) => look(o.name));
}

/** Domains in use; ours in our version, or in the one that a younger operator needs. */
function opsetsOf(graph: Graph): Map<string, number> {
  const used = new Set(graph.nodes.map((n) => n.domain));
  const versions = new Map([...graph.opsets].filter(([domain]) => used.has(domain)));
  const needed = graph.nodes.map((n) => (n.domain === "" ? (younger[n.type] ?? opset) : opset));
  return versions.set(
    "",
    needed.reduce((a, b) => Math.max(a, b), opset),
  );
}

/** Initializers from which a path of floats leads to an output, not through a place that only sets how an operator works. */
function trainable(graph: Graph): Set<string> {
  const live = new Set(graph.outputs.map((o) => o.name));
  const whole = new Set([
    "Shape",
    "Size",
    "ArgMax",
    "ArgMin",
    "Equal",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Not",
    "NonZero",
    "IsNaN",
    "IsInf",
  ]);
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((y) => live.has(y)) || whole.has(node.type)) continue;
    const to = node.type === "Cast" && node.attrs["to"]?.type === "int" ? node.attrs["to"].value : 1;
    if (![1, 10, 11, 16].includes(to)) continue; // a cast to whole numbers
    const places = node.domain === "" ? (settings[node.type] ?? []) : [];
    node.inputs.forEach((name, i) => !places.includes(i) && live.add(name));
    for (const attr of Object.values(node.attrs))
      if (attr.type === "graph") for (const inner of attr.value.nodes) for (const name of inner.inputs) live.add(name);
  }
  return new Set([...graph.parameters].filter((name) => live.has(name) && isFloat(graph.initializers.get(name)!.dtype)));
}

/** Inputs with lengths fixed as asked, the others under names that are words. */
function plainInputs(inputs: readonly ValueInfo[], sizes: Record<string, number>): (info: ValueInfo) => ValueInfo {
  const taken = new Map<string, string>();
  const word = (d: string, place: string): string => {
    if (isUnknown(d)) return place.replace(/\W+/g, "_");
    const plain = d.replace(/\W+/g, "_").replace(/^(?=\d)/, "n");
    while (taken.has(plain) && taken.get(plain) !== d) return word(`${plain}_`, place);
    taken.set(plain, d);
    return plain;
  };
  const unused = new Set(Object.keys(sizes));
  const made = inputs.map((info): ValueInfo => {
    const dims = info.dims.map((d, i): Dim => {
      if (typeof d === "number") return d;
      const key = [`${info.name}.${i}`, d].find((k) => Object.hasOwn(sizes, k));
      if (key === undefined) return word(d, `${info.name}_${i}`);
      unused.delete(key);
      return sizes[key]!;
    });
    return { ...info, dims };
  });
  const named = inputs.flatMap((i) => i.dims.flatMap((d, n) => (typeof d === "number" ? [] : [isUnknown(d) ? `${i.name}.${n}` : d])));
  for (const name of unused)
    throw new AppError(
      "usage",
      `No input of the model has a length named '${name}' to fix.`,
      `Lengths that can be fixed: ${[...new Set(named)].join(", ") || "none"}.`,
      { name },
    );
  const byName = new Map(made.map((info) => [info.name, info]));
  return (info) => byName.get(info.name) ?? info;
}
