// What was learned beside a language model, as files of other programs: the adapter for PEFT and for llama.cpp, and the model with the adapter
// added to its weights.
import { type GgufEntry, ggufParts, type GgufTensor } from "../../formats/language/ggufWrite.ts";
import { typeNumbers } from "../../formats/language/gguf.ts";
import { toFloat32 } from "../../formats/language/levels.ts";
import { type Adapter, peftName, scaleOf } from "../../formats/language/peft.ts";
import { safetensorsHead } from "../../formats/language/safetensors.ts";
import { bytesFor, type WeightType } from "../../formats/language/weights.ts";
import { float32, halfBits, type Tensor } from "../../tensor.ts";
import { AppError } from "../../../ipc/error.ts";
import type { LanguageModel } from "./index.ts";
import type { Place } from "./family.ts";

/** An adapter's tensors by PEFT's names. */
export function peftTensors(model: LanguageModel, adapter: Adapter): Map<string, Tensor> {
  const prefix = model.family.prefix ?? "";
  const tensors = new Map<string, Tensor>();
  for (const [layer, { a, b, inputs, outputs }] of adapter.layers) {
    tensors.set(peftName(prefix + layer, "A"), float32([adapter.rank, inputs], a));
    tensors.set(peftName(prefix + layer, "B"), float32([outputs, adapter.rank], b));
  }
  return tensors;
}

/** Layers of a PEFT adapter by the model's own names. Throws `modelInvalid` where the model has no such layer, or one of another size. */
export function adapterFor(model: LanguageModel, adapter: Adapter, where: string): Adapter {
  const prefix = model.family.prefix ?? "";
  const layers: Adapter["layers"] = new Map();
  for (const [name, layer] of adapter.layers) {
    const own = prefix && name.startsWith(prefix) ? name.slice(prefix.length) : name;
    const weight = `${own}.weight`;
    const dims = model.source.has(weight) ? model.source.info(weight).dims : undefined;
    if (!dims || dims[0] !== layer.outputs || dims[1] !== layer.inputs)
      throw new AppError(
        "modelInvalid",
        `${where} is an adapter for another model: it has '${name}' of ${layer.outputs} × ${layer.inputs}; ${dims ? `this one's is ${dims.join(" × ")}` : "this one has no such layer"}.`,
        "Choose the model that the adapter was made for.",
        { file: where, layer: name },
      );
    layers.set(own, layer);
  }
  return { ...adapter, layers };
}

/**
 * The adapter as llama.cpp reads it (`--lora`): rows of B in the order that its files have.
 * https://github.com/ggml-org/llama.cpp/blob/master/convert_lora_to_gguf.py
 */
export function* ggufAdapter(model: LanguageModel, adapter: Adapter): Generator<Uint8Array> {
  const { family, config } = model;
  // llama.cpp multiplies by alpha / rank.
  const alpha = scaleOf(adapter) * adapter.rank;
  const metadata = new Map<string, GgufEntry>([
    ["general.architecture", { type: "text", value: family.gguf[0]! }],
    ["general.type", { type: "text", value: "adapter" }],
    ["adapter.type", { type: "text", value: "lora" }],
    ["adapter.lora.alpha", { type: "f32", value: alpha }],
  ]);
  const tensors: GgufTensor[] = [];
  for (const [layer, { a, b, inputs, outputs }] of adapter.layers) {
    const place = family.inGguf(`${layer}.weight`, config);
    if (!place)
      throw new AppError("usage", `llama.cpp has no place for an adapter of '${layer}'.`, "Take the adapter away as PEFT.", { layer });
    const name = place.names[0]!;
    tensors.push(plain(`${name}.lora_a`, [adapter.rank, inputs], () => a));
    tensors.push(plain(`${name}.lora_b`, [outputs, adapter.rank], () => stored(b, outputs, place)));
  }
  yield* ggufParts(metadata, tensors);
}

const plain = (name: string, dims: readonly number[], values: () => Float32Array): GgufTensor => ({
  name,
  dims,
  type: 0,
  bytes: 4 * dims[0]! * dims[1]!,
  read: () => {
    const v = values();
    return new Uint8Array(v.buffer, v.byteOffset, v.byteLength);
  },
});

/** Rows as the file has them: row rows(i) of the file is row i of ours. */
function stored(values: Float32Array, rows: number, { rows: from }: Place): Float32Array {
  if (!from) return values;
  const width = values.length / rows;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) out.set(values.subarray(row * width, (row + 1) * width), from(row) * width);
  return out;
}

/** Weights that stand for those of the file, by name, float32 as transformers has them: made when they are asked for. */
export type Learned = ReadonlyMap<string, () => Float32Array>;

/** An adapter added to the weights of its layers. */
export function merged(model: LanguageModel, adapter: Adapter): Learned {
  return new Map([...adapter.layers.keys()].map((layer) => [`${layer}.weight`, () => mergedWeight(model, adapter, layer)]));
}

/**
 * The model as a GGUF file with these weights in the place of its own; everything else stays as it is, byte for byte. What was kept in blocks
 * of a few bits and has learned is kept in 16. The model must come from a GGUF file.
 */
export function* ggufModel(model: LanguageModel, learned: Learned): Generator<Uint8Array> {
  const { file, family, config } = model;
  if (file.format !== "gguf") throw new TypeError("a GGUF file is made of one");
  const by = new Map<string, { name: string; place: Place }>();
  for (const name of learned.keys()) {
    const place = family.inGguf(name, config);
    const stored = place?.names.find((one) => file.infos.has(one));
    if (place && stored !== undefined) by.set(stored, { name, place });
  }
  const tensors = [...file.infos.values()].map((info): GgufTensor => {
    const { name, dims } = info;
    const own = by.get(name);
    if (!own) return { name, dims, type: typeNumbers[info.type], bytes: info.bytes, read: () => file.bytes(name) };
    const type = floatsFor(info.type);
    const read = (): Uint8Array => asFloats(type, inFile(learned.get(own.name)!(), dims, own.place));
    return { name, dims, type: typeNumbers[type], bytes: bytesFor(type, dims), read };
  });
  yield* ggufParts(file.raw, tensors);
}

/** The same as one safetensors file, for a model that comes from a Hugging Face folder. */
export function* safetensorsModel(model: LanguageModel, learned: Learned): Generator<Uint8Array> {
  const { file, family } = model;
  if (file.format !== "huggingface") throw new TypeError("a folder is made of one");
  const by = new Map<string, { name: string; place: Place }>();
  for (const name of learned.keys()) {
    const place = family.inHuggingface?.(name) ?? { names: [name] };
    const stored = place.names.find((one) => file.infos.has(one));
    if (stored !== undefined) by.set(stored, { name, place });
  }
  yield safetensorsHead(
    [...file.infos.values()].map(({ type, ...info }) => ({ ...info, dtype: type })),
    { format: "pt" },
  );
  for (const { name, type, dims } of file.infos.values()) {
    const own = by.get(name);
    yield own ? asFloats(type as FloatType, inFile(learned.get(own.name)!(), dims, own.place)) : file.bytes(name);
  }
}

export type FloatType = "F32" | "F16" | "BF16";
export const floatsFor = (type: WeightType): FloatType => (type === "F32" || type === "BF16" ? type : "F16");

/** Numbers as they stand in the file: rows in its order, axes as it has them, without what is added when they are read. */
export function inFile(values: Float32Array, dims: readonly number[], { rows, swapped, plus }: Place): Float32Array {
  let out = values;
  if (swapped) {
    const [height = 1, width = 1] = dims; // of what is stored
    out = new Float32Array(values.length);
    for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) out[i * width + j] = values[j * height + i]!;
  }
  if (plus) out = out.map((x) => x - plus);
  return rows ? stored(out, dims[0]!, { names: [], rows }) : out;
}

export function asFloats(type: FloatType, values: Float32Array): Uint8Array {
  if (type === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const out = new Uint16Array(values.length);
  if (type === "F16") for (let i = 0; i < out.length; i++) out[i] = halfBits(values[i]!);
  else {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    // to the nearest, ties to even
    for (let i = 0; i < out.length; i++) out[i] = (bits[i]! + 0x7fff + ((bits[i]! >>> 16) & 1)) >>> 16;
  }
  return new Uint8Array(out.buffer);
}

/** W + scale · B A of a layer, float32 (outputs, inputs). */
export function mergedWeight(model: LanguageModel, adapter: Adapter, layer: string): Float32Array {
  const { type, dims, bytes } = model.source.read(`${layer}.weight`);
  const w = toFloat32({ type, dims }, bytes);
  const own = adapter.layers.get(layer);
  if (!own) return w;
  const scale = scaleOf(adapter);
  const { a, b, inputs, outputs } = own;
  for (let o = 0; o < outputs; o++)
    for (let r = 0; r < adapter.rank; r++) {
      const factor = scale * b[o * adapter.rank + r]!;
      for (let i = 0; i < inputs; i++) w[o * inputs + i]! += factor * a[r * inputs + i]!;
    }
  return w;
}
