// The shelf's calls: what the host answers about imported models.
import { join } from "node:path";
import { AppError } from "../ipc/error.ts";
import type { HostApi, HostEvents, ImportedModel, Source } from "../ipc/host.ts";
import type { Handlers } from "../ipc/rpc.ts";
import type { WorkerApi } from "../ipc/worker.ts";
import { findModels, foundModel } from "./foundModels.ts";
import { handoutOf } from "./handouts.ts";
import type { Log } from "./log.ts";
import type { Models } from "./models.ts";
import type { Uploads } from "./uploads.ts";
import type { WarmWorker } from "./workers.ts";

type ModelCalls = "models" | "foundModels" | "model" | "importModel" | "renameModel" | "removeModel" | "restoreModel" | "runModel";
type WorkerQuestion = Parameters<WorkerApi["askModel"]>[0]["question"];

interface Parts {
  models: Models;
  uploads: Uploads;
  warm: WarmWorker;
  cache: string;
  emit: <K extends keyof HostEvents & string>(name: K, value: HostEvents[K]) => void;
  log: Log;
}

export function modelHandlers({ models, uploads, warm, cache, emit, log }: Parts): Pick<Handlers<HostApi>, ModelCalls> {
  return {
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
