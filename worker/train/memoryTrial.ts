// Does once what a plan of memory is about, so that the peak of its process can be held against the forecast: an answer of one token after a prompt
// that fills the context, a run of an ONNX file on chance numbers, or one training step over made-up rows, judged once.
import { AppError } from "../../ipc/error.ts";
import type { MemoryNeed } from "../../ipc/types.ts";
import { looksLikeLanguageModel } from "../formats/language/open.ts";
import { isModelPath } from "../formats/onnxCard.ts";
import { type LanguageModel, openLanguageModel } from "../models/language/index.ts";
import { tuningGraph } from "../models/language/tune.ts";
import { openEngine } from "../run/engine.ts";
import { filled, lengthOf, openForeign } from "../run/foreign.ts";
import { languageLogits } from "../run/languageLogits.ts";
import { openTalker } from "../run/talk/open.ts";
import { int64, isFloat } from "../tensor.ts";
import { usual } from "./inspectModel.ts";
import { recomputed, tunePiece, tuneSpecOf } from "./kinds/tunePlan.ts";
import { trainingPlan } from "./step.ts";

interface Trial {
  of: string;
  settings: MemoryNeed["settings"];
  device: string;
}

/** @throws usage where there is nothing to be tried: a size, data, bits that the file does not have; what opening and running throw */
export async function tryMemory({ of, settings, device }: Trial, signal: AbortSignal): Promise<void> {
  const { method, batch } = settings;
  if (looksLikeLanguageModel(of)) {
    if (method !== "inference") return stepOf(of, settings, device);
    if (/\.gguf$/i.test(of)) return talkOnce(of, signal);
    const model = openLanguageModel(of);
    const { vocabulary } = model.config;
    model.close();
    const length = Math.min(settings.context!, 512);
    const row = Array.from({ length }, (_, i) => (i * 7919) % vocabulary);
    await languageLogits(of, Array.from({ length: batch }, () => row), device); // prettier-ignore
    return;
  }
  if (!isModelPath(of) || method !== "inference")
    throw new AppError(
      "usage",
      "Only a language model, or any ONNX model that answers, can be tried.",
      "Train it: a run tells what it took.",
      {
        method,
      },
    );
  const foreign = await openForeign(of);
  try {
    const feeds = Object.fromEntries(
      foreign.inputs.map((info) => {
        const picture = info.dims.length === 4;
        const dims = info.dims.map((_, axis) => {
          const size = axis === 0 ? batch : picture ? usual.side : usual.length;
          return lengthOf(info, axis, { [`${info.name}.${axis}`]: size });
        });
        return [info.name, filled(info, dims, isFloat(info.dtype) ? "random" : "ones")];
      }),
    );
    await foreign.run(feeds);
  } finally {
    await foreign.dispose();
  }
}

/** By llama.cpp, which lays out its whole context at once. */
async function talkOnce(model: string, signal: AbortSignal): Promise<void> {
  const talker = await openTalker({ model });
  try {
    await talker.talk({ asked: { text: "a" }, maxTokens: 1, sampling: { seed: 1 } }, { signal, onText: () => undefined });
  } finally {
    await talker.dispose();
  }
}

async function stepOf(of: string, { method, batch, context }: MemoryNeed["settings"], device: string): Promise<void> {
  const model = openLanguageModel(of);
  const engine = await openEngine(device);
  try {
    const spec = tuneSpecOf({ data: "", method: method as "lora" }, model);
    const plan = trainingPlan(tuningGraph(model, spec).graph, {
      loss: "loss",
      optimizer: { name: "adamw" },
      keep: ["shown"],
      device,
      ...recomputed(spec.method, model.config.layers),
    });
    const session = await engine.train(plan, tuningGraph(model, spec, { judged: true }).graph);
    await session.step(rows(model, batch, context!), 0);
    await session.evaluate(rows(model, tunePiece(context!, model.config), context!));
  } finally {
    await engine.dispose();
    model.close();
  }
}

function rows(model: LanguageModel, batch: number, length: number) {
  const ids = int64(
    [batch, length],
    Array.from({ length: batch * length }, (_, i) => (i * 7919) % model.config.vocabulary),
  );
  return { input_ids: ids, labels: ids };
}
