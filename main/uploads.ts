// Files that came in through a door by their bytes (the browser's drops): kept until a project or a prediction takes them.
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../ipc/error.ts";
import type { Source } from "../ipc/host.ts";
import { exists, list, remove, writeStream } from "./files.ts";
import { newProjectId, safeFileName } from "./paths.ts";

/** An upload that nobody took is removed after a day. */
const keep = 86_400_000;

export interface Incoming {
  path: string;
  /** As the user knows it. */
  name: string;
  /** Ours to move and remove. */
  own: boolean;
}

export class Uploads {
  #folder: string;
  #names = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes a stream in, whole or not at all. */
  async receive(name: string, stream: AsyncIterable<Uint8Array>): Promise<{ id: string }> {
    const id = newProjectId("upload");
    const folder = join(this.#folder, id);
    await mkdir(folder, { recursive: true });
    try {
      await writeStream(join(folder, safeFileName(name)), stream);
    } catch (thrown) {
      await remove(folder);
      throw thrown;
    }
    this.#names.set(id, name);
    return { id };
  }

  /** Where a source lies. */
  async open(source: Source): Promise<Incoming> {
    if (source.kind === "path") return { path: source.path, name: source.path.split(/[/\\]/).at(-1) ?? source.path, own: false };
    const name = this.#names.get(source.id);
    const path = name === undefined ? undefined : join(this.#folder, source.id, safeFileName(name));
    if (name === undefined || path === undefined || !(await exists(path)))
      throw new AppError("fileMissing", "The uploaded file is no longer there.", "Drop it again.", { upload: source.id });
    return { path, name, own: true };
  }

  /** Removes an upload that has been used; a user's own file is left alone. */
  async drop(source: Source): Promise<void> {
    if (source.kind !== "upload") return;
    this.#names.delete(source.id);
    await remove(join(this.#folder, source.id));
  }

  /** Removes what is left of earlier sessions. */
  async clean(now = Date.now()): Promise<void> {
    for (const id of await list(this.#folder)) {
      const facts = await stat(join(this.#folder, id)).catch(() => undefined);
      if (facts && now - facts.mtimeMs > keep) await remove(join(this.#folder, id));
    }
  }

  /** Removes this session's own. */
  async dispose(): Promise<void> {
    await Promise.all([...this.#names.keys()].map((id) => this.drop({ kind: "upload", id })));
  }
}
