// Fine-tuning: an imported language model, and conversations, pairs or texts that it learns the answers of. What is kept is what was learned: the
// adapter, or the weights that moved.
import { AppError } from "../../../ipc/error.ts";
import type { TrainSpec } from "../../../ipc/types.ts";
import { partsOf } from "../../data/text/blocks.ts";
import { type Lessons, readLessons } from "../../data/text/lessons.ts";
import { thinned } from "../../data/text/windows.ts";
import { readPeft } from "../../formats/language/peft.ts";
import { openTokens } from "../../formats/language/tokens.ts";
import { type LanguageModel, openLanguageModel } from "../../models/language/index.ts";
import { adapterFor } from "../../models/language/takeAway.ts";
import { tuningGraph, type TuneSpec } from "../../models/language/tune.ts";
import { language as task } from "../../tasks/language.ts";
import { defaults } from "../plan.ts";
import { exportTune } from "./exportTune.ts";
import { judgeTune } from "./judgeTune.ts";
import type { Kind, Prepared, PrepareOptions, Source } from "./kind.ts";
import { makeTunePlan, type TuneFacts, tunePiece, type TunePlan, tuneSpecOf, usualContext } from "./tunePlan.ts";
import { answerPrompts, promptsOf } from "./tuneAnswers.ts";
import { TuneSamples } from "./tuneSamples.ts";

export interface PreparedTune extends Prepared {
  model: LanguageModel;
  /** The model's path. */
  base: string;
  lessons: Lessons;
  plan: TunePlan;
  /** All rows of each part. */
  parts: { train: TuneSamples; validation: TuneSamples; test: TuneSamples };
}

/** Rows that the curve is judged on. */
const judged = 100;

async function open(spec: TrainSpec, { cache, signal, onWorking }: Source) {
  const base = spec.model!; // kindFor has seen that it is a language model
  const model = openLanguageModel(base);
  try {
    const asked = Number(spec.config?.["context"] ?? 0);
    if (asked && !(Number.isInteger(asked) && asked >= 8 && asked <= model.config.context))
      throw new AppError("usage", `The model sees from 8 to ${model.config.context} tokens at once, not ${asked}.`, "Ask for fewer.", {
        context: asked,
      });
    const lessons = await readLessons(spec.data, () => openTokens(model.file, base), model.config.vocabulary, {
      cache,
      ...(spec.part === undefined ? {} : { part: spec.part }),
      ...(spec.target === undefined ? {} : { column: spec.target }),
      signal,
      context: Math.min(model.config.context, asked || usualContext),
      onProgress: (what, fraction) => onWorking?.({ what, fraction }),
    });
    const tune: TuneSpec = tuneSpecOf(spec, model);
    if (spec.initAdapter !== undefined) {
      const first = adapterFor(model, readPeft(spec.initAdapter), spec.initAdapter);
      tune.adapter.given = new Map(
        [...first.layers].flatMap(([layer, { a, b }]) => [[`${layer}.lora_A.weight`, a] as const, [`${layer}.lora_B.weight`, b] as const]),
      );
      tune.adapter.targets = [...first.layers.keys()];
    }
    const { samples, ...counted } = divided(lessons, spec, model);
    const { form, shortened } = lessons;
    const facts: TuneFacts = { model, base, tune, form, shortened, ...counted };
    // Said before anything is learned: rows of tokens come without a tokenizer.
    if (promptsOf(spec).length) openTokens(model.file, base);
    return { model, base, lessons, samples, facts };
  } catch (thrown) {
    model.close();
    throw thrown;
  }
}

/** Rows by part, and their lengths. */
function divided({ rows, places }: Lessons, spec: TrainSpec, { config }: LanguageModel) {
  const parts = partsOf(places, { seed: spec.seed ?? defaults.seed, split: spec.split ?? true });
  const of = (part: number) => Uint32Array.from([...rows.keys()].filter((i) => parts[i] === part));
  const all = { train: of(0), validation: of(1), test: of(2) };
  const lengths = rows.map(({ ids }) => ids.length - 1).sort((a, b) => a - b);
  const longest = lengths.at(-1)!;
  const sum = (own: Uint32Array) => own.reduce((total, i) => total + rows[i]!.ids.length - 1, 0);
  const samples = (own: Uint32Array) => new TuneSamples(rows, own, { pad: 0, piece: tunePiece(longest, config) });
  return {
    samples: { train: samples(all.train), validation: samples(all.validation), test: samples(all.test) },
    rows: { train: all.train.length, validation: all.validation.length, test: all.test.length },
    tokens: { train: sum(all.train), validation: sum(all.validation), test: sum(all.test) },
    longest,
    usual: lengths[lengths.length >> 1]!,
  };
}

export const tune: Kind = {
  inspect: () => Promise.reject(new AppError("internal", "Fine-tuning has no data of its own.", "Report this.")),

  async plan(spec, source) {
    const { facts, model } = await open(spec, source);
    try {
      return makeTunePlan(facts, spec).plan;
    } finally {
      model.close();
    }
  },

  async prepare(options: PrepareOptions): Promise<PreparedTune> {
    const { record } = options;
    const { spec } = record;
    const { model, facts, lessons, samples, base } = await open(spec, options);
    try {
      const fingerprint = lessons.fingerprint;
      if (record.fingerprint !== undefined && record.fingerprint !== fingerprint)
        throw new AppError(
          "fileChanged",
          `'${spec.data}' is not the data this run began with.`,
          "Put the old data back to go on, or start a new run.",
          {
            file: spec.data,
            fingerprint,
            before: record.fingerprint,
          },
        );
      const planFor = (batch: number | undefined) => makeTunePlan(facts, batch === undefined ? spec : { ...spec, batch });
      const prepared: PreparedTune = {
        spec,
        fingerprint,
        model,
        base,
        lessons,
        parts: samples,
        task,
        target: {},
        data: { train: samples.train, validation: thinned(samples.validation, judged) as TuneSamples, test: samples.test },
        plan: planFor(record.choice?.batch), // as it was settled when the run began
        planFor,
        training: () => tuningGraph(model, facts.tune).graph,
        answering: () => tuningGraph(model, facts.tune, { judged: true }).graph,
        ...(promptsOf(spec).length ? { sample: (weights) => answerPrompts(prepared, weights, options.signal), seldom: true } : {}),
        report: (run, pause) => judgeTune(prepared, run, pause),
        exportModel: (path, weights) => exportTune(path, prepared, weights),
        close: () => Promise.resolve(model.close()),
      };
      return prepared;
    } catch (thrown) {
      model.close();
      throw thrown;
    }
  },
};
