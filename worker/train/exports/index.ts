// A run's model in the form that is asked for. Whatever is written is read back and set beside the trained model before it counts; what does not
// agree is taken away again. Road: model.onnx of the run → a draft beside the place that was asked for → compared → renamed.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { ExportForm, ExportResult } from "../../../ipc/types.ts";
import { modelFile } from "../../run/predict.ts";
import { fileError } from "../files.ts";
import type { Form } from "./form.ts";
import type { HeldOutOptions } from "./heldOut.ts";
import { int8 } from "./int8.ts";
import { onnx } from "./onnx.ts";
import { weights } from "./weights.ts";
import { tfjs } from "./tfjs.ts";

const forms: Record<ExportForm, Form> = { onnx, "onnx-int8": int8, tfjs, safetensors: weights };

/**
 * @param out the file to write, or the folder for a form that is one (made; it may not hold anything yet)
 * @throws runMissing, runNotTrained, folderNotEmpty, folderNotWritable, and what the form throws; nothing is left behind then
 */
export async function exportRun(given: string, to: ExportForm, out: string, options: HeldOutOptions): Promise<ExportResult> {
  const model = await modelFile(given);
  const run = model === given ? undefined : given;
  const form = forms[to];
  const facts = await stat(out).catch(() => undefined);
  if (form.folder && facts && (!facts.isDirectory() || (await readdir(out)).length > 0))
    throw new AppError("folderNotEmpty", `There is something in '${out}' already.`, "Name a folder that is not there yet.", { path: out });
  const draft = join(dirname(out), `.${basename(out).slice(0, 60)}.${process.pid}.${randomBytes(4).toString("hex")}.draft`);
  try {
    await mkdir(draft).catch((thrown: unknown) => {
      throw fileError(thrown, out);
    });
    const { main, compared } = await form.write({ ...options, run, model, draft });
    const files = (await readdir(draft)).sort((a, b) => Number(b === main) - Number(a === main) || a.localeCompare(b));
    let bytes = 0;
    for (const name of files) bytes += (await stat(join(draft, name))).size;
    options.signal.throwIfAborted();
    await settle(draft, out, form.folder, files);
    return { format: to, out, files: form.folder ? files : files.map((name, i) => (i ? name : basename(out))), bytes, modelBytes: (await stat(model)).size, compared }; // prettier-ignore
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
