// A file on its way in: from the drop to the open project, one at a time, with how far it is, a way out, and what went wrong.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { HostEvents } from "../../ipc/host.ts";
import { type Dropped, isFolder } from "./dropped.ts";
import type { Ground } from "./ground.ts";
import type { Imported } from "./imported.svelte.ts";
import type { Projects } from "./projects.svelte.ts";
import type { Route } from "./route.ts";
import { say } from "./words.svelte.ts";

export class Intake {
  /** The file being taken in. */
  name: string | undefined = $state();
  what: HostEvents["working"]["what"] | "uploading" = $state("uploading");
  fraction: number | null = $state(null);
  error: ErrorRecord | undefined = $state.raw();
  failed: string | undefined = $state();
  busy = $derived(this.name !== undefined);
  #ground: Ground;
  #cancel: AbortController | undefined;
  #projects: Projects;
  #imported: Imported;

  constructor(ground: Ground, projects: Projects, imported: Imported) {
    this.#ground = ground;
    this.#projects = projects;
    this.#imported = imported;
  }

  /** Puts a model on the shelf, or starts a project from the first of the files or folders. */
  async takeFiles(files: readonly Dropped[]): Promise<void> {
    const file = files[0];
    if (!file || this.busy) return;
    if (await holdsModel(files)) return this.takeModel(files);
    if (files.length > 1) this.#ground.toasts.add(say.shell.oneFile(file.name));
    await this.#take(file.name, async (signal) => {
      const source = await this.#ground.door.take(file, (fraction) => this.#at("uploading", fraction), signal);
      this.#at("copying", null);
      return this.#opened(await this.#ground.call.createProject({ source }, signal));
    });
  }

  /** Puts a model on the shelf: one file, one with its data beside it, or a folder or archive with one. */
  async takeModel(files: readonly Dropped[]): Promise<void> {
    if (!files.length || this.busy) return;
    const dropped = together(files);
    await this.#take(dropped.name, async (signal) => {
      const source = await this.#ground.door.take(dropped, (fraction) => this.#at("uploading", fraction), signal);
      this.#at("copying", null);
      const { model, known } = await this.#ground.call.importModel({ source }, signal);
      this.#ground.toasts.add(known ? say.shelf.known(model.name) : say.shelf.added(model.name));
      void this.#imported.load();
      return { screen: "model", id: model.id };
    });
  }

  async takeSample(id: string): Promise<void> {
    if (this.busy) return;
    await this.#take(id, async (signal) => this.#opened(await this.#ground.call.createProject({ sample: id }, signal)));
  }

  cancel(): void {
    this.#cancel?.abort();
  }

  dismiss(): void {
    this.error = undefined;
  }

  onWorking({ what, fraction }: HostEvents["working"]): void {
    if (this.busy && what !== "predicting") this.#at(what, fraction);
  }

  #at(what: Intake["what"], fraction: number | null): void {
    this.what = what;
    this.fraction = fraction;
  }

  #opened({ id }: { id: string }): Route {
    void this.#projects.load();
    return { screen: "project", id };
  }

  /** @param work what is done, and where it leads */
  async #take(name: string, work: (signal: AbortSignal) => Promise<Route>): Promise<void> {
    const cancel = new AbortController();
    this.#cancel = cancel;
    this.name = name;
    this.error = undefined;
    this.#at("uploading", null);
    try {
      this.#ground.goto(await work(cancel.signal));
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      if (error.code !== "cancelled") {
        this.error = error;
        this.failed = name;
      }
    } finally {
      this.name = undefined;
      this.#cancel = undefined;
    }
  }
}

const isModel = (name: string) => /\.(onnx|gguf)$/i.test(name);
/** A Hugging Face folder has its weights in this form, beside config.json. */
const isWeights = (path: string) => /(^|\/)(config\.json|[^/]+\.safetensors)$/i.test(path);

/** Whether a model is among what was dropped, or in the one folder that was; a folder with pictures beside one is a set of pictures. */
async function holdsModel(files: readonly Dropped[]): Promise<boolean> {
  if (files.some((file) => !isFolder(file) && isModel(file.name))) return true;
  const [folder] = files;
  if (files.length !== 1 || !folder || !isFolder(folder)) return false;
  const inside = await folder.files().catch(() => []);
  const weights = inside.map(({ path }) => path).filter(isWeights);
  if (weights.some((path) => /config\.json$/i.test(path)) && weights.some((path) => /\.safetensors$/i.test(path))) return true;
  return inside.some(({ path }) => isModel(path)) && !inside.some(({ path }) => /\.(jpe?g|png|webp|gif|tiff?|bmp|avif)$/i.test(path));
}

/** Files dropped together as one: a door that knows paths takes the model's and finds the rest beside it, the other sends them all. */
function together(files: readonly Dropped[]): Dropped {
  const plain = files.filter((file): file is File => !isFolder(file));
  const model = plain.find((file) => isModel(file.name));
  if (!model || plain.length < 2) return model ?? files[0]!;
  const parts = plain.map((file) => ({ path: file.name, file }));
  return { name: model.name.replace(/\.(onnx|gguf)$/i, ""), handle: model, files: () => Promise.resolve(parts) };
}
