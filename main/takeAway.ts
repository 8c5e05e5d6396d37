// A run's model in the form that was asked for, as one file for the user: where a form is several files, they come as a zip.
import { createWriteStream } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import yazl from "yazl";
import type { ExportForm, ExportResult, TunedForm } from "../ipc/types.ts";
import { fileError, remove, renameWell } from "./files.ts";

/** What each form's file is called after the project's name. */
const endings: Record<ExportForm | TunedForm, string> = {
  onnx: "",
  "onnx-int8": "-int8",
  tfjs: "-tfjs",
  safetensors: "-weights",
  peft: "-peft",
  "gguf-lora": "-lora",
  gguf: "",
};

/** Forms that are one file, which others may stand beside, and how it ends. */
const single: Partial<Record<ExportForm | TunedForm, string>> = {
  onnx: ".onnx",
  "onnx-int8": ".onnx",
  gguf: ".gguf",
  "gguf-lora": ".gguf",
};

/**
 * @param folder of exports, made where it is not there; the form's last export in it is replaced
 * @param write writes the form to the path given, whole or not at all
 */
export async function takeAway(
  folder: string,
  { to, name }: { to: ExportForm | TunedForm; name: string },
  write: (out: string) => Promise<ExportResult>,
): Promise<{ path: string; name: string; result: ExportResult }> {
  const place = join(folder, to);
  await remove(place);
  await mkdir(place, { recursive: true }).catch((thrown: unknown) => {
    throw fileError(thrown, place, false);
  });
  const called = `${name}${endings[to]}`;
  const ending = single[to];
  const result = await write(join(place, ending === undefined ? called : `model${ending}`));
  if (ending !== undefined && result.files.length === 1) return { path: result.out, name: `${called}${ending}`, result };
  const path = join(place, "files.zip");
  await zip(
    path,
    result.files.map((file) => ({ path: join(ending === undefined ? result.out : place, file), within: `${called}/${basename(file)}` })),
  );
  return { path, name: `${called}.zip`, result };
}

async function zip(path: string, files: readonly { path: string; within: string }[]): Promise<void> {
  const draft = `${path}.tmp`;
  const archive = new yazl.ZipFile();
  for (const file of files)
    // Weights hardly shrink, and may be gigabytes.
    archive.addFile(file.path, file.within, { mtime: (await stat(file.path)).mtime, compress: !/\.(safetensors|gguf)$/i.test(file.path) });
  archive.end();
  await pipeline(archive.outputStream, createWriteStream(draft, { flush: true })).catch((thrown: unknown) => {
    throw fileError(thrown, path, false);
  });
  await renameWell(draft, path);
}
