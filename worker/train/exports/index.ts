// A run's model in the form that is asked for. Whatever is written is read back and set beside the trained model before it counts; what does not
// agree is taken away again. Road: model.onnx of the run → a draft beside the place that was asked for → compared → renamed.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { ExportForm, ExportResult, TunedForm } from "../../../ipc/types.ts";
import { looksLikeLanguageModel } from "../../formats/language/open.ts";
import { modelFile } from "../../run/predict.ts";
import { fileError } from "../files.ts";
import type { Form } from "./form.ts";
import type { HeldOutOptions } from "./heldOut.ts";
import { int8 } from "./int8.ts";
import { onnx } from "./onnx.ts";
import { weights } from "./weights.ts";
import { tfjs } from "./tfjs.ts";
import { exportTuned, isFolder, type Tuned, tunedForms, tunedRun } from "./tuned.ts";

const forms: Record<ExportForm, Form> = { onnx, "onnx-int8": int8, tfjs, safetensors: weights };

/**
 * @param given the folder of a run, a model.onnx, or a language model
 * @param out the file to write, or the folder for a form that is one (made; it may not hold anything yet)
 * @throws runMissing, runNotTrained, folderNotEmpty, folderNotWritable, and what the form throws; nothing is left behind then
 */
export async function exportRun(given: string, to: ExportForm | TunedForm, out: string, options: HeldOutOptions): Promise<ExportResult> {
  const plain: Tuned | undefined = looksLikeLanguageModel(given) ? { base: given, adapter: undefined, weights: undefined } : undefined;
  const tuned = (await tunedRun(given)) ?? plain;
  if (tuned) {
    const form = tunedForms.find((one) => one === to);
    if (!form) throw unknown(to, tunedForms, "A language model");
    const before = await sizeOf(tuned.adapter ?? tuned.weights ?? tuned.base);
    return drafted({ to, out, folder: isFolder(form), modelBytes: before, signal: options.signal }, (draft) =>
      exportTuned(tuned, form, { draft, signal: options.signal }),
    );
  }
  if (!Object.hasOwn(forms, to)) throw unknown(to, Object.keys(forms), "This run");
  const model = await modelFile(given);
  const run = model === given ? undefined : given;
  const form = forms[to as ExportForm];
  const { size } = await stat(model);
  return drafted({ to, out, folder: form.folder, modelBytes: size, signal: options.signal }, (draft) =>
    form.write({ ...options, run, model, draft }),
  );
}

const unknown = (to: string, known: readonly string[], what: string): AppError =>
  new AppError("usage", `${what} is not taken away as ${to}.`, `Use one of ${known.join(", ")}.`, { format: to });

async function sizeOf(path: string): Promise<number> {
  const facts = await stat(path);
  if (!facts.isDirectory()) return facts.size;
  let bytes = 0;
  for (const name of await readdir(path)) bytes += (await stat(join(path, name))).size;
  return bytes;
}

/** Writes into a draft beside the place, then moves it there whole. */
async function drafted(
  {
    to,
    out,
    folder,
    modelBytes,
    signal,
  }: Pick<ExportResult, "out" | "modelBytes"> & { to: ExportResult["format"]; folder: boolean; signal: AbortSignal },
  write: (draft: string) => ReturnType<Form["write"]>,
): Promise<ExportResult> {
  const facts = await stat(out).catch(() => undefined);
  if (folder && facts && (!facts.isDirectory() || (await readdir(out)).length > 0))
    throw new AppError("folderNotEmpty", `There is something in '${out}' already.`, "Name a folder that is not there yet.", { path: out });
  const draft = join(dirname(out), `.${basename(out).slice(0, 60)}.${process.pid}.${randomBytes(4).toString("hex")}.draft`);
  try {
    await mkdir(draft).catch((thrown: unknown) => {
      throw fileError(thrown, out);
    });
    const { main, compared, notes } = await write(draft);
    const files = (await readdir(draft)).sort((a, b) => Number(b === main) - Number(a === main) || a.localeCompare(b));
    const bytes = await sizeOf(draft);
    signal.throwIfAborted();
    await settle(draft, out, folder, files);
    return {
      format: to,
      out,
      files: folder ? files : files.map((name, i) => (i ? name : basename(out))),
      bytes,
      modelBytes,
      compared,
      ...(notes?.length && { notes }),
    };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function settle(draft: string, out: string, folder: boolean, files: readonly string[]): Promise<void> {
  try {
    if (folder) {
      await rm(out, { recursive: true, force: true }); // empty, as was looked at
      return await rename(draft, out);
    }
    // What stands beside it comes first, so that whoever finds the model finds all of it.
    for (const name of files.slice(1)) await rename(join(draft, name), join(dirname(out), name));
    await rename(join(draft, files[0]!), out);
  } catch (thrown) {
    throw fileError(thrown, out);
  }
}
