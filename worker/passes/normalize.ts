// Anyone's graph as one of ours: the fixed operator set, nodes in order, types known, shapes reckoned. Handled: operator sets 7 to 23
// (upgrade.ts), If, Loop and Scan (unroll.ts), lists (sequences.ts), attention (attention.ts), constant shape arithmetic (fold.ts), lengths
// fixed on request, names of lengths made plain. Refused: older and newer operator sets, what only the run decides, operators that the
// table lacks.
import { AppError } from "../../ipc/error.ts";
import { check, sortNodes } from "../onnx/check.ts";
import { type Dim, type Graph, isUnknown, type Node, opset, type ValueInfo } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { lowered } from "./attention.ts";
import { Folder } from "./fold.ts";
import type { Pass } from "./pass.ts";
import { rewrite } from "./rewrite.ts";
import { Lists } from "./sequences.ts";
import { Unrolling } from "./unroll.ts";
import { trainable } from "./trainable.ts";
import { upgrade } from "./upgrade.ts";

const oldest = 7;
const newest = 23;

export interface NormalizeOptions {
  /** Numbers for lengths, by their name ("batch") or their place ("x.0"); every one must be found. */
  sizes?: Record<string, number>;
  /** Initializers that are trained whatever they do (unless they can only be constants); default those that look like weights. */
  trained?: readonly string[] | "all";
}

export function normalize({ sizes = {}, trained = [] }: NormalizeOptions = {}): Pass {
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
      old.setParameters(trainable(old, trained));
      const make = new Making(old);
      const after = rewrite(old, (g, node, x, find) => make.node(g, node, x, find), {
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

type Values = readonly (Value | undefined)[];

/** What takes the place of each node: brought up to date, made straight, lowered, folded; nodes of inner graphs like the others. */
class Making {
  readonly #old: Graph;
  readonly #from: number;
  readonly #folder = new Folder();
  readonly #lists = new Lists();
  readonly #leaving: ReadonlySet<string>;
  readonly #control: Unrolling;

  constructor(old: Graph) {
    this.#old = old;
    this.#leaving = new Set(old.outputs.map((o) => o.name));
    this.#from = old.opsets.get("") ?? opset;
    this.#control = new Unrolling(
      (g, node, x, find) => this.node(g, node, x, find),
      (body) => trainable(body),
    );
  }

  node(g: Builder, node: Node, x: Values, find: (name: string) => Value): Values {
    return inNode(node, x, () => {
      const made = this.#made(g, node, x, find);
      const leaves = node.outputs.find((name, i) => this.#leaving.has(name) && made[i] && this.#lists.has(made[i]));
      if (leaves === undefined) return made;
      throw new AppError("modelInvalid", `'${leaves}' leaves the graph as a list.`, "Export the model with tensors in place of lists.");
    });
  }

  #made(g: Builder, given: Node, inputs: Values, find: (name: string) => Value): Values {
    const made = upgrade(g, { node: given, x: inputs }, this.#from);
    if (!("node" in made)) return made;
    const { node, x } = made;
    return (
      this.#control.replace(g, node, x, find) ??
      this.#lists.replace(g, node, x, (body, of) => this.#control.inline(g, body, of, find)) ??
      lowered(g, node, x) ??
      this.#folder.fold(g, node, x) ??
      this.#folder.keep(g, node, x, this.#old)
    );
  }
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

/** Domains in use; ours in our version. */
function opsetsOf(graph: Graph): Map<string, number> {
  const used = new Set(graph.nodes.flatMap(domainsOf));
  return new Map([...graph.opsets].filter(([domain]) => used.has(domain))).set("", opset);
}

const domainsOf = (node: Node): string[] => [
  node.domain,
  ...Object.values(node.attrs).flatMap((a) => (a.type === "graph" ? a.value.nodes.flatMap(domainsOf) : [])),
];

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
