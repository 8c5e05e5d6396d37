// What was learned beside a language model, as files of other programs: the adapter for PEFT and for llama.cpp, and the model with the adapter
// added to its weights.
import { type GgufEntry, ggufParts, type GgufTensor } from "../../formats/language/ggufWrite.ts";
import { toFloat32 } from "../../formats/language/levels.ts";
import { type Adapter, peftName, scaleOf } from "../../formats/language/peft.ts";
import { float32, type Tensor } from "../../tensor.ts";
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
