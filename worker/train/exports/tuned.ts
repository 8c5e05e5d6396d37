// A language model taken away: its adapter as it lies in the run, or the whole model with what it learned put in, as a GGUF file or a Hugging Face folder.
// In the form in which it came its own bytes stay; else it is turned into the other (models/language/convert.ts). Each is opened again and asked the
// same as the model with its adapter beside it, and parts texts as before.
import { createWriteStream } from "node:fs";
import { copyFile, readdir, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AppError } from "../../../ipc/error.ts";
import type { ConversionNote, ExportComparison, RunRecord, TunedForm } from "../../../ipc/types.ts";
import { openGguf } from "../../formats/language/gguf.ts";
import { toFloat32 } from "../../formats/language/levels.ts";
import { looksLikeLanguageModel } from "../../formats/language/open.ts";
import { type Adapter, readPeft } from "../../formats/language/peft.ts";
import { openSafetensors } from "../../formats/language/safetensors.ts";
import { openTokens, type Tokens } from "../../formats/language/tokens.ts";
import { toGguf, toHuggingface } from "../../models/language/convert.ts";
import { type LanguageModel, openLanguageModel } from "../../models/language/index.ts";
import { adapterNames, type NetOptions } from "../../models/language/net.ts";
import { adapterFor, ggufModel, type Learned, merged, safetensorsModel } from "../../models/language/takeAway.ts";
import { openEngine } from "../../run/engine.ts";
import { logitsGraph } from "../../run/languageLogits.ts";
import { int64 } from "../../tensor.ts";
import { fileError, readJson } from "../files.ts";
import { adapterFolder } from "../kinds/exportTune.ts";

export const tunedForms: readonly TunedForm[] = ["peft", "gguf-lora", "safetensors", "gguf"];
export const isFolder = (to: TunedForm): boolean => to === "peft" || to === "safetensors";

/** What a run learned beside a model: an adapter, or weights of its own; neither where the model itself is meant. */
export interface Tuned {
  base: string;
  adapter: string | undefined;
  weights: string | undefined;
}

const there = async (path: string): Promise<string | undefined> => ((await stat(path).catch(() => undefined)) ? path : undefined);

/** The run's fine-tuning, or undefined where it is a run of another kind or not done. */
export async function tunedRun(run: string): Promise<Tuned | undefined> {
  const record = await readJson<RunRecord>(join(run, "run.json")).catch(() => undefined);
  const base = record?.spec.model;
  if (base === undefined || record?.state !== "done" || (await there(join(run, "model.onnx")))) return undefined;
  const adapter = await there(adapterFolder(run));
  const weights = await there(join(run, "model.safetensors"));
  return adapter || weights ? { base, adapter, weights } : undefined;
}

/** Writes into the draft. Throws usage for a form that this run has not, fileMissing where the base is gone, exportDiffers. */
export async function exportTuned(
  { base, adapter, weights }: Tuned,
  to: TunedForm,
  { draft, signal }: { draft: string; signal: AbortSignal },
): Promise<{ main: string; compared: ExportComparison; notes?: ConversionNote[] }> {
  if (to === "peft" || to === "gguf-lora") return copyAdapter(adapter, to, draft);
  if (!looksLikeLanguageModel(base))
    throw new AppError("fileMissing", `The model '${base}' that this run began with is not there.`, "Put it back, then try again.", {
      file: base,
    });
  const model = openLanguageModel(base);
  try {
    const known = adapter === undefined ? undefined : adapterFor(model, readPeft(adapter), adapter);
    const learned: Learned = known ? merged(model, known) : weights === undefined ? new Map() : moved(model, weights);
    const main = to === "gguf" ? "model.gguf" : "model.safetensors";
    const out = join(draft, main);
    const write = (parts: Iterable<Uint8Array>) =>
      pipeline(Readable.from(parts), createWriteStream(out, { flush: true }), { signal }).catch((thrown: unknown) => {
        throw signal.aborted ? thrown : fileError(thrown, out);
      });
    let notes: ConversionNote[] | undefined;
    if ((model.file.format === "gguf") === (to === "gguf")) {
      await write(to === "gguf" ? ggufModel(model, learned) : safetensorsModel(model, learned));
      if (to === "safetensors") await copyRest(base, draft);
    } else if (to === "gguf") {
      const made = toGguf(model, learned, { where: base, title: basename(base) });
      notes = made.notes;
      await write(made.parts);
    } else {
      const made = toHuggingface(model, learned, { where: base });
      notes = made.notes;
      await write(made.parts);
      for (const [name, text] of Object.entries(made.files)) await writeFile(join(draft, name), text, { flush: true });
    }
    const back = openLanguageModel(to === "gguf" ? out : draft);
    try {
      if (notes) compareTokens(notes, openTokens(model.file, base), openTokens(back.file, to === "gguf" ? out : draft));
      return { main, compared: await compare(model, known, learned, back), ...(notes && { notes }) };
    } finally {
      back.close();
    }
  } finally {
    model.close();
  }
}

async function copyAdapter(adapter: string | undefined, to: "peft" | "gguf-lora", draft: string) {
  if (adapter === undefined)
    throw new AppError("usage", "There is no adapter: the weights are the model's own.", "Take the whole model away: safetensors, gguf.", {
      format: to,
    });
  const names = to === "peft" ? ["adapter_model.safetensors", "adapter_config.json"] : ["adapter.gguf"];
  for (const name of names) await copyFile(join(adapter, name), join(draft, name));
  const count = to === "peft" ? 2 * readPeft(draft).layers.size : tensorsOf(join(draft, names[0]!));
  return { main: names[0]!, compared: { of: "weights", count, difference: 0 } as ExportComparison };
}

function tensorsOf(path: string): number {
  const file = openGguf(path);
  file.close();
  return file.infos.size;
}

/** Weights that a run moved, out of its file. */
function moved(model: LanguageModel, path: string): Learned {
  const file = openSafetensors(path);
  try {
    return new Map(
      [...file.infos.values()].map((info) => {
        if (!model.source.has(info.name))
          throw new AppError("modelInvalid", `The model has no weights '${info.name}' that the run taught.`, "Train again on this model.", {
            weight: info.name,
          });
        const values = toFloat32(info, file.bytes(info.name));
        return [info.name, () => values] as const;
      }),
    );
  } finally {
    file.close();
  }
}

/** What stands beside the weights of a model: settings, tokenizer, licence. */
async function copyRest(base: string, draft: string): Promise<void> {
  for (const entry of await readdir(base, { withFileTypes: true })) {
    const { name } = entry;
    if (!/\.(json|jinja|txt|model|md)$/i.test(name) && !/^(licen[cs]e|notice)/i.test(name)) continue;
    if (name.endsWith(".index.json") || !(await stat(join(base, name))).isFile()) continue;
    await copyFile(join(base, name), join(draft, name));
  }
}

const texts = [
  "Hello, world! It's 1,234.5 — isn't it?",
  "  two  spaces\n\nand\tlines\r\n",
  "你好，世界。日本語 한국어",
  "👩‍👩‍👧 🙂 é ñ ß Ωμέγα",
  "def f(x):\n    return x**2",
];

/** Texts are the same tokens by both tokenizers. Throws exportDiffers. */
function compareTokens(notes: readonly ConversionNote[], before: Tokens, after: Tokens): void {
  for (const text of notes.includes("spaces") ? texts.filter((one) => !one.startsWith(" ")) : texts) {
    const [one, other] = [before.encode(text), after.encode(text)];
    if (one.join() !== other.join())
      throw new AppError(
        "exportDiffers",
        `The tokenizer that was written parts '${text}' in another way (${one.length} tokens before, ${other.length} after).`,
        "Take the model away in the form in which it came.",
        { text },
      );
  }
}

/** Of the largest logit: 16 bits a number cost so much at most. */
const tolerance = 0.02;

/** Some tokens, by the model with what it learned beside it and by the one that was written. Throws exportDiffers. */
async function compare(
  model: LanguageModel,
  adapter: Adapter | undefined,
  learned: Learned,
  back: LanguageModel,
): Promise<ExportComparison> {
  const { vocabulary } = model.config;
  const count = Math.min(16, model.config.context, back.config.context);
  const tokens = Array.from({ length: count }, (_, i) => (i * 7919 + 3) % vocabulary);
  const engine = await openEngine("cpu");
  const ask = async (of: LanguageModel, options: NetOptions): Promise<Float32Array> => {
    const session = await engine.load(logitsGraph(of, 1, count, options), { shared: true });
    try {
      return (await session.run({ ids: int64([1, count], tokens) }))["logits"]!.data as Float32Array;
    } finally {
      await session.dispose();
    }
  };
  try {
    const before = await ask(model, adapter ? beside(adapter) : { given: new Map([...learned].map(([name, values]) => [name, values()])) });
    const after = await ask(back, {});
    let [gap, largest] = [0, 0];
    for (let i = 0; i < before.length; i++) {
      gap = Math.max(gap, Math.abs(before[i]! - after[i]!));
      largest = Math.max(largest, Math.abs(before[i]!));
    }
    const difference = gap / largest;
    if (!(difference <= tolerance))
      throw new AppError(
        "exportDiffers",
        `The model that was written says something else than the trained one (by ${difference.toPrecision(2)} of its largest logit).`,
        "Take the adapter alone away.",
        { difference },
      );
    return { of: "logits", count, difference };
  } finally {
    await engine.dispose();
  }
}

const beside = (adapter: Adapter): NetOptions => ({
  adapter: {
    rank: adapter.rank,
    alpha: adapter.alpha,
    stabilised: adapter.stabilised,
    seed: 1,
    targets: (layer) => adapter.layers.has(layer),
    given: new Map(
      [...adapter.layers].flatMap(([layer, { a, b }]) => {
        const names = adapterNames(layer);
        return [[names.a, a] as const, [names.b, b] as const];
      }),
    ),
  },
});
