// Projects on disk: a folder each, with the data copied in. A project counts as there once its project.json is; what a failed or
// cancelled import left is removed, also after a crash.
import { mkdir, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import * as v from "valibot";
import { AppError } from "../ipc/error.ts";
import type { Project, ProjectSummary, TakenAs } from "../ipc/host.ts";
import type { ImagesProfile, Inspection, LanguageProfile, RatingsProfile, RunRecord, TableProfile, TrainSpec } from "../ipc/types.ts";
import { copyFileTo, exists, list, readText, regularFile, remove, renameWell, writeJson } from "./files.ts";
import { spec as specSchema } from "./inputs.ts";
import { takeLock } from "./locks.ts";
import { idPattern, newProjectId, type Paths, safeFileName, titleOf } from "./paths.ts";
import { type RecordKind, readRecord } from "./records.ts";
import { isUnderWay, settleRun, summarize } from "./runs.ts";

export interface ProjectRecord {
  version: 1;
  id: string;
  /** The title, as the user writes it. */
  name: string;
  created: number;
  updated: number;
  /** The data file's name in data/, which every file system takes; of a folder used in place, its own name. */
  file: string;
  /** Where a folder lies that is used in place: a folder may be larger than a copy should be. */
  linked?: string;
  bytes: number;
  rows: number;
  fingerprint: string;
  spec: Omit<TrainSpec, "data">;
  score: ProjectSummary["score"];
}

const kind: RecordKind<ProjectRecord> = {
  what: "project",
  schema: v.object({
    version: v.literal(1),
    id: v.pipe(v.string(), v.regex(idPattern)),
    name: v.string(),
    created: v.number(),
    updated: v.number(),
    file: v.pipe(
      v.string(),
      v.check((name) => name === safeFileName(name, 255), "is not a plain file name"),
    ),
    linked: v.optional(
      v.pipe(
        v.string(),
        v.check((path) => isAbsolute(path), "is not a whole path"),
      ),
    ),
    bytes: v.number(),
    rows: v.number(),
    fingerprint: v.string(),
    spec: specSchema,
    score: v.nullable(v.object({ metric: v.string(), value: v.number() })),
  }),
  steps: [],
  invalid: "projectInvalid",
  newer: "recordNewer",
};

export interface Import {
  /** Path of the file to bring in, or of the folder to use where it is. */
  from: string;
  /** The name the user knows it by. */
  name: string;
  /** An upload is moved, a user's file copied. */
  move: boolean;
  profile: (file: string) => Promise<Held>;
  as: TakenAs;
  onProgress: (fraction: number | null) => void;
  signal: AbortSignal;
}

/** Milliseconds in which another process has locked the folder that it made. */
const moment = 60_000;

export class Projects {
  readonly paths: Paths;
  #writing = new Map<string, Promise<unknown>>();
  #stamp = -1;
  #seen: Set<string> | undefined;

  constructor(paths: Paths) {
    this.paths = paths;
  }

  /** Removes what imports that never finished left behind. */
  async clean(): Promise<void> {
    for (const id of (await list(this.paths.projects)).filter((name) => idPattern.test(name))) {
      const creating = join(this.paths.project(id), "creating.lock");
      if (!(await exists(creating))) {
        await this.#removeUnbegun(id);
        continue;
      }
      const lock = await takeLock(creating);
      if (!lock) continue;
      if (await exists(this.paths.record(id))) await lock.release();
      else await remove(this.paths.project(id));
    }
  }

  /** A folder that was made, and not even locked: by a process that was killed in the moment between. */
  async #removeUnbegun(id: string): Promise<void> {
    const folder = this.paths.project(id);
    const empty = (await list(folder)).every((name) => name === "data") && (await list(join(folder, "data"))).length === 0;
    const facts = empty ? await stat(folder).catch(() => undefined) : undefined;
    if (facts && Math.abs(Date.now() - facts.mtimeMs) > moment) await remove(folder);
  }

  /** Ids of the projects there are. */
  async ids(): Promise<string[]> {
    const names = (await list(this.paths.projects)).filter((name) => idPattern.test(name));
    const there = await Promise.all(names.map((id) => exists(this.paths.record(id))));
    return names.filter((_, i) => there[i]);
  }

  /** Every project that can be read, the newest change first; the others are told to `onBroken` and left as they are. */
  async all(onBroken: (id: string, error: AppError) => void): Promise<ProjectRecord[]> {
    const records = await Promise.all(
      (await this.ids()).map((id) =>
        this.read(id).catch((thrown: unknown) => {
          onBroken(id, AppError.from(thrown));
          return undefined;
        }),
      ),
    );
    return records.filter((record) => record !== undefined).sort((a, b) => b.updated - a.updated);
  }

  async read(id: string): Promise<ProjectRecord> {
    const record = await readRecord(this.paths.record(id), kind);
    if (!record)
      throw new AppError(
        "projectMissing",
        `There is no project '${id}'.`,
        "It may have been removed: restore it, or drop its file again.",
        { id },
      );
    return record;
  }

  async profile(id: string): Promise<Held> {
    const text = await readText(this.paths.profile(id));
    try {
      return JSON.parse(text ?? "") as Held;
    } catch (thrown) {
      throw new AppError(
        "projectInvalid",
        `The profile of project '${id}' is missing or damaged.`,
        "Drop its file again as a new project.",
        { id },
        thrown,
      );
    }
  }

  /** The data file or folder of a project. */
  data(record: ProjectRecord): string {
    return record.linked ?? this.paths.data(record.id, record.file);
  }

  /** Brings a file in: copied (or moved), profiled, recorded; a folder stays where it is. Nothing stays behind when that fails or is cancelled. */
  async create({ from, name, move, profile, as, onProgress, signal }: Import): Promise<ProjectRecord> {
    const linked = (await stat(from).catch(() => undefined))?.isDirectory() ? resolve(from) : undefined;
    const size = linked === undefined ? await regularFile(from) : undefined;
    const title = titleOf(name);
    const id = newProjectId(title);
    const folder = this.paths.project(id);
    const file = safeFileName(name);
    const target = linked ?? this.paths.data(id, file);
    await mkdir(join(folder, "data"), { recursive: true });
    const lock = await takeLock(join(folder, "creating.lock"));
    try {
      if (linked !== undefined) onProgress(null);
      else if (move) await renameWell(from, target);
      else await copyFileTo(from, target, { onProgress, signal });
      const found = await profile(target);
      signal.throwIfAborted();
      const now = Date.now();
      const record: ProjectRecord = {
        version: 1,
        id,
        name: title,
        created: now,
        updated: now,
        file,
        ...(linked !== undefined && { linked }),
        bytes: size ?? found.bytes,
        rows: found.rows,
        fingerprint: found.fingerprint,
        spec: specOf(found, as),
        score: null,
      };
      await writeJson(this.paths.profile(id), found);
      await writeJson(this.paths.record(id), record);
      await lock?.release();
      return record;
    } catch (thrown) {
      await remove(folder);
      throw thrown;
    }
  }

  /** Reads, changes and writes a record; changes of one project wait for each other. */
  async change(
    id: string,
    edit: (record: ProjectRecord) => Partial<ProjectRecord> | Promise<Partial<ProjectRecord>>,
  ): Promise<ProjectRecord> {
    const before = this.#writing.get(id) ?? Promise.resolve();
    const mine = before.then(async () => {
      const record = await this.read(id);
      const next: ProjectRecord = { ...record, updated: Date.now(), ...(await edit(record)) };
      await writeJson(this.paths.record(id), next);
      return next;
    });
    const settled = mine.catch(() => {});
    this.#writing.set(id, settled);
    void settled.then(() => this.#writing.get(id) === settled && this.#writing.delete(id));
    return mine;
  }

  /** Puts another reading of the data in place of the first: its profile, and what is learned where nobody has chosen yet. */
  async retake(id: string, found: Held, as: TakenAs): Promise<ProjectRecord> {
    return this.change(id, async () => {
      await writeJson(this.paths.profile(id), found);
      return { rows: found.rows, fingerprint: found.fingerprint, spec: specOf(found, as) };
    });
  }

  /** The profile anew, where what was chosen stays. */
  async reread(id: string, found: Held): Promise<ProjectRecord> {
    return this.change(id, async () => {
      await writeJson(this.paths.profile(id), found);
      return { rows: found.rows };
    });
  }

  /** Lays a table of titles beside the ratings of a project, under the one name that is looked for. Answers how to take it back. */
  async layTitles(record: ProjectRecord, from: string, ending: string): Promise<{ undo(): Promise<void>; keep(): Promise<void> }> {
    const folder = join(this.paths.project(record.id), "data");
    const old = (await list(folder)).filter((name) => /^(?:titles|items)\.[a-z]+$/i.test(name) && name !== record.file);
    const path = join(folder, `${/^titles\./i.test(record.file) ? "items" : "titles"}${ending}`);
    const aside = (name: string) => join(folder, `.${name}.${process.pid}.before`);
    for (const name of old) await renameWell(join(folder, name), aside(name));
    const undo = async () => {
      await remove(path);
      for (const name of old) await renameWell(aside(name), join(folder, name));
    };
    await copyFileTo(from, path).catch(async (thrown: unknown) => {
      await undo();
      throw thrown;
    });
    return { undo, keep: async () => void (await Promise.all(old.map((name) => remove(aside(name))))) };
  }

  /** Moves a project into the trash. */
  async remove(id: string): Promise<void> {
    await this.read(id).catch((thrown: unknown) => {
      // A damaged or newer project may be put away too; a missing one may not.
      if (AppError.from(thrown).code === "projectMissing") throw thrown;
    });
    await mkdir(this.paths.trash, { recursive: true });
    await renameWell(this.paths.project(id), join(this.paths.trash, id));
  }

  async restore(id: string): Promise<ProjectRecord> {
    const from = join(this.paths.trash, id);
    if (!(await exists(from)))
      throw new AppError("projectMissing", `There is no project '${id}' in the trash.`, "Drop its file again.", { id });
    if (await exists(this.paths.project(id))) throw new AppError("usage", `The project '${id}' is there already.`, "Open it.", { id });
    await mkdir(this.paths.projects, { recursive: true });
    await renameWell(from, this.paths.project(id));
    return this.read(id);
  }

  /** A run's folder moves into the trash, under its project's name. */
  async removeRun(id: string, run: string): Promise<void> {
    await mkdir(this.paths.trash, { recursive: true });
    await renameWell(this.paths.run(id, run), join(this.paths.trash, `${id}--${run}`));
  }

  /** The runs of a project, the newest first; runs that a crash left under way are marked as interrupted. Unreadable ones are passed over. */
  async runs(id: string): Promise<RunRecord[]> {
    const names = (await list(this.paths.runs(id))).filter((name) => idPattern.test(name));
    const records = await Promise.all(names.map((run) => settleRun(this.paths.run(id, run)).catch(() => undefined)));
    return records.filter((record) => record !== undefined).sort((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1));
  }

  summary(record: ProjectRecord, running: boolean): ProjectSummary {
    const { id, name, created, updated, file, rows, spec, score } = record;
    return { id, name, created, updated, file, rows, target: spec.target ?? null, score, running };
  }

  /** The project as the screens see it. */
  async open(record: ProjectRecord): Promise<Project> {
    const [profile, runs] = await Promise.all([this.profile(record.id), this.runs(record.id)]);
    const running = runs.some((run) => isUnderWay(run.state));
    return { ...this.summary(record, running), profile, spec: record.spec, runs: runs.map((run) => summarize(record.id, run)) };
  }

  /** Fingerprints of the data of every project. */
  async fingerprints(): Promise<Set<string>> {
    return new Set((await this.all(() => {})).map(({ fingerprint }) => fingerprint));
  }

  /** Ids that came or went since the last call, by whomever. The first call only looks. */
  async changedOutside(): Promise<string[]> {
    const stamp = (await stat(this.paths.projects).catch(() => undefined))?.mtimeMs ?? 0;
    if (stamp === this.#stamp) return [];
    const now = new Set(await this.ids());
    const before = this.#seen;
    // An import under way shows when its record is there; until then the folder is looked at again.
    const settled = (await list(this.paths.projects)).filter((name) => idPattern.test(name)).length === now.size;
    if (settled) this.#stamp = stamp;
    this.#seen = now;
    return before ? [...[...before].filter((id) => !now.has(id)), ...[...now].filter((id) => !before.has(id))] : [];
  }
}

/** What a project can hold: a table, of texts too, pictures, ratings, or text to learn to write from. */
export type Held = TableProfile | ImagesProfile | RatingsProfile | LanguageProfile;

/** What is learned where nobody chooses: of pictures what they show, of a table the column that was guessed. */
function specOf(found: Held, as: TakenAs): ProjectRecord["spec"] {
  if (found.kind === "images") return { ...as, task: "images" };
  if (found.kind === "ratings") return { ...as, kind: "ratings", task: "recommend" };
  if (found.kind === "language") return { ...as, task: "language" };
  return { ...as, ...(found.target ? { target: found.target.column, task: found.target.task } : {}) };
}

/** The spec with what a run settled of its split, where it is the same split: rows that come later then move none. */
export function withKept(spec: ProjectRecord["spec"], settled: TrainSpec["splitBy"]): ProjectRecord["spec"] {
  const { splitBy } = spec;
  if (!splitBy || !settled || !("kept" in settled) || "kept" in splitBy || splitBy.by !== settled.by) return spec;
  if (splitBy.by === "time" && settled.by === "time" && splitBy.column !== settled.column) return spec;
  return { ...spec, splitBy: settled };
}

/** What a project's data are taken as, of its spec. */
export function takenAs({ kind, part, columns }: TakenAs): TakenAs {
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(part === undefined ? {} : { part }),
    ...(columns === undefined ? {} : { columns }),
  };
}

/** Throws formatUnknown for conversations. */
export function held(found: Inspection): Held {
  if (found.kind === "model")
    throw new AppError("formatUnknown", `'${found.file}' is a model, and no data.`, "Drop it on the Models screen.", { file: found.file });
  if (found.kind !== "chats") return found;
  throw new AppError(
    "formatUnknown",
    `'${found.file}' holds conversations; learning from them is not there yet.`,
    "Choose a table, texts or pictures.",
    { file: found.file },
  );
}
