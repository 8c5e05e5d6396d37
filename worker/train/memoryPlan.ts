// What a model needs in memory before anything is run: parameters × bytes, and everything else. Small language models are reckoned from the very
// graphs that would run (shapes inferred, liveness); large ones and mere sizes by formulas of their shape that are held to those graphs
// (memoryPlan.test.ts). The constants of the runtime are measured (bench/plan.mjs).
// Letters: B rows, T tokens, L layers, W width, I inner width, H heads, V vocabulary, r rank.
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { MemoryBits, MemoryBytes, MemoryForecast, MemoryMethod, MemoryNeed, MemorySettings } from "../../ipc/types.ts";
import { isBlocks } from "../formats/language/levels.ts";
import { type LanguageFile, looksLikeLanguageModel } from "../formats/language/open.ts";
import { isModelPath } from "../formats/onnxCard.ts";
import type { Shape } from "../models/language/family.ts";
import { countWeights, type LanguageModel, openLanguageModel } from "../models/language/index.ts";
import { usualShape } from "../models/language/usualShape.ts";
import { inspectModel } from "./inspectModel.ts";
import { kindFor } from "./kinds/index.ts";
import type { Source } from "./kinds/kind.ts";
import { makeTunePlan, tuneSpecOf } from "./kinds/tunePlan.ts";

const MiB = 2 ** 20;
const rank = 8;
/** Bytes of a scale; one for a group of 32 weights in 4 or 8 bits. */
const scalePerWeight = 4 / 32;
/** The arena's gaps (forecast.ts). */
const arena = 1.12;

/** Bytes of a process that has opened a model, without the model: measured on the smallest ones. */
const program = {
  /** Answers on our own graph, by llama.cpp, and of any ONNX file. */
  own: 110 * MiB,
  llama: 114 * MiB,
  onnx: 116 * MiB,
  /** Learns. */
  training: 125 * MiB,
} as const;
/** Kernels and first pages of a session, a layer. */
const layerBytes = { inference: 1.2 * MiB, training: 7 * MiB } as const;
/**
 * What is held beside the weights as they are kept, in copies of them. An ONNX file: its bytes, the parsed model, what kernels pack anew. Levels of
 * few bits on our own graph: one in the session, to learn one in each of three (a step, an evaluation, the model as it was). Floats on our own
 * graph are shared by all sessions (run/shared.ts), in 32 bits; what reading has left behind is part of them.
 */
const copies = { own: 1, training: 3, onnx: 3, left: 0.1 } as const;
/** Room that the runtime's arena takes by doubling, where it is not told how much. */
const doubled = 1.5;

/** Below so many parameters graphs are built and counted. */
const counted = 50e6;
const usual = { context: 2048, tuned: 512, trained: 4 } as const;

/** "6B", "7.5 billion", "350M", "125000000" → parameters; undefined where it is no size. Throws usage for one that is no model's. */
export function sizeOf(text: string): number | undefined {
  const found = /^\s*([+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?)\s*([kmbt]|thousand|million|billion|trillion)?\s*$/i.exec(text);
  if (!found) return undefined;
  const unit = { k: 1e3, m: 1e6, b: 1e9, t: 1e12 }[(found[2] ?? "")[0]?.toLowerCase() as "k"] ?? 1;
  const size = Math.round(Number(found[1]!.replace(",", ".")) * unit);
  if (size >= 1000 && size <= 1e14) return size;
  throw new AppError(
    "usage",
    `'${text.trim()}' is no size of a model.`,
    "Name from 1K to 100T parameters, such as 350M or 6B, or the path of a model or of data.",
    { size: text.slice(0, 100) },
  );
}

interface Asked extends MemorySettings {
  of: string;
}

/**
 * @throws usage for a size that is none or settings that do not go together; fileMissing; what reading throws
 */
export async function forecastMemory(asked: Asked, source: Source): Promise<MemoryForecast> {
  const there = await stat(asked.of).catch(() => undefined);
  const size = there ? undefined : sizeOf(asked.of);
  if (size !== undefined) return ofSize(asked, size);
  if (!there)
    throw new AppError(
      "fileMissing",
      `There is no file or folder '${asked.of}', and it is no size such as 6B.`,
      "Check the name, or give the number of parameters.",
      { file: asked.of },
    );
  if (looksLikeLanguageModel(asked.of)) return ofLanguageFile(asked);
  return isModelPath(asked.of) ? ofOnnx(asked, source) : ofData(asked, source);
}

const sum = (bytes: MemoryBytes): number => Object.values(bytes).reduce((all: number, one: number) => all + one, 0);

function need(settings: MemoryNeed["settings"], bytes: MemoryBytes): MemoryNeed {
  const whole = Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, Math.max(0, Math.round(value as number))]));
  return { settings, bytes: whole as unknown as MemoryBytes, total: sum(whole as unknown as MemoryBytes) };
}

/** Bytes of a weight that does not learn. */
const weightBytes = (bits: MemoryBits): number => bits / 8 + (bits < 16 ? scalePerWeight : 0);

interface Subject {
  shape: Shape;
  parameters: number;
  /** Bits and bytes of the weights as they are kept; absent: as asked. */
  kept?: { bits: MemoryBits; bytes: number };
  by: "own" | "llama";
}

/** Numbers that learn. */
function trainableOf({ shape, parameters }: Subject, method: MemoryMethod): number {
  const { layers, width, heads, headSize, kvHeads, inner, vocabulary } = shape;
  if (method === "inference") return 0;
  if (method === "full") return parameters;
  if (method === "head") return vocabulary * width;
  const attention = 2 * (width + heads * headSize) + 2 * (width + kvHeads * headSize);
  return layers * rank * (attention + 3 * (width + inner)); // A and B of seven layers
}

/**
 * Bytes of activations of a step: of each layer attention's weights, six widths, what the gated layer and its gradient read, and the adapters' insides
 * stay for the way back; on top come the logits with their gradient, or the scores of one layer.
 */
export function trainingActivations(
  { layers: L, width: W, inner: I, heads: H, vocabulary: V }: Shape,
  { batch, length: T, adapters }: { batch: number; length: number; adapters: boolean },
): number {
  const layer = H * T + 6 * W + 4.75 * I + (adapters ? 7 * rank : 0);
  return arena * 4 * batch * T * (L * layer + Math.max(4.7 * V, 2 * H * T));
}

/** The formulas, for any settings. */
function reckoned(subject: Subject, settings: MemoryNeed["settings"]): MemoryNeed {
  const { shape, parameters, kept, by } = subject;
  const { method, bits, batch } = settings;
  const T = settings.context!;
  const { layers: L, width: W, inner: I, heads: H, kvHeads, headSize, vocabulary: V } = shape;
  const trainable = trainableOf(subject, method);
  const frozen = method === "full" ? 0 : method === "head" ? parameters - trainable : parameters;
  const frozenBytes = kept?.bits === bits && method !== "full" ? (kept.bytes * frozen) / parameters : frozen * weightBytes(bits);
  const weights = frozenBytes + 4 * trainable;
  const inference = method === "inference";
  const asFloats = 4 * frozen;
  const beside = bits < 16 ? (inference ? copies.own : copies.training) * frozenBytes : (1 + copies.left) * asFloats - frozenBytes;
  // One prompt is read in pieces of at most 512 tokens.
  const read = Math.min(T, 512);
  const activations = inference
    ? 4 * batch * read * (Math.max((by === "own" ? 2 : 1) * H * T + 2 * W, 3 * I + 2 * W) + (by === "own" ? V : 0))
    : trainingActivations(shape, { batch, length: T, adapters: method.endsWith("lora") });
  return need(settings, {
    weights,
    gradients: 4 * trainable,
    optimizer: 8 * trainable,
    activations,
    cache: inference ? 2 * L * kvHeads * headSize * T * batch * (by === "llama" ? 2 : 4) : 0,
    runtime: inference
      ? program[by] + (by === "own" ? L * layerBytes.inference + beside : 0)
      : program.training + L * layerBytes.training + beside,
  });
}

const allBits: readonly MemoryBits[] = [32, 16, 8, 4];

function settled(asked: MemorySettings, subject: Subject): MemoryNeed["settings"] {
  const method = asked.method ?? "inference";
  const own = subject.kept?.bits ?? 32;
  const bits = asked.bits ?? (method === "qlora" ? (own <= 8 ? own : 4) : method === "full" || method === "head" ? 32 : own);
  if ((method === "full" || method === "head") && bits !== 32)
    throw new AppError("usage", `Weights that learn are kept in 32 bits, not ${bits}.`, "Leave --bits out, or choose lora or qlora.", {
      bits,
    });
  if (method === "qlora" && bits > 8)
    throw new AppError("usage", `qlora keeps its weights in 4 or 8 bits, not ${bits}.`, "Ask for --bits 4 or 8, or choose lora.", { bits });
  const most = subject.shape.context;
  const context = asked.context ?? Math.min(most, method === "inference" ? usual.context : usual.tuned);
  return { method, bits, batch: asked.batch ?? (method === "inference" ? 1 : usual.trained), context };
}

/** What one would give up, in order: rows, bits of an answer, tokens, then weights that learn. Each with all before it. */
function ladder(from: MemoryNeed["settings"]): MemoryNeed["settings"][] {
  const steps: MemoryNeed["settings"][] = [];
  let now = from;
  const take = (change: Partial<MemoryNeed["settings"]>) => steps.push((now = { ...now, ...change }));
  const shorter = () => {
    while (now.context !== null && now.context > 256) take({ context: Math.max(256, Math.floor(now.context / 2)) });
  };
  while (now.batch > 1) take({ batch: Math.floor(now.batch / 2) });
  if (from.method === "inference") for (const bits of allBits) if (bits < now.bits) take({ bits });
  shorter();
  if (from.method === "full" || from.method === "head") take({ method: "lora" });
  if (from.method !== "inference" && now.bits > 4) take({ method: "qlora", bits: 4 });
  return steps;
}

const told = ({ layers, width, heads, kvHeads, vocabulary }: Shape, assumed: boolean) => ({
  layers,
  width,
  heads,
  kvHeads,
  vocabulary,
  assumed,
});

function ofSize(asked: Asked, parameters: number): MemoryForecast {
  const subject: Subject = { shape: usualShape(parameters), parameters, by: "llama" };
  const settings = settled(asked, subject);
  return {
    name: asked.of.trim(),
    kind: "size",
    parameters,
    trainable: trainableOf(subject, settings.method),
    shape: told(subject.shape, true),
    ...reckoned(subject, settings),
    smaller: ladder(settings).map((less) => reckoned(subject, less)),
  };
}

function keptIn(file: LanguageFile): { bits: MemoryBits; bytes: number } {
  const by = new Map<MemoryBits, number>();
  let bytes = 0;
  for (const { type, dims, bytes: own } of file.infos.values()) {
    const count = dims.reduce((product, d) => product * d, 1);
    const bits: MemoryBits = isBlocks(type) ? (/^Q8/.test(type) ? 8 : 4) : type === "F32" ? 32 : 16;
    by.set(bits, (by.get(bits) ?? 0) + count);
    bytes += own;
  }
  return { bits: [...by].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 32, bytes };
}

function ofLanguageFile(asked: Asked): MemoryForecast {
  const model = openLanguageModel(asked.of);
  try {
    const { config: shape, file } = model;
    const parameters = countWeights(file);
    const subject: Subject = { shape, parameters, kept: keptIn(file), by: file.format === "gguf" ? "llama" : "own" };
    const settings = settled(asked, subject);
    if (settings.context! > shape.context)
      throw new AppError("usage", `The model sees at most ${shape.context} tokens, not ${settings.context}.`, "Ask for fewer.", {
        context: settings.context!,
      });
    const by = reckoned(subject, settings);
    // As it is kept, a small model is counted from its own graphs; what is asked of it otherwise by the same measure.
    const exact = settings.method !== "inference" && settings.bits === subject.kept!.bits && parameters < counted;
    const made = exact ? fromGraphs(model, settings) : by;
    const scale = made.bytes.activations / by.bytes.activations;
    const smaller = ladder(settings).map((less) => {
      const one = reckoned(subject, less);
      return need(less, { ...one.bytes, activations: one.bytes.activations * scale });
    });
    const trainable = exact ? made.bytes.gradients / 4 : trainableOf(subject, settings.method);
    return { name: basename(asked.of), kind: "language", parameters, trainable, shape: told(shape, false), ...made, smaller };
  } finally {
    model.close();
  }
}

/** As a run over rows of that length would be planned. */
function fromGraphs(model: LanguageModel, settings: MemoryNeed["settings"]): MemoryNeed {
  const { method, batch } = settings;
  const context = settings.context!;
  const spec = { data: "", method: method as "lora", batch, steps: 1 };
  const rows = { train: 1000, validation: 0, test: 0 }; // enough to fill a piece of those that are judged
  const tokens = { train: 1000 * context, validation: 0, test: 0 };
  const sizes = { rows, tokens, longest: context, usual: context };
  const facts = { model, base: "", tune: tuneSpecOf(spec, model), form: "text" as const, shortened: 0, ...sizes };
  return need(settings, makeTunePlan(facts, spec).plan.bytes!);
}

async function ofOnnx(asked: Asked, { signal }: Source): Promise<MemoryForecast> {
  const method = asked.method ?? "inference";
  if (method === "lora" || method === "qlora")
    throw new AppError(
      "usage",
      `'${basename(asked.of)}' is no language model: adapters are for those.`,
      "Choose inference, head or full.",
      {
        method,
      },
    );
  if (asked.context !== undefined)
    throw new AppError("usage", `'${basename(asked.of)}' is no language model: it has no context.`, "Leave --context out.", {});
  const card = await inspectModel(asked.of, { signal, measure: false });
  const held = card.memory.weights;
  const kept = (allBits.includes(card.bits as MemoryBits) ? card.bits : 32) as MemoryBits;
  const alive = card.memory.activations ?? 0;
  const learned = method === "full" ? card.parameters : 0;
  if (method === "full" && asked.bits !== undefined && asked.bits !== 32)
    throw new AppError("usage", `Weights that learn are kept in 32 bits, not ${asked.bits}.`, "Leave --bits out.", { bits: asked.bits });
  const made = (settings: MemoryNeed["settings"]): MemoryNeed => {
    const weights = learned ? 4 * learned : settings.bits === kept ? held : card.parameters * weightBytes(settings.bits);
    return need(settings, {
      weights,
      gradients: 4 * learned,
      optimizer: 8 * learned,
      // On the way back what the way forward made is still needed: with it some three times as much.
      activations: doubled * alive * settings.batch * (learned ? 3 : 1),
      cache: 0,
      runtime: (learned ? program.training : program.onnx) + card.nodes * 20 * 1024 * (learned ? 3 : 1) + copies.onnx * weights,
    });
  };
  const settings = { method, bits: learned ? 32 : (asked.bits ?? kept), batch: asked.batch ?? 1, context: null };
  const smaller = ladder({ ...settings, method: "inference" }).filter(({ bits }) => !learned || bits === 32);
  return {
    name: card.file,
    kind: "onnx",
    parameters: card.parameters,
    trainable: learned,
    ...made(settings),
    smaller: smaller.map((less) => made({ ...less, method })),
  };
}

async function ofData(asked: Asked, source: Source): Promise<MemoryForecast> {
  const { of, method, bits, batch, context } = asked;
  if ((method !== undefined && method !== "full") || bits !== undefined || context !== undefined)
    throw new AppError(
      "usage",
      `'${basename(of)}' is data: a network of its own learns from it, all of its weights in 32 bits.`,
      "Name a model to plan its fine-tuning, or leave --method, --bits and --context out.",
      {},
    );
  const planned = async (rows: number | undefined): Promise<{ made: MemoryNeed; parameters: number; trainable: number }> => {
    const spec = { data: of, ...(rows === undefined ? {} : { batch: rows }) };
    const plan = await (await kindFor(spec, source)).plan(spec, source);
    const settings = { method: "full" as const, bits: 32 as const, batch: plan.batch, context: plan.language?.context ?? null };
    const { parameters, trainable = parameters } = plan.model;
    return { made: need(settings, plan.bytes!), parameters, trainable };
  };
  const { made, parameters, trainable } = await planned(batch);
  const less = made.settings.batch > 1 ? [(await planned(1)).made] : [];
  return { name: basename(of), kind: "data", parameters, trainable, ...made, smaller: less };
}
