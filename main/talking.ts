// Talking with language models, for every door: what there is to talk with, a worker process of its own that keeps one model open, and whose tokens
// are whose. The process may die of a model: the call says so, and the next one starts another.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { AppError } from "../ipc/error.ts";
import type { TalkAdapter, TalkChoice, TalkChoices } from "../ipc/host.ts";
import type { Talked, TalkFacts, TalkModel, TalkSpec } from "../ipc/types.ts";
import { exists, list } from "./files.ts";
import { findModels, foundModel } from "./foundModels.ts";
import type { Models } from "./models.ts";
import type { Paths } from "./paths.ts";
import type { Projects } from "./projects.ts";
import { readRun, runFiles } from "./runs.ts";
import { type StartWorker, WarmWorker, type Worker } from "./workers.ts";

/** A model and an adapter by their ids. */
export interface TalkIds {
  model: string;
  adapter?: string | undefined;
}

interface Parts {
  models: Models;
  projects: Projects;
  paths: Paths;
  startWorker: StartWorker;
  rest?: number | undefined;
  onWorker: (worker: Worker) => void;
}

/** A model is opened anew after so long without a question, in milliseconds. */
const rest = 10 * 60_000;
/** A cancelled answer may have a long question under way: its piece is waited for. */
const patience = 60_000;

/** A run that has ended, wherever it lies. */
export interface TrainedRun {
  /** "<project>/<run>"; of runs that belong to no project, "runs/<run>". */
  id: string;
  name: string;
  folder: string;
  created: number;
  task: string;
}

export class Talking {
  readonly #parts: Parts;
  readonly #warm: WarmWorker;
  readonly #listeners = new Map<string, (text: string) => void>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#warm = new WarmWorker(parts.startWorker, {
      rest: parts.rest ?? rest,
      patience,
      onStart: (worker) => {
        parts.onWorker(worker);
        worker.listen("token", ({ id, text }) => this.#listeners.get(id)?.(text));
      },
    });
  }

  get pid(): number | undefined {
    return this.#warm.pid;
  }

  /** Language models on the shelf, those of other programs, runs that write; and what was learned beside a model. */
  async choices(): Promise<TalkChoices> {
    const { models } = this.#parts;
    const [shelf, found, runs] = await Promise.all([models.all(() => {}), findModels(), this.runs()]);
    const choices: TalkChoice[] = [
      ...shelf.flatMap(({ id, name, profile }) => (profile.language ? [{ id, name, from: "shelf" as const, takesAdapter: true }] : [])),
      ...found.map(({ id, name, app }) => ({ id, name, from: app, takesAdapter: true })),
    ];
    const adapters: TalkAdapter[] = [];
    for (const { id, name, folder } of runs) {
      const weights = await exists(join(folder, "model.safetensors")); // what head and full moved
      const record = weights || (await exists(join(folder, "adapter", "adapter_config.json"))) ? await readRun(folder) : undefined;
      if (record?.plan?.tune) {
        const base = record.spec.model ?? "";
        adapters.push({ id, name, base: base.split(/[/\\]/).at(-1) ?? base });
      } else if (await isWriter(folder)) choices.push({ id, name, from: "run", takesAdapter: false });
    }
    return { models: choices, adapters };
  }

  /** Runs that are done, the newest first. */
  async runs(): Promise<TrainedRun[]> {
    const { projects, paths } = this.#parts;
    const all: TrainedRun[] = [];
    const add = async (id: string, name: string, folder: string) => {
      const record = await readRun(folder).catch(() => undefined);
      if (record?.state !== "done") return;
      all.push({ id, name, folder, created: record.created, task: record.result?.task ?? record.plan?.task ?? "" });
    };
    for (const project of await projects.all(() => {}))
      for (const run of await list(paths.runs(project.id))) await add(`${project.id}/${run}`, project.name, paths.run(project.id, run));
    for (const run of await list(paths.looseRuns)) await add(`runs/${run}`, run, join(paths.looseRuns, run));
    return all.sort((a, b) => b.created - a.created);
  }

  /** Where a model and an adapter lie. Throws `modelMissing`, `runMissing`. */
  async resolve({ model, adapter }: TalkIds): Promise<TalkModel> {
    const path = await this.#pathOf(model);
    return adapter === undefined ? { model: path } : { model: path, adapter: (await this.run(adapter)).folder };
  }

  async #pathOf(id: string): Promise<string> {
    if (id.includes("/")) return (await this.run(id)).folder;
    if (id.startsWith("found-")) {
      const found = await foundModel(id);
      if (found) return found.path;
      throw new AppError("modelMissing", "The model is no longer where it was.", "Look in the program that it belongs to.", { id });
    }
    const { models } = this.#parts;
    return models.file(await models.read(id));
  }

  /** A run that is done, by its id. Throws `runMissing`. */
  async run(id: string): Promise<TrainedRun> {
    const run = (await this.runs()).find((one) => one.id === id);
    if (run) return run;
    throw new AppError("runMissing", `There is no finished training '${id}'.`, "It may have been removed.", { run: id });
  }

  /** Opens a model. Where nothing else is asked meanwhile, cancelling ends the process at once: a file that is being read hears no signal. */
  async facts(model: TalkModel, signal?: AbortSignal): Promise<TalkFacts> {
    const onAbort = () => void (this.#warm.calls === 1 && this.#warm.rest());
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await this.#warm.use((api) => api.talkFacts(model, signal), signal);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** @param onText more of the answer, as it comes */
  async talk(model: TalkModel, spec: TalkSpec, onText?: (text: string) => void, signal?: AbortSignal): Promise<Talked> {
    const id = randomUUID();
    if (onText) this.#listeners.set(id, onText);
    try {
      return await this.#warm.use((api) => api.talk({ ...model, id, ...spec }, signal), signal);
    } finally {
      this.#listeners.delete(id);
    }
  }

  embed(model: string, texts: string[], signal?: AbortSignal): Promise<{ vectors: number[][]; tokens: number }> {
    return this.#warm.use((api) => api.embed({ model, texts }, signal), signal);
  }

  dispose(): Promise<void> {
    return this.#warm.dispose();
  }
}

/** A run that learned to write from nothing keeps its tokenizer beside the model. */
async function isWriter(folder: string): Promise<boolean> {
  return (await exists(runFiles(folder).model)) && (await exists(join(folder, "tokenizer.json")));
}
