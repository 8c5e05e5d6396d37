// The text form of a graph, one node a line: for goldens, for error messages and for reading.
import { isFloat, type Tensor, toNumbers } from "../tensor.ts";
import type { Attribute, Graph, Node, ValueInfo } from "./graph.ts";

/** `name(inputs) → outputs`, the initializers, then `y: float32[B, 4] = MatMul(x, w) {attributes}`. */
export function printGraph(graph: Graph): string {
  const trainable = new Set(graph.parameters);
  const lines = [`${graph.name}(${graph.inputs.map(typed).join(", ")}) → ${graph.outputs.map(typed).join(", ")}`];
  for (const [name, tensor] of graph.initializers)
    lines.push(
      `  ${trainable.has(name) ? "param" : "const"} ${typed({ name, dtype: tensor.dtype, dims: tensor.dims })}${trainable.has(name) ? "" : ` = ${values(tensor)}`}`,
    );
  for (const node of graph.nodes) lines.push(`  ${printNode(node, graph)}`);
  return `${lines.join("\n")}\n`;
}

export function printNode(node: Node, graph: Graph): string {
  const outputs = node.outputs.map((name) => {
    const info = graph.info(name);
    return info ? typed(info) : name || "–";
  });
  const attrs = Object.entries(node.attrs).map(([name, attr]) => `${name}: ${attribute(attr)}`);
  const type = node.domain ? `${node.domain}.${node.type}` : node.type;
  return `${outputs.join(", ")} = ${type}(${node.inputs.map((i) => i || "–").join(", ")})${attrs.length ? ` {${attrs.join(", ")}}` : ""}`;
}

const typed = ({ name, dtype, dims }: ValueInfo): string => `${name}: ${dtype}[${dims.join(", ")}]`;

function attribute(attr: Attribute): string {
  switch (attr.type) {
    case "tensor":
      return `${attr.value.dtype}[${attr.value.dims.join(", ")}] ${values(attr.value)}`;
    case "graph":
      return `graph ${attr.value.name}`;
    case "ints":
    case "floats":
    case "strings":
      return `[${short(attr.value.map(String))}]`;
    default:
      return String(attr.value);
  }
}

function values(t: Tensor): string {
  const all =
    t.dtype === "string"
      ? t.data.map((s) => JSON.stringify(s))
      : toNumbers(t).map((v) => String(isFloat(t.dtype) ? Number(v.toPrecision(7)) : v));
  return t.dims.length ? `[${short(all)}]` : (all[0] ?? "");
}

const short = (all: readonly string[]): string =>
  all.length > 12 ? `${all.slice(0, 12).join(", ")}, … ${all.length} values` : all.join(", ");
