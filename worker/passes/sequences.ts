// Lists of tensors (Sequence…, Optional…) taken apart, so that only tensors are left. Handled: lists whose length and places are known
// beforehand, as exporters write them for chunk, unbind, split, stack and cat, and functions mapped over them. Refused: what only the run
// decides, and lists that leave the graph.
import { AppError } from "../../ipc/error.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { constantOf } from "../ops/infer.ts";
import { Attrs } from "../ops/op.ts";
import { axisOf, requireInputs } from "../ops/shapes.ts";
import { fromNumbers, type Tensor, toNumbers } from "../tensor.ts";
import { bodyOf, type Inputs } from "./unroll.ts";

/** A node at work: its inputs, those that are lists as such, and whole numbers that are known beforehand. */
interface At {
  g: Builder;
  attrs: Attrs;
  x: Inputs;
  list(input: number): readonly Value[];
  known(input: number): Tensor;
}
type Result = { list: readonly Value[] } | { value: Value };

/** How many inputs must be there, where it is not one. */
const least: Record<string, number> = { SequenceEmpty: 0, SequenceInsert: 2, SequenceAt: 2, Optional: 0, OptionalHasElement: 0 };

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
  SequenceAt({ list, known }) {
    const from = list(0);
    const value = from[place(toNumbers(known(1))[0]!, from.length)];
    if (!value) throw refuse(`it asks for a place outside a list of ${from.length}`);
    return { value };
  },
  SequenceLength: ({ g, list }) => ({ value: g.scalar(list(0).length, "int64") }),
  SplitToSequence: split,
  ConcatFromSequence({ g, list, attrs }) {
    const parts = list(0);
    if (!parts.length) throw refuse("its list is empty");
    const fresh = attrs.int("new_axis", 0) !== 0;
    const axis = axisOf(attrs.int("axis"), parts[0]!.dims.length + (fresh ? 1 : 0));
    return { value: g.concat(fresh ? parts.map((v) => g.unsqueeze(v, [axis])) : parts, { axis }) };
  },
  Optional({ x }) {
    if (!x[0]) throw refuse("it holds nothing");
    return { value: x[0] };
  },
  OptionalGetElement: ({ x }) => ({ value: x[0]! }),
  OptionalHasElement: ({ g, x }) => ({ value: g.constant(fromNumbers("bool", [], [x[0] ? 1 : 0])) }),
};

function split({ g, attrs, x: [x, lengths], known }: At): Result {
  const axis = axisOf(attrs.int("axis", 0), x!.dims.length);
  const whole = x!.dims[axis]!;
  if (typeof whole === "string") throw refuse(`it cuts the symbolic length ${whole}`);
  const given = lengths && known(1);
  const size = given ? toNumbers(given)[0]! : 1;
  const even = () => Array.from({ length: Math.ceil(whole / size) }, (_, i) => Math.min(size, whole - i * size));
  const parts = g.split(x!, given?.dims.length ? toNumbers(given) : even(), { axis });
  const drop = !given && attrs.int("keepdims", 1) === 0;
  return { list: drop ? parts.map((v) => g.squeeze(v, [axis])) : parts };
}

/** Lists stand in the graph as values that nothing defines; their parts are kept here while a graph is built anew. */
export class Lists {
  readonly #parts = new Map<Value, readonly Value[]>();
  #count = 0;

  /**
   * Values for a node that makes or takes lists; undefined for other nodes. Throws `modelInvalid` for one that cannot be taken apart.
   * @param inline the outputs of the body of a SequenceMap on these inputs
   */
  replace(g: Builder, node: Node, x: Inputs, inline: (body: Graph, inputs: Inputs) => readonly Value[]): Inputs | undefined {
    if (node.domain !== "") return undefined;
    if (node.type === "SequenceMap") return this.#map(node, x, inline);
    const lowering = Object.hasOwn(lowerings, node.type) ? lowerings[node.type] : undefined;
    if (!lowering) return undefined;
    requireInputs(x, node.type === "SequenceConstruct" ? Math.max(1, x.length) : (least[node.type] ?? 1));
    const result = lowering({
      g,
      attrs: new Attrs(node.type, node.attrs),
      x,
      list: (input) => this.#list(x[input]),
      known(input) {
        const tensor = x[input] && constantOf(g.graph, x[input].name);
        if (tensor) return tensor;
        throw refuse("a place or length in it is known only when the graph runs");
      },
    });
    return ["value" in result ? result.value : this.#standIn(result.list)];
  }

  /** Whether the value is a list. */
  has(value: Value): boolean {
    return this.#parts.has(value);
  }

  #list(value: Value | undefined): readonly Value[] {
    const parts = value && this.#parts.get(value);
    if (parts) return parts;
    throw refuse("what it takes is not a list");
  }

  #standIn(parts: readonly Value[]): Value {
    const value: Value = { name: `list:${this.#count++}`, dtype: "float32", dims: [] };
    this.#parts.set(value, parts);
    return value;
  }

  /** The body on each element; other lists go along with the first, tensors are given to every round. */
  #map(node: Node, x: Inputs, inline: (body: Graph, inputs: Inputs) => readonly Value[]): Inputs {
    const body = bodyOf(node, "body");
    const rounds = this.#list(x[0]).map((_, i) =>
      inline(
        body,
        x.map((v) => v && (this.#parts.get(v)?.[i] ?? v)),
      ),
    );
    return body.outputs.map((_, n) => this.#standIn(rounds.map((round) => round[n]!)));
  }
}

function refuse(why: string): AppError {
  return new AppError(
    "modelInvalid",
    `it cannot be used: ${why}.`,
    "Fix the model's named lengths (--dim batch=4), or export it with tensors in place of lists.",
  );
}
