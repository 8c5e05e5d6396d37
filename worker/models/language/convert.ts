// A language model in the other form: a Hugging Face folder's as a GGUF file, a GGUF file's as a folder. Weights are written one after another, in 16 or 32
// bits as they were (those of a few bits in 16); names, the order of rows and the rest follow from the family's own places, read the other way round.
import { AppError } from "../../../ipc/error.ts";
import type { ConversionNote } from "../../../ipc/types/exports.ts";
import { type Gguf, typeNumbers } from "../../formats/language/gguf.ts";
import { ggufTokenizer } from "../../formats/language/ggufTokenizer.ts";
import { ggufTokenizerEntries } from "../../formats/language/ggufTokenizerWrite.ts";
import { type GgufEntry, ggufParts, type GgufTensor } from "../../formats/language/ggufWrite.ts";
import { isBlocks, toFloat32 } from "../../formats/language/levels.ts";
import { safetensorsHead } from "../../formats/language/safetensors.ts";
import { folderTokenizer } from "../../formats/language/tokens.ts";
import { bytesFor, type WeightType } from "../../formats/language/weights.ts";
import { conversions } from "./conversions.ts";
import { factsOf } from "./facts.ts";
import type { Place } from "./family.ts";
import type { LanguageModel } from "./index.ts";
import { asFloats, type FloatType, floatsFor, inFile, type Learned } from "./takeAway.ts";

/** A weight to be written: its name and place in the new file, its dims as transformers has them. */
interface Weight {
  name: string;
  place: Place;
  dims: readonly number[];
  type: FloatType;
  values(): Float32Array;
}

const unsayable = (what: string, hint: string): AppError => new AppError("exportUnsupported", what, hint, {});

/** Weights of the model by the family's own names. */
function weightNames(model: LanguageModel): string[] {
  const { layers, inner, outside } = conversions[model.family.id]!;
  const parts = [
    ...outside,
    ...Array.from({ length: model.config.layers }, (_, i) => inner.map((part) => `${layers}.${i}.${part}`)).flat(),
  ];
  const names = parts.flatMap((part) => [`${part}.weight`, `${part}.bias`]).filter((name) => model.source.has(name));
  return model.config.tied ? names.filter((name) => !/^(lm_head|embed_out)\./.test(name)) : names;
}

/** The tensor of the file that holds a weight. */
function storedAs(model: LanguageModel, name: string): { own: string; type: WeightType } {
  const { file, family, config } = model;
  const place = file.format === "gguf" ? family.inGguf(name, config) : (family.inHuggingface?.(name) ?? { names: [name] });
  const own = place!.names.find((one) => file.infos.has(one))!;
  return { own, type: file.infos.get(own)!.type };
}

const valuesOf = (model: LanguageModel, name: string, learned: Learned) => (): Float32Array => {
  const moved = learned.get(name);
  if (moved) return moved();
  const { type, dims, bytes } = model.source.read(name);
  return toFloat32({ type, dims }, bytes);
};

/** Every tensor of the file has its place in the other, or is none of the model's. Throws exportUnsupported. */
function checkAll(model: LanguageModel, names: readonly string[], other: (name: string) => boolean): void {
  const known = new Set(names.map((name) => storedAs(model, name).own));
  for (const own of model.file.infos.keys())
    if (!known.has(own) && !other(own))
      throw unsayable(
        `The model holds weights '${own}' that this family has no place for in the other form.`,
        `Take it away in the form in which it came.`,
      );
}

/** Masks, counters and copies of the table of words: no weights of their own. */
const noWeight = (tied: boolean) => (name: string) =>
  /(\.attn\.(masked_)?bias|attention\.(masked_)?bias|rotary_emb\.inv_freq)$/.test(name) ||
  (tied && /(lm_head|embed_out)\.weight$/.test(name));

/**
 * The parts of a GGUF file of a model that lies in a Hugging Face folder.
 * @throws exportUnsupported for what llama.cpp cannot compute, or a tokenizer that it has not; fileMissing without a tokenizer
 */
export function toGguf(
  model: LanguageModel,
  learned: Learned,
  { where, title }: { where: string; title: string },
): { parts: Generator<Uint8Array>; notes: ConversionNote[] } {
  const { family, config, file } = model;
  const conversion = conversions[family.id]!;
  const names = weightNames(model);
  checkAll(model, names, noWeight(config.tied));
  const odd = names.find((name) => conversion.noBias?.test(name));
  if (odd !== undefined)
    throw unsayable(
      `llama.cpp has no place for '${odd}' of ${family.title}.`,
      "Take the model away as a Hugging Face folder (safetensors).",
    );
  if (conversion.output === "words" && !config.tied)
    throw unsayable(`llama.cpp takes the table of words of ${family.title} as its output layer, and this model has one of its own.`, "Take it away as a Hugging Face folder (safetensors)."); // prettier-ignore
  const architecture = family.gguf[0]!;
  const told = conversion.gguf(factsOf(file, where), config);
  const tokenizer = ggufTokenizerEntries(folderTokenizer(where), {
    vocabulary: config.vocabulary,
    where,
    settings: file.format === "huggingface" ? file.config : {},
  });

  const weights = names.map((name): Weight => {
    const { dims } = model.source.info(name);
    // llama.cpp adds, multiplies and looks up small ones in float32 alone.
    const type = dims.length < 2 || name === "wpe.weight" ? "F32" : floatsFor(storedAs(model, name).type);
    return { name, place: family.inGguf(name, config)!, dims, type, values: valuesOf(model, name, learned) };
  });
  const tensors = weights.map((weight) => ggufTensor(weight));
  if (conversion.output === "own" && config.tied) {
    const words = weights.find(({ place }) => place.names[0] === "token_embd.weight")!;
    tensors.push(ggufTensor({ ...words, place: { ...words.place, names: ["output.weight"] } }));
  }
  for (const [name, values] of told.tensors)
    tensors.unshift(ggufTensor({ name, place: { names: [name] }, dims: [values.length], type: "F32", values: () => values }));

  const main = weights.find(({ dims }) => dims.length === 2)?.type ?? "F32";
  const name = nameFor(family.id, title, tokenizer.entries);
  const entries: [string, GgufEntry][] = [
    ["general.architecture", { type: "text", value: architecture }],
    ["general.type", { type: "text", value: "model" }],
    ["general.name", { type: "text", value: name }],
    ["general.file_type", { type: "u32", value: { F32: 0, F16: 1, BF16: 32 }[main] }],
    ...[...told.entries].map(([key, entry]): [string, GgufEntry] => [`${architecture}.${key}`, entry]),
    ...tokenizer.entries,
  ];
  const notes = [...told.notes, ...tokenizer.notes.filter((note) => note !== "strip" || family.id !== "phi3")];
  return { parts: ggufParts(new Map(entries), tensors), notes };
}

/**
 * By the name alone llama.cpp knows that special tokens take the spaces behind them: it must be Phi-3's where they do, and must not be where the tokens
 * that it then looks for are not there, as it would not load.
 */
function nameFor(family: string, title: string, tokenizer: ReadonlyMap<string, GgufEntry>): string {
  const listed = tokenizer.get("tokenizer.ggml.tokens")!.value as readonly string[];
  const all = ["</s>", "<unk>", "<s>", "<|endoftext|>"].every((token) => listed.includes(token));
  if (!all) return title.replace(/phi-?3/gi, "Phi 3");
  return family === "phi3" && !/phi-?3/i.test(title) ? `${title} (Phi-3)` : title;
}

function ggufTensor({ place, dims, type, values }: Weight): GgufTensor {
  const stored = place.swapped ? dims.toReversed() : dims;
  return {
    name: place.names[0]!,
    dims: stored,
    type: typeNumbers[type],
    bytes: bytesFor(type, stored),
    read: () => asFloats(type, inFile(values(), stored, place)),
  };
}

/** Settings that transformers takes with a point alone. */
const realKeys =
  /"(rope_theta|rotary_emb_base|rotary_pct|partial_rotary_factor|\w+_softcapping|rope_local_base_freq|\w*factor)": -?\d+(?=[,\n])/g;

/**
 * The files of a Hugging Face folder of a model that lies in a GGUF file: the weights as parts of model.safetensors, the others whole.
 * @throws exportUnsupported for what transformers cannot say; modelInvalid for a tokenizer that is not known
 */
export function toHuggingface(
  model: LanguageModel,
  learned: Learned,
  { where }: { where: string },
): { parts: Generator<Uint8Array>; files: Record<string, string>; notes: ConversionNote[] } {
  const { family, config } = model;
  const file = model.file as { format: "gguf" } & Gguf;
  const conversion = conversions[family.id]!;
  const names = weightNames(model);
  const settings = /^rope_(freqs|factors_long|factors_short)\.weight$/;
  checkAll(model, names, (name) => settings.test(name) || noWeight(config.tied)(name));
  const values = (name: string) => {
    const info = file.infos.get(name);
    return info && toFloat32(info, file.bytes(name));
  };
  const told = conversion.huggingface(factsOf(file, where), config, values);
  const tokenizer = ggufTokenizer(file, where);

  const weights = names.map((name): Weight => {
    const { dims } = model.source.info(name);
    const place = family.inHuggingface?.(name) ?? { names: [name] };
    const own = family.prefix && !/^(lm_head|embed_out)\./.test(name) ? family.prefix + name : name;
    return { name: own, place, dims, type: floatsFor(storedAs(model, name).type), values: valuesOf(model, name, learned) };
  });
  for (const group of conversion.biasesTogether ?? [])
    for (let i = 0; i < config.layers; i++) {
      const layers = group.map((part) => `${conversion.layers}.${i}.${part}`);
      if (!layers.some((layer) => names.includes(`${layer}.bias`))) continue;
      for (const layer of layers.filter((one) => !names.includes(`${one}.bias`))) {
        const rows = model.source.info(`${layer}.weight`).dims[0]!;
        weights.push({ name: `${layer}.bias`, place: { names: [] }, dims: [rows], type: "F32", values: () => new Float32Array(rows) });
      }
    }
  const main = weights.find(({ dims }) => dims.length === 2)?.type ?? "F32";
  const dtype = { F32: "float32", F16: "float16", BF16: "bfloat16" }[main];
  const idOf = (key: string) => {
    const id = file.metadata.get(`tokenizer.ggml.${key}_token_id`);
    return typeof id === "number" ? id : null;
  };
  const json = (value: unknown) => `${JSON.stringify(value, null, 2).replace(realKeys, "$&.0")}\n`;
  const { chat_template: template, ...rest } = tokenizer.config;
  const license = file.metadata.get("general.license");
  return {
    parts: folderWeights(weights),
    files: {
      "config.json": json({
        ...told,
        vocab_size: config.vocabulary,
        tie_word_embeddings: config.tied,
        bos_token_id: idOf("bos"),
        eos_token_id: idOf("eos"),
        pad_token_id: idOf("padding"),
        dtype,
        torch_dtype: dtype,
        use_cache: true,
      }),
      "tokenizer.json": `${JSON.stringify({ version: "1.0", truncation: null, padding: null, ...tokenizer.tokenizer })}\n`,
      "tokenizer_config.json": json({
        tokenizer_class: "PreTrainedTokenizerFast",
        clean_up_tokenization_spaces: false,
        model_max_length: config.context,
        ...rest,
        ...(template !== undefined && { chat_template: template }),
      }),
      ...(typeof license === "string" && { "README.md": `---\nlicense: ${license.replace(/[^\w.\- ]/g, "")}\n---\n` }),
    },
    notes: [...file.infos.values()].some(({ type }) => isBlocks(type)) ? ["halves"] : [],
  };
}

function* folderWeights(weights: readonly Weight[]): Generator<Uint8Array> {
  const stored = ({ dims, place }: Weight) => (place.swapped ? dims.toReversed() : dims);
  yield safetensorsHead(
    weights.map((weight) => ({ name: weight.name, dtype: weight.type, dims: stored(weight), bytes: bytesFor(weight.type, weight.dims) })),
    { format: "pt" },
  );
  for (const weight of weights) yield asFloats(weight.type, inFile(weight.values(), stored(weight), weight.place));
}
