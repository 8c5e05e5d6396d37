// Bytes ↔ graph. Reading is strict: whatever is damaged, unknown or not yet understood is refused with `modelInvalid`, by name.
import { fromBinary } from "@bufbuild/protobuf";
import { AppError } from "../../ipc/error.ts";
import { bytesOf, type DType, fromNumbers, fromRawBytes, isFloat, sizeOf, strings, type Tensor, tensor } from "../tensor.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType as Kind,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  TensorProto_DataLocation,
  TensorProto_DataType as Code,
  type TensorProto,
  type ValueInfoProto,
} from "./gen/onnx_pb.ts";
import { dtypeOf } from "./elements.ts";
import { inlineFunctions } from "./functions.ts";
import { type Attribute, type Attributes, type Dim, Graph, type ValueInfo } from "./graph.ts";

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);
export { dtypeCode, dtypeOf } from "./elements.ts";
export { encodeListOutput, encodeModel, encodeParted, type Parted } from "./write.ts";

/** Inner graphs deeper than this are refused. */
const maxDepth = 16;

// ------------------------------------------------------------------------------------------------------------------ reading

/** Bytes that a tensor keeps in another file; see formats/onnx.ts. */
export type External = (where: { location: string; offset: number; length: number }) => Uint8Array;

/**
 * The graph in ModelProto bytes. Types of inner values are taken where the file gives them; ops/infer.ts fills in the rest.
 * Throws `modelInvalid` for anything damaged, for sparse tensors and unknown element types.
 * @param external reads data kept in other files; without it such models are refused
 */
export function decodeModel(bytes: Uint8Array, external?: External): Graph {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw bad("The file is not an ONNX model, or it is damaged.", {}, cause);
  }
  if (!model.graph) throw bad("The ONNX model has no graph.");
  inlineFunctions(model);
  const opsets = new Map<string, number>();
  for (const { domain, version } of model.opsetImport) {
    const key = domain === "ai.onnx" ? "" : domain;
    if (opsets.has(key)) throw bad(`The ONNX model names the operator set '${domain}' twice.`);
    opsets.set(key, whole(version, `The version of the operator set '${domain}'`));
  }
  if (!opsets.size) throw bad("The ONNX model does not say which operator set it uses.");
  const graph = readGraph(model.graph, { depth: 0, external });
  graph.opsets.clear();
  for (const [domain, version] of opsets) graph.opsets.set(domain, version);
  for (const { key, value } of model.metadataProps) graph.metadata.set(key, value);
  const { producerName: producer, producerVersion, domain: maker, docString: description } = model;
  for (const [key, value] of Object.entries({ producer, producerVersion, domain: maker, description }))
    if (value) graph.about.set(key, value);
  const inputs = new Set(graph.inputs.map((i) => i.name));
  for (const { initialization } of model.trainingInfo)
    for (const t of initialization?.initializer ?? [])
      if (inputs.has(t.name)) graph.initial.set(t.name, readTensor(t, `What '${t.name}' begins with`, { depth: 0, external }));
  return graph;
}

interface Reading {
  depth: number;
  external: External | undefined;
}

function readGraph(proto: GraphProto, at: Reading): Graph {
  if (at.depth > maxDepth) throw bad(`The ONNX model nests graphs more than ${maxDepth} deep.`);
  if (proto.sparseInitializer.length) throw bad("The ONNX model has sparse weights, which are not supported.");
  const graph = new Graph(proto.name);
  const initialized = new Set(proto.initializer.map((t) => t.name));
  // Before IR 4 every initializer was listed among the inputs too.
  for (const input of proto.input) {
    if (initialized.has(input.name)) continue;
    // What an inner graph is given is known where it is used.
    const open = at.depth > 0 && !known(input);
    graph.addInput(open ? { name: input.name, dtype: "float32", dims: [] } : readInfo(input, "input"));
  }
  for (const t of proto.initializer) {
    const value = readTensor(t, `The initializer '${t.name}'`, at);
    graph.addInitializer(t.name, value, { trainable: isFloat(value.dtype) });
  }
  for (const value of proto.valueInfo) if (known(value)) graph.setInfo(readInfo(value, "value"));
  for (const node of proto.node) {
    const attrs = readAttributes(node, at);
    const constant = node.opType === "Constant" && !node.domain ? attrs["value"] : undefined;
    if (constant?.type === "tensor" && node.output.length === 1) graph.addInitializer(node.output[0]!, constant.value);
    else {
      const { opType: type, name, input: inputs, output: outputs } = node;
      if (!type) throw bad(`The node '${name}' has no operator.`);
      graph.addNode({ type, name, domain: node.domain === "ai.onnx" ? "" : node.domain, inputs, outputs, attrs });
    }
  }
  for (const output of proto.output) {
    if (known(output)) graph.addOutput(readInfo(output, "output"));
    else graph.addOutput(graph.info(output.name) ?? { name: output.name, dtype: "float32", dims: [] });
  }
  return graph;
}

function known(info: ValueInfoProto): boolean {
  const type = info.type?.value;
  return type?.case === "tensorType" && type.value.shape !== undefined && type.value.elemType !== Code.UNDEFINED;
}

function readInfo(info: ValueInfoProto, what: string): ValueInfo {
  const where = `The ${what} '${info.name}'`;
  const type = info.type?.value;
  if (type?.case !== "tensorType" || !type.value.shape) throw bad(`${where} is not a tensor of known rank.`, { value: info.name });
  const dims = type.value.shape.dim.map((d, i): Dim => {
    if (d.value.case === "dimValue") return whole(d.value.value, `Dimension ${i} of ${where.toLowerCase()}`);
    return (d.value.case === "dimParam" && d.value.value) || `?${info.name}.${i}`;
  });
  return { name: info.name, dtype: dtypeOf(type.value.elemType, where), dims };
}

function readAttributes(node: NodeProto, at: Reading): Attributes {
  const attrs: Record<string, Attribute> = Object.create(null) as Record<string, Attribute>;
  for (const a of node.attribute) {
    const where = `The attribute '${a.name}' of ${node.opType} '${node.name}'`;
    if (!a.name || attrs[a.name]) throw bad(`${where} has no name or is given twice.`);
    attrs[a.name] = readAttribute(a, where, at);
  }
  return attrs;
}

function readAttribute(a: AttributeProto, where: string, at: Reading): Attribute {
  switch (a.type) {
    case Kind.INT:
      return { type: "int", value: fromInt64(a.i, where) };
    case Kind.FLOAT:
      return { type: "float", value: a.f };
    case Kind.STRING:
      return { type: "string", value: text(a.s, where) };
    case Kind.INTS:
      return { type: "ints", value: a.ints.map((i) => fromInt64(i, where)) };
    case Kind.FLOATS:
      return { type: "floats", value: a.floats };
    case Kind.STRINGS:
      return { type: "strings", value: a.strings.map((s) => text(s, where)) };
    case Kind.TENSOR:
      if (a.t) return { type: "tensor", value: readTensor(a.t, where, at) };
      break;
    case Kind.GRAPH:
      if (a.g) return { type: "graph", value: readGraph(a.g, { ...at, depth: at.depth + 1 }) };
  }
  throw bad(`${where} is of a kind (${a.type}) that is not supported.`);
}

function readTensor(t: TensorProto, where: string, at: Reading): Tensor {
  if (t.segment) throw bad(`${where} is split into segments, which is not supported.`);
  const dims = t.dims.map((d, i) => whole(d, `${where}: dimension ${i}`));
  const size = sizeOf(dims);
  if (!Number.isSafeInteger(size)) throw bad(`${where} is larger than any memory.`);
  const dtype = dtypeOf(t.dataType, where);
  if (t.dataLocation === TensorProto_DataLocation.EXTERNAL || t.externalData.length) return readExternal(t, dtype, dims, where, at);
  const fields = [t.floatData, t.int32Data, t.int64Data, t.doubleData, t.uint64Data, t.stringData, t.rawData];
  const filled = fields.filter((f) => f.length > 0);
  if (filled.length > 1) throw bad(`${where} gives its data twice.`);
  const given = filled[0]?.length ?? 0;
  const expected = filled[0] === t.rawData ? Math.ceil(size * bytesOf(dtype)) : dtype === "uint4" ? Math.ceil(size / 2) : size;
  if (given !== expected) throw bad(`${where} has ${given} values or bytes where its shape [${dims.join(", ")}] asks for ${expected}.`);
  if (dtype === "string") {
    if (filled[0] && filled[0] !== t.stringData) throw bad(`${where} is text but holds numbers.`);
    return strings(
      dims,
      t.stringData.map((s) => text(s, where)),
    );
  }
  if (filled[0] === t.stringData) throw bad(`${where} is ${dtype} but holds text.`);
  if (filled[0] === t.rawData) return fromRawBytes(dtype, dims, t.rawData);
  if (dtype === "float16") return tensor("float16", dims, Uint16Array.from(t.int32Data));
  if (dtype === "uint4") return tensor("uint4", dims, Uint8Array.from(t.int32Data));
  if (dtype === "int64") return tensor("int64", dims, BigInt64Array.from(t.int64Data));
  if (dtype === "uint64") return tensor("uint64", dims, BigUint64Array.from(t.uint64Data));
  const home = dtype === "float32" ? t.floatData : dtype === "float64" ? t.doubleData : dtype === "uint32" ? t.uint64Data : t.int32Data;
  if (filled[0] && filled[0] !== home) throw bad(`${where} keeps its ${dtype} data in the wrong field.`);
  return fromNumbers(dtype, dims, Array.from(home as readonly (number | bigint)[], Number));
}

function readExternal(t: TensorProto, dtype: DType, dims: number[], where: string, { external }: Reading): Tensor {
  if (!external) throw bad(`${where} keeps its data in another file, which this reader does not open.`);
  if (dtype === "string") throw bad(`${where} keeps text in another file, which cannot be.`);
  const entries = new Map(t.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get("location");
  if (!location) throw bad(`${where} keeps its data in another file, but does not say which.`);
  const number = (key: string, fallback: number): number => {
    const given = entries.get(key);
    if (given === undefined) return fallback;
    if (!/^\d{1,16}$/.test(given)) throw bad(`${where}: the ${key} '${given}' of its data is not a number.`);
    return whole(BigInt(given), `${where}: the ${key} of its data`);
  };
  const expected = sizeOf(dims) * bytesOf(dtype);
  const length = number("length", expected);
  if (length !== expected) throw bad(`${where} has ${length} bytes where its shape [${dims.join(", ")}] asks for ${expected}.`);
  return fromRawBytes(dtype, dims, external({ location, offset: number("offset", 0), length }));
}

function whole(value: bigint, where: string): number {
  if (value < 0n || value > Number.MAX_SAFE_INTEGER) throw bad(`${where} is ${value}, which cannot be.`);
  return Number(value);
}

function fromInt64(value: bigint, where: string): number {
  if (value === int64Max) return Infinity;
  if (value === int64Min) return -Infinity;
  if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) throw bad(`${where} is ${value}, which is too large to keep.`);
  return Number(value);
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function text(bytes: Uint8Array, where: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw bad(`${where} holds text that is not UTF-8.`, {}, cause);
  }
}

function bad(message: string, data: Record<string, string | number> = {}, cause?: unknown): AppError {
  return new AppError("modelInvalid", message, "Use an ONNX model that a current tool wrote, or export it again.", data, cause);
}
