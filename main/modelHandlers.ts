// The shelf's calls: what the host answers about imported models.
import { join } from "node:path";
import { AppError } from "../ipc/error.ts";
import type { HostApi, HostEvents, ImportedModel, MemoryQuestion, Source } from "../ipc/host.ts";
import type { Handlers } from "../ipc/rpc.ts";
import type { WorkerApi } from "../ipc/worker.ts";
import { findModels, foundModel } from "./foundModels.ts";
import { handoutOf } from "./handouts.ts";
import type { Log } from "./log.ts";
import type { Devices } from "./devices.ts";
import { MemoryPlans } from "./memoryPlans.ts";
import type { Models } from "./models.ts";
import type { Uploads } from "./uploads.ts";
import { type StartWorker, type WarmWorker, Worker } from "./workers.ts";

type ModelCalls =
  | "planMemory"
  | "tryMemory"
  | "models"
  | "foundModels"
  | "model"
  | "importModel"
  | "renameModel"
  | "removeModel"
  | "restoreModel"
  | "runModel";
type WorkerQuestion = Parameters<WorkerApi["askModel"]>[0]["question"];

interface Parts {
  models: Models;
  uploads: Uploads;
  warm: WarmWorker;
  devices: Devices;
  start: StartWorker;
  cache: string;
  emit: <K extends keyof HostEvents & string>(name: K, value: HostEvents[K]) => void;
  log: Log;
}

export function modelHandlers({ models, uploads, warm, devices, start, cache, emit, log }: Parts): Pick<Handlers<HostApi>, ModelCalls> {
  const plans = new MemoryPlans(models.paths.memory);

  /** The place of what is asked about, or its size as it stands. */
  async function ofWhat({ size, model }: MemoryQuestion): Promise<string> {
    if ((size === undefined) === (model === undefined))
      throw new AppError("usage", "A memory plan is of a size or of a model.", "Name one of them.");
    if (model === undefined) return size!;
    const found = model.startsWith("found-") ? await foundModel(model) : undefined;
    return found ? found.path : models.file(await models.read(model));
  }

  async function forecastOf(question: MemoryQuestion, signal: AbortSignal) {
    const { size: _size, model: _model, ...settings } = question;
    const of = await ofWhat(question);
    return { of, forecast: await warm.use((api) => api.forecastMemory({ of, ...settings, cache }, signal), signal) };
  }

  return {
    planMemory: async (question, signal) => plans.against((await forecastOf(question, signal)).forecast, await devices.list(false, signal)),
    tryMemory: async (question, signal) => {
      const { of, forecast } = await forecastOf(question, signal);
      const worker = new Worker(start()); // of its own: its peak is that of the trial
      try {
        const measured = await worker.use(async (api) => {
          await api.tryMemory({ of, settings: forecast.settings, device: "cpu" }, signal);
          return api.peak();
        }, signal);
        await plans.learn("cpu", forecast, measured);
      } finally {
        await worker.stop();
      }
      return plans.against(forecast, await devices.list(false, signal));
    },
    models: () => models.all((id, error) => log.warn({ model: id, code: error.code, why: error.message }, "model")),
    foundModels: () => findModels(),
    model: async ({ id }, signal) => {
      const found = id.startsWith("found-") ? await foundModel(id) : undefined;
      if (!found) return models.read(id);
      const { app, path, name, format } = found;
      const profile = await warm.use((api) => api.inspect({ file: path, inPlace: true, cache }, signal), signal);
      if (profile.kind !== "model") throw new AppError("formatUnknown", `'${path}' is no model.`, "Look in the other program.", { path });
      return { id, name, format, file: profile.file, origin: path, imported: 0, profile, place: { app, path } } satisfies ImportedModel;
    },
    importModel: async ({ source }, signal) => {
      const { path, name } = await uploads.open(source);
      const { record, known } = await models.create({
        name,
        copy: (into, scratch) => warm.use((api) => api.importModel({ source: path, into, scratch }, signal), signal),
        inspect: async (file) => {
          const found = await warm.use((api) => api.inspect({ file, cache }, signal), signal);
          if (found.kind !== "model")
            throw new AppError(
              "formatUnknown",
              `'${name}' is no model.`,
              "Choose an ONNX or GGUF file, or the folder of a Hugging Face model.",
              { file: name },
            );
          return found;
        },
        signal,
      });
      await uploads.drop(source);
      log.info({ model: record.id, bytes: record.profile.bytes, known }, "model imported");
      if (!known) emit("modelsChanged", { ids: [record.id] });
      return { model: record, known };
    },
    renameModel: async ({ id, name }) => {
      const record = await models.rename(id, name);
      emit("modelsChanged", { ids: [id] });
      return record;
    },
    removeModel: async ({ id }) => {
      await models.remove(id);
      emit("modelsChanged", { ids: [id] });
    },
    restoreModel: async ({ id }) => {
      const record = await models.restore(id);
      emit("modelsChanged", { ids: [id] });
      return record;
    },
    runModel: async ({ id, question }, signal) => {
      const file = models.file(await models.read(id));
      const feeds: WorkerQuestion["feeds"] = {};
      const taken: Source[] = [];
      try {
        for (const [input, feed] of Object.entries(question.feeds)) {
          if (!("picture" in feed)) {
            feeds[input] = feed;
            continue;
          }
          taken.push(feed.picture);
          feeds[input] = { picture: (await uploads.open(feed.picture)).path };
        }
        const out = join(models.paths.model(id), "answers");
        const { files, ...answer } = await warm.use((api) => api.askModel({ file, question: { ...question, feeds }, out }, signal), signal);
        const pictures = await Promise.all(files.map(async ({ output, path }) => ({ output, handout: await handoutOf(path) })));
        return { answer, pictures };
      } finally {
        for (const source of taken) await uploads.drop(source);
      }
    },
  };
}
