// Lists of tensors (Sequence…, Optional…) taken apart, so that only tensors are left. Handled: lists whose length and places are known
// beforehand, as exporters write them for chunk, unbind, split, stack and cat. Refused: what only the run decides, and lists that leave
// the graph.
import { AppError } from "../../ipc/error.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { constantOf } from "../ops/infer.ts";
import { Attrs } from "../ops/op.ts";
import { axisOf } from "../ops/shapes.ts";
import { fromNumbers, type Tensor, toNumbers } from "../tensor.ts";
import { rewrite } from "./rewrite.ts";

/** A node at work: its inputs, those that are lists as such, and whole numbers that are known beforehand. */
interface At {
  g: Builder;
  node: Node;
  attrs: Attrs;
  x: readonly (Value | undefined)[];
  list(input: number): readonly Value[];
  known(input: number): Tensor;
}
type Result = { list: readonly Value[] } | { value: Value };

const place = (index: number, length: number): number => (index < 0 ? index + length : index);

const lowerings: Record<string, (at: At) => Result> = {
  SequenceEmpty: () => ({ list: [] }),
  SequenceConstruct: ({ x }) => ({ list: x.map((v) => v!) }),
  SequenceInsert({ list, known, x }) {
    const before = list(0);
    const at = x[2] ? place(toNumbers(known(2))[0]!, before.length) : before.length;
    return { list: before.toSpliced(at, 0, x[1]!) };
  },
  SequenceErase({ list, known, x }) {
    const before = list(0);
    return { list: before.toSpliced(x[1] ? place(toNumbers(known(1))[0]!, before.length) : -1, 1) };
  },
  SequenceAt({ list, known, node }) {
    const from = list(0);
    const value = from[place(toNumbers(known(1))[0]!, from.length)];
    if (!value) throw refuse(node, `it asks for a place outside a list of ${from.length}`);
    return { value };
  },
  SequenceLength: ({ g, list }) => ({ value: g.scalar(list(0).length, "int64") }),
  SplitToSequence: split,
  ConcatFromSequence({ g, list, attrs, node }) {
    const parts = list(0);
    if (!parts.length) throw refuse(node, "its list is empty");
    const fresh = attrs.int("new_axis", 0) !== 0;
    const axis = axisOf(attrs.int("axis"), parts[0]!.dims.length + (fresh ? 1 : 0));
    return { value: g.concat(fresh ? parts.map((v) => g.unsqueeze(v, [axis])) : parts, { axis }) };
  },
  Optional({ x, node }) {
    if (!x[0]) throw refuse(node, "it holds nothing");
    return { value: x[0] };
  },
  OptionalGetElement: ({ x }) => ({ value: x[0]! }),
  OptionalHasElement: ({ g, x }) => ({ value: g.constant(fromNumbers("bool", [], [x[0] ? 1 : 0])) }),
};

function split({ g, node, attrs, x: [x, lengths], known }: At): Result {
  const axis = axisOf(attrs.int("axis", 0), x!.dims.length);
  const whole = x!.dims[axis]!;
  if (typeof whole === "string") throw refuse(node, `it cuts the symbolic length ${whole}`);
  const given = lengths && known(1);
  const size = given ? toNumbers(given)[0]! : 1;
  const even = () => Array.from({ length: Math.ceil(whole / size) }, (_, i) => Math.min(size, whole - i * size));
  const parts = g.split(x!, given?.dims.length ? toNumbers(given) : even(), { axis });
  const drop = !given && attrs.int("keepdims", 1) === 0;
  return { list: drop ? parts.map((v) => g.squeeze(v, [axis])) : parts };
}

/** The graph without lists. Throws `modelInvalid` for one that cannot be taken apart, naming the node and the reason. */
export function withoutLists(graph: Graph): Graph {
  if (!graph.nodes.some((node) => isLowered(node))) return graph;
  /** A list stands in the graph as a value that nothing defines; its parts are here. */
  const lists = new Map<Value, readonly Value[]>();
  const leaving = new Set(graph.outputs.map((o) => o.name));
  return rewrite(graph, (g, node, x) => {
    if (!isLowered(node)) return undefined;
    const at: At = {
      g,
      node,
      attrs: new Attrs(node.type, node.attrs),
      x,
      list(input) {
        const parts = x[input] && lists.get(x[input]);
        if (parts) return parts;
        throw refuse(node, "what it takes is not a list");
      },
      known(input) {
        const tensor = x[input] && constantOf(g.graph, x[input].name);
        if (tensor) return tensor;
        throw refuse(node, "a place or length in it is known only when the graph runs");
      },
    };
    const result = lowerings[node.type]!(at);
    if ("value" in result) return [result.value];
    if (node.outputs.some((name) => leaving.has(name))) throw refuse(node, "its list leaves the graph");
    const standIn: Value = { name: `list:${node.outputs[0]}`, dtype: "float32", dims: [] };
    lists.set(standIn, result.list);
    return [standIn];
  });
}

const isLowered = (node: Node): boolean => node.domain === "" && Object.hasOwn(lowerings, node.type);

function refuse(node: Node, why: string): AppError {
  return new AppError(
    "modelInvalid",
    `${node.type} '${node.name || node.outputs[0]}' cannot be used: ${why}.`,
    "Export the model with fixed lengths, or with tensors in place of lists.",
    { operator: node.type, node: node.name },
  );
}
