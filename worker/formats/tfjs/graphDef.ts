// A TensorFlow.js graph model being written: a GraphDef as JSON and its weights in shards.
// Format: https://github.com/tensorflow/tfjs/blob/master/tfjs-converter/README.md (model.json) and tensorflow/core/framework/*.proto, whose JSON has
// bytes in base64 and int64 as text. TensorFlow.js knows float32, int32 and bool: whole numbers of 64 bits become int32, doubles float32.
import { AppError } from "../../../ipc/error.ts";
import { bools, float32, tensor, type Tensor, toNumbers } from "../../tensor.ts";

export type TfType = "float32" | "int32" | "bool";
const codes = { float32: "DT_FLOAT", int32: "DT_INT32", bool: "DT_BOOL" } as const;

type TfAttr = Record<string, unknown>;
export const attr = {
  type: (dtype: TfType): TfAttr => ({ type: codes[dtype] }),
  int: (value: number): TfAttr => ({ i: String(value) }),
  float: (value: number): TfAttr => ({ f: value }),
  bool: (value: boolean): TfAttr => ({ b: value }),
  text: (value: string): TfAttr => ({ s: Buffer.from(value, "latin1").toString("base64") }),
  ints: (values: readonly number[]): TfAttr => ({ list: { i: values.map(String) } }),
  shape: (dims: readonly number[]): TfAttr => ({ shape: { dim: dims.map((d) => ({ size: String(d) })) } }),
};

interface TfNode {
  name: string;
  op: string;
  input: string[];
  attr: Record<string, TfAttr>;
}

/** A value of the TensorFlow graph. */
export interface TfValue {
  name: string;
  dtype: TfType;
}

export interface TfPort {
  name: string;
  dtype: TfType;
  /** -1 for a length that is known only when the graph runs. */
  dims: number[];
}

const shardBytes = 4 * 2 ** 20;

export class GraphDef {
  readonly inputs: TfPort[] = [];
  readonly outputs: TfPort[] = [];
  #nodes: TfNode[] = [];
  #weights: { name: string; tensor: Tensor }[] = [];
  #constants = new Map<string, TfValue>();
  #names = new Set<string>();

  input(port: TfPort): TfValue {
    this.inputs.push(port);
    this.#add(port.name, "Placeholder", [], { dtype: attr.type(port.dtype), shape: attr.shape(port.dims) });
    return { name: port.name, dtype: port.dtype };
  }

  /** Small equal constants are kept once. */
  constant(given: Tensor): TfValue {
    const value = asTf(given);
    const small = value.data.length <= 16;
    const key = small ? `${value.dtype}[${value.dims.join()}]${Array.from(value.data as Float32Array).join()}` : "";
    const known = small ? this.#constants.get(key) : undefined;
    if (known) return known;
    const name = this.#fresh("const");
    const dtype = value.dtype as TfType;
    this.#nodes.push({ name, op: "Const", input: [], attr: { dtype: attr.type(dtype) } });
    this.#weights.push({ name, tensor: value });
    const made = { name, dtype };
    if (small) this.#constants.set(key, made);
    return made;
  }

  ints(values: readonly number[]): TfValue {
    return this.constant(tensor("int32", [values.length], Int32Array.from(values)));
  }

  scalar(value: number, dtype: TfType = "float32"): TfValue {
    if (dtype === "bool") return this.constant(bools([], [value !== 0]));
    return this.constant(dtype === "float32" ? float32([], [value]) : tensor("int32", [], Int32Array.of(value)));
  }

  /** @param dtype of the result; default that of the first input */
  node(op: string, inputs: readonly TfValue[], attrs: Record<string, TfAttr> = {}, dtype: TfType = inputs[0]!.dtype): TfValue {
    const name = this.#fresh(op);
    this.#nodes.push({ name, op, input: inputs.map((x) => x.name), attr: { T: attr.type(inputs[0]!.dtype), ...attrs } });
    return { name, dtype };
  }

  /** One of several results of a node. */
  result({ name, dtype }: TfValue, place: number): TfValue {
    return { name: place ? `${name}:${place}` : name, dtype };
  }

  output(value: TfValue, name: string, dims: number[]): void {
    this.#add(name, "Identity", [value.name], { T: attr.type(value.dtype) });
    this.outputs.push({ name, dtype: value.dtype, dims });
  }

  /** The files of the model by name: model.json and its shards. */
  files(notes: Record<string, string>): Map<string, string | Uint8Array> {
    const specs = this.#weights.map(({ name, tensor: { dims, dtype } }) => ({ name, shape: [...dims], dtype }));
    const bytes = Buffer.concat(this.#weights.map(({ tensor: { data } }) => new Uint8Array((data as Float32Array).buffer, (data as Float32Array).byteOffset, (data as Float32Array).byteLength))); // prettier-ignore
    const count = Math.max(1, Math.ceil(bytes.length / shardBytes));
    const paths = Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
    const ports = (all: readonly TfPort[], suffix: string) =>
      Object.fromEntries(
        all.map(({ name, dtype, dims }) => [
          name,
          { name: `${name}${suffix}`, dtype: codes[dtype], tensorShape: { dim: dims.map((d) => ({ size: String(d) })) } },
        ]),
      );
    const model = {
      format: "graph-model",
      generatedBy: "Paddock",
      convertedBy: "Paddock",
      signature: { inputs: ports(this.inputs, ":0"), outputs: ports(this.outputs, ":0") },
      userDefinedMetadata: notes,
      modelTopology: { node: this.#nodes, library: {}, versions: { producer: 1882 } },
      weightsManifest: [{ paths, weights: specs }],
    };
    return new Map<string, string | Uint8Array>([
      ["model.json", JSON.stringify(model)],
      ...paths.map((path, i): [string, Uint8Array] => [path, bytes.subarray(i * shardBytes, (i + 1) * shardBytes)]),
    ]);
  }

  #add(name: string, op: string, input: string[], attrs: Record<string, TfAttr>): void {
    this.#names.add(name);
    this.#nodes.push({ name, op, input, attr: attrs });
  }

  #fresh(op: string): string {
    let n = this.#names.size;
    while (this.#names.has(`${op}_${n}`)) n++;
    this.#names.add(`${op}_${n}`);
    return `${op}_${n}`;
  }
}

export function tfType(dtype: Tensor["dtype"]): TfType {
  switch (dtype) {
    case "float32":
    case "float64":
    case "float16":
      return "float32";
    case "bool":
      return "bool";
    case "string":
    case "uint4":
      throw new AppError("exportUnsupported", `TensorFlow.js has no numbers of the type ${dtype}.`, "Take the ONNX file instead.", {
        operator: dtype,
      });
    default:
      return "int32";
  }
}

function asTf(given: Tensor): Tensor {
  const dtype = tfType(given.dtype);
  if (given.dtype === dtype) return given;
  const numbers = toNumbers(given);
  if (dtype === "float32") return float32(given.dims, Float32Array.from(numbers));
  const off = numbers.find((n) => n !== (n | 0));
  if (off !== undefined)
    throw new AppError("exportUnsupported", `TensorFlow.js cannot hold the whole number ${off}.`, "Take the ONNX file instead.", {
      operator: "int64",
    });
  return tensor("int32", given.dims, Int32Array.from(numbers));
}
