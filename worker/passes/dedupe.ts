// Equal nodes and equal small constants become one. Handled: nodes of one operator with the same inputs and attributes, and in turn those
// that read them. Left alone: random operators, and nodes that hold tensors or graphs.
import { AppError } from "../../ipc/error.ts";
import { type Attribute, type Node, opset } from "../onnx/graph.ts";
import type { Value } from "../ops/builder.ts";
import { operator } from "../ops/index.ts";
import type { Pass } from "./pass.ts";
import { rewrite } from "./rewrite.ts";

export const dedupe: Pass = {
  name: "dedupe",
  requires(graph) {
    if ((graph.opsets.get("") ?? 0) < opset)
      throw new AppError("internal", "Only a normalised graph can be deduplicated.", "Run normalize first.");
  },
  run(graph) {
    const made = new Map<string, readonly (Value | undefined)[]>();
    let changed = false;
    const after = rewrite(
      graph,
      (_g, node, x, _find, keep) => {
        const key = keyOf(node, x);
        if (!key) return undefined;
        const before = made.get(key);
        if (before) {
          changed = true;
          return before;
        }
        const kept = keep();
        made.set(key, kept);
        return kept;
      },
      { typed: true },
    );
    return { graph: after, changed };
  },
  ensures() {},
};

/** What makes a node the same as another; undefined for those that are never the same. */
function keyOf(node: Node, x: readonly (Value | undefined)[]): string | undefined {
  const attrs: [string, Attribute][] = Object.entries(node.attrs).sort(([a], [b]) => (a < b ? -1 : 1));
  if (operator(node.type, node.domain).random || attrs.some(([, a]) => a.type === "tensor" || a.type === "graph")) return undefined;
  const plain = attrs.map(
    ([name, a]) => `${name}:${a.type}:${JSON.stringify(a.value, (_, v: unknown) => (typeof v === "number" ? String(v) : v))}`,
  );
  return `${node.domain}:${node.type}(${x.map((v) => v?.name ?? "").join()})${node.outputs.length}{${plain.join()}}`;
}
