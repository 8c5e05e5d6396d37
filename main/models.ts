// Imported models on disk: a folder each, models/<id>/ with model.json and the file as it came. A folder that is being made has another name until
// it is whole.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { AppError } from "../ipc/error.ts";
import type { ImportedModel } from "../ipc/host.ts";
import type { ModelProfile } from "../ipc/types.ts";
import { exists, list, remove, renameWell, writeJson } from "./files.ts";
import { takeLock } from "./locks.ts";
import { idPattern, newProjectId, type Paths, safeFileName } from "./paths.ts";
import { type RecordKind, readRecord } from "./records.ts";

export type ModelRecord = ImportedModel & { version: 1 };

const plainName = v.pipe(
  v.string(),
  v.check((name) => name === safeFileName(name, 255), "is not a plain file name"),
);

const kind: RecordKind<ModelRecord> = {
  what: "model",
  // The profile is what our own worker said of the file; its fields are not gone through again.
  schema: v.object({
    version: v.literal(1),
    id: v.pipe(v.string(), v.regex(idPattern)),
    name: v.string(),
    format: v.picklist(["onnx", "gguf", "huggingface"]),
    file: plainName,
    origin: v.string(),
    imported: v.number(),
    profile: v.custom<ModelProfile>((value) => typeof value === "object" && value !== null && "fingerprint" in value),
  }),
  steps: [],
  invalid: "modelInvalid",
  newer: "recordNewer",
};

export interface ModelImport {
  /** The name the user knows it by. */
  name: string;
  /** Copies the model into the folder, and answers its file's name. */
  copy: (into: string, scratch: string) => Promise<{ file: string }>;
  inspect: (file: string) => Promise<ModelProfile>;
  signal: AbortSignal;
}

/** In the trash a model's folder has this before its id, so that it is told from a project's. */
const inTrash = "model--";
const draft = (id: string) => `.${id}.new`;

export class Models {
  readonly paths: Paths;
  #writing = new Map<string, Promise<unknown>>();

  constructor(paths: Paths) {
    this.paths = paths;
  }

  /** Removes what imports that never finished left behind. */
  async clean(): Promise<void> {
    for (const name of (await list(this.paths.models)).filter((one) => /^\..+\.new$/.test(one))) {
      const folder = join(this.paths.models, name);
      const lock = await takeLock(join(folder, "creating.lock")).catch(() => undefined);
      if (lock) await remove(folder);
    }
  }

  /** Every model that can be read, the newest first; the others are told to `onBroken` and left as they are. */
  async all(onBroken: (id: string, error: AppError) => void): Promise<ModelRecord[]> {
    const ids = (await list(this.paths.models)).filter((name) => idPattern.test(name));
    const records = await Promise.all(
      ids.map((id) =>
        this.read(id).catch((thrown: unknown) => {
          const error = AppError.from(thrown);
          if (error.code !== "modelMissing") onBroken(id, error);
          return undefined;
        }),
      ),
    );
    return records.filter((record) => record !== undefined).sort((a, b) => b.imported - a.imported || (a.id < b.id ? -1 : 1));
  }

  /** Throws modelMissing, modelInvalid, recordNewer. */
  async read(id: string): Promise<ModelRecord> {
    const record = await readRecord(this.paths.modelRecord(id), kind);
    if (!record || record.id !== id)
      throw new AppError("modelMissing", `There is no model '${id}' on the shelf.`, "It may have been removed: import its file again.", {
        id,
      });
    return record;
  }

  /** The model's file; of a Hugging Face model, its folder. Throws modelMissing. */
  file(record: ModelRecord): string {
    return this.paths.modelFile(record.id, record.file);
  }

  /** Takes a model in whole or not at all. One that is there already is answered as it is. */
  async create({ name, copy, inspect, signal }: ModelImport): Promise<{ record: ModelRecord; known: boolean }> {
    const title = titleOf(name);
    const id = newProjectId(title);
    const folder = join(this.paths.models, draft(id));
    await mkdir(folder, { recursive: true });
    const lock = await takeLock(join(folder, "creating.lock"));
    try {
      const inner = join(folder, "model");
      const { file } = await copy(inner, join(folder, "scratch"));
      const profile = await inspect(join(inner, file));
      signal.throwIfAborted();
      const same = (await this.all(() => {})).find((one) => one.profile.fingerprint === profile.fingerprint);
      if (same) return { record: same, known: true };
      const record: ModelRecord = {
        version: 1,
        id,
        name: title,
        format: profile.format,
        file,
        origin: name,
        imported: Date.now(),
        profile,
      };
      await writeJson(join(inner, "model.json"), record);
      await renameWell(inner, this.paths.model(id));
      return { record, known: false };
    } finally {
      await lock?.release();
      await remove(folder);
    }
  }

  async rename(id: string, name: string): Promise<ModelRecord> {
    const before = this.#writing.get(id) ?? Promise.resolve();
    const mine = before.then(async () => {
      const next = { ...(await this.read(id)), name };
      await writeJson(this.paths.modelRecord(id), next);
      return next;
    });
    const settled = mine.catch(() => {});
    this.#writing.set(id, settled);
    void settled.then(() => this.#writing.get(id) === settled && this.#writing.delete(id));
    return mine;
  }

  /** Moves a model into the trash. */
  async remove(id: string): Promise<void> {
    await this.read(id).catch((thrown: unknown) => {
      // A damaged or newer one may be put away too; a missing one may not.
      if (AppError.from(thrown).code === "modelMissing") throw thrown;
    });
    await mkdir(this.paths.trash, { recursive: true });
    await renameWell(this.paths.model(id), join(this.paths.trash, `${inTrash}${id}`));
  }

  async restore(id: string): Promise<ModelRecord> {
    const from = join(this.paths.trash, `${inTrash}${id}`);
    if (!(await exists(from)))
      throw new AppError("modelMissing", `There is no model '${id}' in the trash.`, "Import its file again.", { id });
    if (await exists(this.paths.model(id))) throw new AppError("usage", `The model '${id}' is there already.`, "Open it.", { id });
    await mkdir(this.paths.models, { recursive: true });
    await renameWell(from, this.paths.model(id));
    return this.read(id);
  }
}

const titleOf = (name: string): string =>
  (name.split(/[/\\]/).at(-1) ?? name)
    .replace(/\.(?:onnx|gguf|zip|tar|tgz|tar\.gz)$/i, "")
    .trim()
    .slice(0, 200) || "model";
