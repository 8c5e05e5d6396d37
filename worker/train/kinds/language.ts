// Language models: any text, from the words that it is made of to a network that goes on with it. From conversations the answers are learned.
import { setImmediate as nextTurn } from "node:timers/promises";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { LanguageProfile, Token, TrainPlan, TrainSpec } from "../../../ipc/types.ts";
import { type Bpe, readBpe } from "../../data/text/bpe.ts";
import { trainBpe, WordCounts } from "../../data/text/bpeTrainer.ts";
import { type Corpus, openCorpus } from "../../data/text/corpus.ts";
import {
  type EncodedPart,
  encodeCorpus,
  learnVocabulary,
  specialsOf,
  suitableVocabulary,
  survey,
  type Survey,
  windowsOf,
} from "../../data/text/encodeCorpus.ts";
import { mostTokens } from "../../data/text/tokenStore.ts";
import { thinned, WindowSamples, type Windows } from "../../data/text/windows.ts";
import { gptAnswering, gptTraining } from "../../models/gpt.ts";
import { openEngine } from "../../run/engine.ts";
import { language as task } from "../../tasks/language.ts";
import { int64 } from "../../tensor.ts";
import { readJson, writeAtomic, writeJson } from "../files.ts";
import { defaults } from "../plan.ts";
import { trainingPlan } from "../step.ts";
import { exportLanguage } from "./exportLanguage.ts";
import { judgeLanguage } from "./judgeLanguage.ts";
import type { Kind, PrepareOptions, Source } from "./kind.ts";
import { languageNet, languagePiece, languageSeconds, makeLanguagePlan, speedOf, timedNet } from "./languagePlan.ts";
import { promptOf, writeSample } from "./languageSample.ts";
import type { PreparedLanguage } from "./preparedLanguage.ts";

interface Encoding {
  version: 1;
  kind: "language";
  form: Corpus["form"];
  /** Tokens in the vocabulary, which tokenizer.json holds. */
  vocabulary: number;
  /** How fast the machine was when the run began (languagePlan.ts), where its length was left to that. */
  speed?: number;
}

/** A turn for the event loop between pieces of work, which also hears the signal. */
const breathing = (signal: AbortSignal) => async (): Promise<void> => {
  await nextTurn();
  signal.throwIfAborted();
};

const open = (path: string, { cache, signal, onWorking }: Source, spec: Pick<TrainSpec, "part" | "target">): Promise<Corpus> =>
  openCorpus(path, {
    cache,
    ...(spec.part === undefined ? {} : { part: spec.part }),
    column: spec.target,
    signal,
    onProgress: (what, fraction) => onWorking?.({ what, fraction }),
  });

const splitOf = (spec: TrainSpec) => ({ seed: spec.seed ?? defaults.seed, split: spec.split ?? true });

function refuseSettings(spec: TrainSpec): void {
  if (spec.model !== undefined && spec.model !== "gpt")
    throw new AppError("usage", `The model '${spec.model}' does not learn to write from scratch.`, "Leave --model out, or name gpt.", {
      model: spec.model,
    });
}

function vocabularySize(spec: TrainSpec, found: Survey, corpus: Corpus): number {
  const asked = Number(spec.config?.["vocabulary"] ?? 0);
  const least = specialsOf(corpus.form).length + 256;
  return asked > 0 ? Math.min(mostTokens, Math.max(least, asked)) : suitableVocabulary(found.bytes[0], found.han);
}

/** Letters on which a vocabulary is learned where only its worth is wanted. */
const looked = 200_000;

/** A vocabulary of that size learned on the beginning, and how many bytes a token of it stands for there. */
async function trial(corpus: Corpus, size: number, signal: AbortSignal): Promise<{ bpe: Bpe; text: string; bytesPerToken: number }> {
  const words = new WordCounts();
  let text = "";
  for await (const block of corpus.blocks()) {
    for (const part of block.parts) {
      words.add(part.text);
      text += part.text;
    }
    if (text.length >= looked) break;
  }
  const bpe = await trainBpe(words.counts, { size, specials: specialsOf(corpus.form), signal });
  return { bpe, text, bytesPerToken: Buffer.byteLength(text) / Math.max(1, bpe.encode(text, { plain: true }).length) };
}

async function inspect(file: string, source: Source & { part?: string }): Promise<LanguageProfile> {
  const { signal } = source;
  const corpus = await open(file, source, source.part === undefined ? {} : { part: source.part });
  try {
    const found = await survey(corpus, splitOf({ data: file }), breathing(signal));
    const { bpe, text, bytesPerToken } = await trial(corpus, suitableVocabulary(found.bytes[0], found.han), signal);
    const bytes = found.bytes.reduce((sum, b) => sum + b, 0);
    return {
      kind: "language",
      form: corpus.form,
      file: corpus.file,
      bytes: corpus.bytes,
      rows: found.documents,
      characters: found.characters,
      tokens: Math.round(bytes / bytesPerToken),
      vocabulary: bpe.size,
      ...(corpus.encoding ? { encoding: corpus.encoding } : {}),
      problems: corpus.problems,
      preview: shownTokens(bpe, text.slice(0, 600)),
      fingerprint: await corpus.fingerprint(),
    };
  } finally {
    await corpus.close();
  }
}

export const shownTokens = (bpe: Bpe, text: string): Token[] => bpe.encode(text, { plain: true }).map((id) => ({ id, text: bpe.show(id) }));

async function plan(spec: TrainSpec, source: Source): Promise<TrainPlan> {
  refuseSettings(spec);
  const corpus = await open(spec.data, source, spec);
  try {
    const found = await survey(corpus, splitOf(spec), breathing(source.signal));
    const size = vocabularySize(spec, found, corpus);
    const { bpe, bytesPerToken } = await trial(corpus, size, source.signal);
    const [train, validation, test] = found.bytes.map((bytes) => Math.round(bytes / bytesPerToken)) as [number, number, number];
    const facts = { tokens: { train, validation, test }, vocabulary: bpe.size };
    const net = languageNet(facts, spec);
    const rows = { train: windows(train, net.context), validation: windows(validation, net.context), test: windows(test, net.context) };
    return makeLanguagePlan(facts, net, rows, spec).plan;
  } finally {
    await corpus.close();
  }
}

/**
 * How fast this machine takes the steps of a small network: decides size and length of a run, where neither steps nor epochs are given. A run
 * whose length is given has the same numbers everywhere. undefined on other devices, whose speed is not that of the processor.
 */
async function measuredSpeed(spec: TrainSpec, vocabulary: number): Promise<number | undefined> {
  if (spec.steps !== undefined || spec.epochs !== undefined || (spec.device ?? defaults.device) !== "cpu") return undefined;
  const { size, context, batch } = timedNet;
  const graph = gptTraining({ ...size, context, tokens: vocabulary, dropout: 0, seed: 1 });
  const dims = [batch, context];
  const ids = int64(dims, Array.from({ length: batch * context }, (_, i) => (i * 7919) % vocabulary)); // prettier-ignore
  const engine = await openEngine("cpu");
  try {
    const session = await engine.train(trainingPlan(graph, { loss: "loss", optimizer: { name: "muon" } }), undefined);
    let best = Infinity;
    for (let i = 0; i < 4; i++) {
      const began = performance.now();
      await session.step({ input_ids: ids, labels: ids }, 0);
      if (i > 0) best = Math.min(best, performance.now() - began); // the first one lays out memory
    }
    return speedOf(best / 1000, vocabulary);
  } finally {
    await engine.dispose();
  }
}

const windows = (tokens: number, context: number): number => Math.ceil(Math.max(0, tokens - 1) / context);

/** Windows that the curve is judged on; the whole part is judged at the end. */
const judgedWindows = 64;

export async function prepare(options: PrepareOptions): Promise<PreparedLanguage> {
  const { record, paths, signal, run } = options;
  const { spec } = record;
  refuseSettings(spec);
  const corpus = await open(spec.data, options, spec);
  try {
    const fingerprint = await corpus.fingerprint();
    if (record.fingerprint !== undefined && record.fingerprint !== fingerprint)
      throw new AppError(
        "fileChanged",
        `'${spec.data}' is not the data this run began with.`,
        "Put the old data back to go on, or start a new run.",
        { file: spec.data, fingerprint, before: record.fingerprint },
      );
    const pause = breathing(signal);
    options.onWorking?.({ what: "encoding", fraction: null });
    const found = await survey(corpus, splitOf(spec), pause);
    const tokenizer = join(run, "tokenizer.json");
    const known = await readJson<Encoding>(paths.encoding);
    const bpe = known
      ? readBpe(await readFile(tokenizer, "utf8"), "tokenizer.json")
      : await learnVocabulary(corpus, found, { size: vocabularySize(spec, found, corpus), signal, pause });
    const speed = known ? known.speed : await measuredSpeed(spec, bpe.size);
    if (!known) {
      await writeAtomic(tokenizer, bpe.toJson());
      const encoding: Encoding = { version: 1, kind: "language", form: corpus.form, vocabulary: bpe.size, ...(speed ? { speed } : {}) };
      await writeJson(paths.encoding, encoding);
    }
    const encoded = await encodeCorpus(corpus, found, bpe, { scratch: paths.scratch, pause });
    const [train, validation, test] = encoded.parts;
    const facts = {
      tokens: { train: train.store.length, validation: validation.store.length, test: test.store.length },
      vocabulary: bpe.size,
      ...(speed ? { speed } : {}),
    };
    const net = languageNet(facts, spec);
    const places = (await Promise.all(encoded.parts.map((part) => windowsOf(part, net.context)))) as [Windows, Windows, Windows];
    const samples = (part: EncodedPart, at: Windows, moving: boolean) =>
      new WindowSamples(part.store, {
        context: net.context,
        windows: at,
        piece: languagePiece(net),
        ...(moving && !part.starts ? { moving: { seed: net.seed } } : {}),
      });
    const learning = samples(train, places[0], true);
    const parts = {
      train: samples(train, places[0], false),
      validation: samples(validation, places[1], false),
      test: samples(test, places[2], false),
    };
    if (learning.rows === 0 || places[0].starts.length === 0)
      throw new AppError("tooFewRows", `'${corpus.file}' holds too little text to learn from.`, "Choose more text.", { file: corpus.file });
    const rows = { train: learning.rows, validation: parts.validation.rows, test: parts.test.rows };
    const planFor = (batch: number | undefined) => makeLanguagePlan(facts, net, rows, batch === undefined ? spec : { ...spec, batch });
    const prompt = await promptOf(validation.store.length > 1 ? validation : train, bpe, net.context);
    const prepared: PreparedLanguage = {
      spec,
      fingerprint,
      corpus,
      bpe,
      net,
      prompt,
      stores: { train: train.store, validation: validation.store, test: test.store },
      parts,
      task,
      target: {},
      data: { train: learning, validation: thinned(parts.validation, judgedWindows), test: parts.test },
      plan: planFor(record.choice?.batch), // as it was settled when the run began
      planFor,
      training: () => gptTraining(net),
      answering: () => gptAnswering(net),
      sample: (weights) => writeSample(prepared, weights),
      report: (ask, turn) => judgeLanguage(prepared, ask, turn),
      exportModel: (path, weights, report) => exportLanguage({ path, prepared, weights, report }),
      async close() {
        await encoded.close();
        await corpus.close();
      },
    };
    return prepared;
  } catch (thrown) {
    await corpus.close();
    throw thrown;
  }
}

export const language: Kind = { inspect, plan, prepare };
export { languageSeconds };
