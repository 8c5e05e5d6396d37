// Files of a draft.
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Writes a file of the draft and answers its path. */
export async function put(draft: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(draft, name);
  await writeFile(path, content, { flush: true });
  return path;
}

export async function copyIfThere(from: string, to: string): Promise<void> {
  await copyFile(from, to).catch((thrown: unknown) => {
    if ((thrown as { code?: string }).code !== "ENOENT") throw thrown;
  });
}

export async function bytesOf(file: string): Promise<Uint8Array> {
  const read = await readFile(file);
  return new Uint8Array(read.buffer, read.byteOffset, read.length);
}
