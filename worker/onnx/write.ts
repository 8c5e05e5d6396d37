// Graph → bytes of a ModelProto, written without messages in between: a graph of 50,000 nodes takes a third of the time that way. The numbers are
// those of onnx.proto (gen/onnx_pb.ts is made of it); that what is written is what the library would write is tested.
// Float constants that are not trainable are written as Constant nodes, so that the file's float initializers are its parameters.
import { AppError } from "../../ipc/error.ts";
import { isFloat, rawBytes, type Tensor, toInt64 } from "../tensor.ts";
import { dtypeCode } from "./elements.ts";
import { AttributeProto_AttributeType as Kind, TensorProto_DataLocation } from "./gen/onnx_pb.ts";
import { type Attribute, type Graph, isUnknown, type Node, type ValueInfo } from "./graph.ts";
import { backward, BackwardWriter } from "./wire.ts";

const irVersion = 10;
/** Protocol buffers end here. */
const mostBytes = 2 ** 31 - 1;
/** Bytes that a node takes with the value that it makes, about. */
const nodeBytes = 160;
const encoder = new TextEncoder();

/** ModelProto bytes of the graph: IR 10, the graph's operator sets. Throws `modelInvalid` for a graph that one file cannot hold. */
export const encodeModel = (graph: Graph): Uint8Array => encode(graph, new Map());

/** A model, and the numbers that it does not hold itself, under the names by which it asks for them ("location" of external_data). */
export interface Parted {
  model: Uint8Array;
  beside: ReadonlyMap<string, Uint8Array>;
}

/** As `encodeModel`, with constants of so many bytes and more left where they are: nothing is copied, and there may be more of them than 2 GB. */
export function encodeParted(graph: Graph, from: number): Parted {
  const places = new Map<Tensor, string>();
  const beside = new Map<string, Uint8Array>();
  for (const value of graph.initializers.values()) {
    if (value.dtype === "string" || value.data.byteLength < from || places.has(value)) continue;
    const place = `${places.size}`;
    places.set(value, place);
    beside.set(place, rawBytes(value));
  }
  return { model: encode(graph, places), beside };
}

type Places = ReadonlyMap<Tensor, string>;

function encode(graph: Graph, places: Places): Uint8Array {
  const held = heldBy(graph, places);
  if (held > mostBytes)
    throw new AppError(
      "modelInvalid",
      `The graph holds ${(held / 2 ** 30).toFixed(1)} GB of numbers; an ONNX file holds at most 2 GB.`,
      "Train fewer weights (--wrt), or a smaller model.",
      { bytes: held },
    );
  const w = new BackwardWriter(held + nodeBytes * (graph.nodes.length + graph.initializers.size + 8));
  if (graph.initial.size) w.message(20, () => w.message(1, () => writeInitial(w, graph.initial)));
  backward([...graph.metadata], ([key, value]) => w.message(14, () => (w.string(2, value), w.string(1, key))));
  backward([...graph.opsets], ([domain, version]) => w.message(8, () => (w.int(2, version), w.string(1, domain))));
  w.message(7, () => writeGraph(w, graph, places));
  w.string(2, "paddock");
  w.int(1, irVersion);
  return w.result();
}

/** A piece of a model: an empty list of tensors as an output. Put before a model's bytes, it becomes that model's first output. */
export function encodeListOutput(name: string): Uint8Array {
  const w = new BackwardWriter(64);
  const listOfFloats = () => w.message(4, () => w.message(1, () => w.message(1, () => w.int(1, dtypeCode("float32")))));
  w.message(7, () => {
    w.message(12, () => (w.message(2, listOfFloats), w.string(1, name)));
    w.message(1, () => (w.string(4, "SequenceEmpty"), w.item(2, name)));
  });
  return w.result();
}

const heldBy = (graph: Graph, places: Places): number => {
  let bytes = 0;
  for (const t of [...graph.initializers.values(), ...graph.initial.values()])
    bytes += t.dtype === "string" || places.has(t) ? 0 : t.data.byteLength;
  return bytes;
};

/** A graph that gives each value under its input's name. */
function writeInitial(w: BackwardWriter, initial: ReadonlyMap<string, Tensor>): void {
  const all = [...initial];
  backward(all, ([name, { dtype, dims }]) => w.message(12, () => writeInfo(w, { name, dtype, dims: [...dims] })));
  backward(all, ([name, value]) => w.message(5, () => writeTensor(w, value, name)));
  w.string(2, "initial");
}

function writeGraph(w: BackwardWriter, graph: Graph, places: Places = new Map()): void {
  const trainable = new Set(graph.parameters);
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const isConstant = ([name, value]: [string, Tensor]) => isFloat(value.dtype) && !trainable.has(name) && !places.has(value);
  const initializers = [...graph.initializers];
  backward(graph.nodes, (node) =>
    backward(node.outputs, (name) => {
      const info = name && !outputs.has(name) ? graph.info(name) : undefined;
      if (info) w.message(13, () => writeInfo(w, info));
    }),
  );
  backward(graph.outputs, (info) => w.message(12, () => writeInfo(w, info)));
  backward(graph.inputs, (info) => w.message(11, () => writeInfo(w, info)));
  backward(initializers, (entry) => {
    if (isConstant(entry)) return;
    const [name, value] = entry;
    const place = places.get(value);
    w.message(5, () => (place === undefined ? writeTensor(w, value, name) : writeElsewhere(w, value, name, place)));
  });
  w.string(2, graph.name);
  backward(graph.nodes, (node) => w.message(1, () => writeNode(w, node)));
  backward(initializers, (entry) => {
    if (isConstant(entry)) w.message(1, () => writeConstant(w, entry));
  });
}

function writeConstant(w: BackwardWriter, [name, value]: [string, Tensor]): void {
  w.message(5, () => writeAttribute(w, "value", { type: "tensor", value }));
  w.string(4, "Constant");
  w.item(2, name);
}

function writeNode(w: BackwardWriter, node: Node): void {
  w.string(7, node.domain);
  for (const name of Object.keys(node.attrs).reverse()) w.message(5, () => writeAttribute(w, name, node.attrs[name]!));
  w.string(4, node.type);
  w.string(3, node.name);
  backward(node.outputs, (name) => w.item(2, name));
  backward(node.inputs, (name) => w.item(1, name));
}

/** ValueInfoProto of a tensor. */
function writeInfo(w: BackwardWriter, { name, dtype, dims }: ValueInfo): void {
  const shape = () =>
    backward(dims, (d) =>
      w.message(1, () => {
        if (typeof d === "number") w.member(1, d);
        else if (!isUnknown(d)) w.item(2, d);
      }),
    );
  w.message(2, () => w.message(1, () => (w.message(2, shape), w.int(1, dtypeCode(dtype)))));
  w.string(1, name);
}

function writeTensor(w: BackwardWriter, t: Tensor, name = ""): void {
  if (t.dtype !== "string") {
    const raw = rawBytes(t);
    if (raw.length) w.bytes(9, raw);
  }
  w.string(8, name);
  if (t.dtype === "string") backward(t.data, (text) => w.item(6, text));
  w.int(2, dtypeCode(t.dtype));
  w.ints(1, t.dims);
}

/** A TensorProto whose numbers are at `place`, from their beginning on. */
function writeElsewhere(w: BackwardWriter, t: Tensor, name: string, place: string): void {
  w.int(14, TensorProto_DataLocation.EXTERNAL);
  const entry = (key: string, value: string) => w.message(13, () => (w.string(2, value), w.string(1, key)));
  entry("length", String(rawBytes(t).length));
  entry("location", place);
  w.string(8, name);
  w.int(2, dtypeCode(t.dtype));
  w.ints(1, t.dims);
}

function writeAttribute(w: BackwardWriter, name: string, attr: Attribute): void {
  switch (attr.type) {
    case "int":
      w.int(20, Kind.INT);
      w.int(3, toInt64(attr.value));
      break;
    case "float":
      w.int(20, Kind.FLOAT);
      w.float(2, attr.value);
      break;
    case "string":
      w.int(20, Kind.STRING);
      if (attr.value) w.bytes(4, encoder.encode(attr.value));
      break;
    case "ints":
      w.int(20, Kind.INTS);
      w.ints(8, attr.value.map(toInt64));
      break;
    case "floats":
      w.int(20, Kind.FLOATS);
      w.floats(7, attr.value);
      break;
    case "strings":
      w.int(20, Kind.STRINGS);
      backward(attr.value, (text) => w.item(9, text));
      break;
    case "tensor":
      w.int(20, Kind.TENSOR);
      w.message(5, () => writeTensor(w, attr.value));
      break;
    case "graph":
      w.int(20, Kind.GRAPH);
      w.message(6, () => writeGraph(w, attr.value));
      break;
  }
  w.string(1, name);
}
