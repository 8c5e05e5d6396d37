// Changes to the structure of an ONNX model, each by its name: for the property tests of the gate and for fuzzing it.
import { clone, create } from "@bufbuild/protobuf";
import {
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  ValueInfoProtoSchema,
} from "../../worker/onnx/gen/onnx_pb.ts";
import { operators } from "../../worker/ops/index.ts";

/** A choice among things; undefined where there are none. */
export type Pick = <T>(from: readonly T[]) => T | undefined;
type Mutation = (model: ModelProto, graph: GraphProto, pick: Pick) => void;

const lengths = [0n, 1n, 2n, -1n, 3n, 2n ** 31n, 2n ** 40n, 2n ** 62n, -(2n ** 62n)];
export const mutations: Record<string, Mutation> = {
  "an input becomes another value"(_, { node }, pick) {
    const n = pick(node);
    const other = pick(node);
    if (n?.input.length && other?.output.length) n.input[n.input.indexOf(pick(n.input)!)] = pick(other.output)!;
  },
  "an input is gone"(_, { node }, pick) {
    pick(node)?.input.pop();
  },
  "an input is absent"(_, { node }, pick) {
    const n = pick(node);
    if (n?.input.length) n.input[n.input.indexOf(pick(n.input)!)] = "";
  },
  "one input more"(_, { node, initializer }, pick) {
    pick(node)?.input.push(pick(initializer)?.name ?? "nothing");
  },
  "an output has the name of another"(_, { node }, pick) {
    const n = pick(node);
    const other = pick(node);
    if (n?.output.length && other?.output.length) n.output[0] = other.output[0]!;
  },
  "more outputs"(_, { node }, pick) {
    pick(node)?.output.push("", "extra1", "extra2");
  },
  "no outputs"(_, { node }, pick) {
    const n = pick(node);
    if (n) n.output = [];
  },
  "another operator"(_, { node }, pick) {
    const n = pick(node);
    if (n)
      n.opType = pick([...Object.keys(operators), "Loop", "If", "Scan", "SequenceAt", "Attention", "CastLike", "Upsample", "Flatten"])!;
  },
  "another domain"(_, { node }, pick) {
    const n = pick(node);
    if (n) n.domain = pick(["com.microsoft", "ai.onnx.ml", "mine", "ai.onnx"])!;
  },
  "no attributes"(_, { node }, pick) {
    const n = pick(node);
    if (n) n.attribute = [];
  },
  "an attribute of another value"(_, { node }, pick) {
    const a = pick(pick(node)?.attribute ?? []);
    if (!a) return;
    a.i = pick(lengths)!;
    a.f = pick([0, -1, Infinity, NaN, 1e38])!;
    a.ints = a.ints.length ? a.ints.map(() => pick(lengths)!).slice(pick([0, 1])!) : [pick(lengths)!];
  },
  "an attribute of another kind"(_, { node }, pick) {
    const a = pick(pick(node)?.attribute ?? []);
    if (a) a.type = pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 99])! as typeof a.type; // also kinds that there are not
  },
  "an attribute twice"(_, { node }, pick) {
    const n = pick(node);
    if (n?.attribute.length) n.attribute.push(clone(AttributeProtoSchema, n.attribute[0]!));
  },
  "a node twice"(_, graph, pick) {
    const n = pick(graph.node);
    if (n) graph.node.push(clone(NodeProtoSchema, n));
  },
  "a node gone"(_, graph, pick) {
    const n = pick(graph.node);
    graph.node = graph.node.filter((other) => other !== n);
  },
  "nodes in another order"(_, graph) {
    graph.node.reverse();
  },
  "a circle"(_, { node }, pick) {
    const n = pick(node);
    const last = node.at(-1);
    if (n?.input.length && last?.output.length) n.input[0] = last.output[0]!;
  },
  "an initializer of another shape"(_, { initializer }, pick) {
    const t = pick(initializer);
    if (t) t.dims = pick([t.dims.toReversed(), t.dims.map(() => pick(lengths)!), [...t.dims, 1n], [], [2n ** 32n, 2n ** 32n]])!;
  },
  "an initializer of another type"(_, { initializer }, pick) {
    const t = pick(initializer);
    if (t) t.dataType = pick([0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 22, 99])!;
  },
  "an initializer retyped with its data in place"(_, { initializer }, pick) {
    const t = pick(initializer);
    if (t) t.dataType = t.dataType === 1 ? 6 : 1;
  },
  "an initializer twice, or gone"(_, graph, pick) {
    const t = pick(graph.initializer);
    if (t && pick([true, false])) graph.initializer.push(t);
    else graph.initializer = graph.initializer.filter((other) => other !== t);
  },
  "values out of range"(_, { initializer, node }, pick) {
    const shapes = [...initializer, ...node.flatMap((n) => n.attribute.flatMap((a) => a.t ?? []))].filter((t) => t.dataType === 7);
    const t = pick(shapes);
    if (t?.rawData.length) {
      t.rawData = t.rawData.slice();
      new DataView(t.rawData.buffer).setBigInt64(0, pick(lengths)!, true);
    }
  },
  "data in another file"(_, { initializer }, pick) {
    const t = pick(initializer);
    if (!t) return;
    t.dataLocation = TensorProto_DataLocation.EXTERNAL;
    const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });
    t.externalData = [
      entry("location", pick(["/etc/passwd", "../x", "model.onnx", "nothing", "", ".", "\0", "a/../../b", "C:\\x"])!),
      entry("offset", pick(["0", "-1", "9007199254740993", "x"])!),
    ];
  },
  "an input of another type"(_, { input }, pick) {
    const type = pick(input)?.type?.value;
    if (type?.case === "tensorType") type.value.elemType = pick([0, 1, 2, 6, 7, 8, 9, 10, 11, 16, 99])!;
  },
  "an input of other lengths"(_, { input }, pick) {
    const type = pick(input)?.type?.value;
    if (type?.case !== "tensorType" || !type.value.shape) return;
    for (const d of type.value.shape.dim)
      d.value = pick([{ case: "dimValue", value: pick(lengths)! }, { case: "dimParam", value: pick(["batch", "?", "1", "a|b", "*"])! }, { case: undefined }])!; // prettier-ignore
    if (pick([true, false])) type.value.shape.dim.pop();
  },
  "an input twice, or gone"(_, graph, pick) {
    const i = pick(graph.input);
    if (i && pick([true, false])) graph.input.push(clone(ValueInfoProtoSchema, i));
    else graph.input = graph.input.filter((other) => other !== i);
  },
  "an output of nothing"(_, { output }) {
    if (output[0]) output[0].name = "nobody";
  },
  "types of inner values that are wrong"(_, { valueInfo }, pick) {
    const type = pick(valueInfo)?.type?.value;
    if (type?.case === "tensorType") type.value.elemType = pick([1, 7, 9, 99])!;
  },
  "another operator set"(model, _, pick) {
    if (model.opsetImport[0]) model.opsetImport[0].version = pick([0n, 1n, 6n, 7n, 9n, 11n, 12n, 13n, 15n, 18n, 21n, 23n, 24n, 2n ** 60n])!;
  },
  "no operator set"(model) {
    model.opsetImport = [];
  },
  "a branch in place of a node"(_, graph, pick) {
    const n = pick(graph.node);
    if (!n) return;
    const body = create(AttributeProtoSchema, { name: pick(["then_branch", "body"])!, type: 5, g: clone(GraphProtoSchema, graph) });
    n.attribute = [body, create(AttributeProtoSchema, { ...body, name: "else_branch" })];
    n.opType = pick(["If", "Loop", "Scan", "SequenceMap"])!;
  },
};
