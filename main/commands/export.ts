// paddock export: a run's model as a file or folder to take away, reloaded and compared.
import { Command } from "commander";
import { stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { ConversionNote, ExportForm, ExportResult, TunedForm } from "../../ipc/types.ts";
import { action } from "./action.ts";
import { bytes } from "./output.ts";

/** Each form: its ending where it is a file. */
const forms: Record<ExportForm | TunedForm, string | undefined> = {
  onnx: ".onnx",
  "onnx-int8": ".onnx",
  tfjs: undefined,
  safetensors: undefined,
  peft: undefined,
  "gguf-lora": ".gguf",
  gguf: ".gguf",
};

interface Options {
  to: string;
  out: string;
}

export function exportCommand(): Command {
  return new Command("export")
    .description("write a model in a form to take away, read back and compared")
    .argument("<run>", "the folder of a run, or a language model: a GGUF file or a Hugging Face folder")
    .requiredOption("--to <form>", Object.keys(forms).join(", "))
    .requiredOption("--out <path>", "the file to write (onnx, onnx-int8, gguf, gguf-lora), or a new folder (tfjs, safetensors, peft)")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, given: string, { to, out }: Options) => {
        const form = formOf(to);
        const { findTrained } = await import("./runPath.ts");
        const run = (await languageModel(resolve(given))) ? resolve(given) : await findTrained(given, context.paths);
        const ending = forms[form];
        const path = ending === undefined ? resolve(out) : await fileAt(resolve(out), `model${ending}`);
        const result = await context.withWorker((api) =>
          api.exportRun({ run, to: form, out: path, cache: context.paths.cache }, context.signal),
        );
        return { json: result, text: told(result) };
      }),
    );
}

function formOf(to: string): ExportForm | TunedForm {
  if (Object.hasOwn(forms, to)) return to as ExportForm | TunedForm;
  throw new AppError("usage", `There is no export to '${to}'.`, `Use one of ${Object.keys(forms).join(", ")}.`, { format: to });
}

/** Whether a path is a language model that no run has to do with: a .gguf file, or a folder with config.json. */
async function languageModel(path: string): Promise<boolean> {
  if (/\.gguf$/i.test(path)) return true;
  const there = async (name: string) => (await stat(join(path, name)).catch(() => undefined))?.isFile() ?? false;
  return (await there("config.json")) && !(await there("run.json"));
}

/** What the other form does a little otherwise. */
const noteWords: Record<ConversionNote, string> = {
  nfc: "letters with separate accents are not joined first, as the model's own tokenizer does",
  spaces: "a space is also put before a text that begins with one, and before what follows a special token",
  strip: "spaces beside some special tokens stay",
  gelu: "llama.cpp computes GELU by its approximate formula",
  longrope: "llama.cpp takes the factors for long texts as soon as its context is longer than the model's first one",
  window: "llama.cpp knows no attention window for this family: the context ends where it would begin to matter",
  halves: "weights of a few bits are kept in 16",
};

/** A folder takes the model under its usual name. */
async function fileAt(out: string, name: string): Promise<string> {
  const facts = await stat(out).catch(() => undefined);
  if (facts?.isDirectory()) return join(out, name);
  if (!(await stat(dirname(out)).catch(() => undefined)))
    throw new AppError("folderNotWritable", `The folder '${dirname(out)}' is not there.`, "Make it, or choose another place.", {
      path: out,
    });
  return out;
}

function told({ out, files, bytes: size, modelBytes, format, compared, notes = [] }: ExportResult): string {
  const { of, count, part, difference, metric } = compared;
  const beside = forms[format] === undefined ? `${files.length} files` : files.slice(1).join(", ");
  const lines = [`${out} (${bytes(size)}${beside ? `; ${beside}` : ""})`];
  if (format === "onnx-int8") lines.push(`${bytes(modelBytes)} before`);
  if (of === "bytes") lines.push("read back: the same bytes");
  else if (of === "logits")
    lines.push(`read back and asked ${count} tokens: largest difference ${difference.toPrecision(2)} of the largest logit`);
  else if (of === "weights") lines.push(`read back: the same ${count} weights`);
  else lines.push(`read back and compared on ${count} ${part} rows: largest difference ${difference.toPrecision(2)} (${of})`);
  if (metric) lines.push(`${metric.name} ${metric.before.toFixed(4)} before, ${metric.after.toFixed(4)} after`);
  lines.push(...notes.map((note) => `note: ${noteWords[note]}`));
  return lines.join("\n");
}
