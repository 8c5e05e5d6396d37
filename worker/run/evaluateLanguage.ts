// A trained language model judged on another text: how surprised it is by it, beside what counting its tokens says.
import type { Metrics, RunMistakes, RunReport } from "../../ipc/types.ts";
import { openCorpus } from "../data/text/corpus.ts";
import { encodeCorpus, survey, windowsOf } from "../data/text/encodeCorpus.ts";
import { WindowSamples } from "../data/text/windows.ts";
import { gptAnswering } from "../models/gpt.ts";
import { bitsPerByte, language } from "../tasks/language.ts";
import { verdict } from "../tasks/report.ts";
import { openEngine } from "./engine.ts";
import { readLanguageModel } from "./languageModel.ts";
import { breathe } from "./predict.ts";

export interface EvaluateLanguage {
  cache: string;
  part?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: (what: "reading" | "predicting", fraction: number | null) => void;
  /** Folder for tokens that do not fit into memory. */
  scratch: string;
}

/** Windows that are answered at once. */
const piece = 16;

/**
 * Loss, perplexity and bits a byte on all of the text (of conversations, on the answers). The report's baseline knows how often each token comes
 * in that text itself.
 * @throws what readLanguageModel and openCorpus throw; tooFewRows
 */
export async function evaluateLanguage(
  run: string,
  file: string,
  options: EvaluateLanguage,
): Promise<{ metrics: Metrics; report: RunReport; mistakes: RunMistakes }> {
  const { card, bpe, graph } = await readLanguageModel(run);
  const { cache, part, signal, scratch, onProgress } = options;
  const pause = async (): Promise<void> => {
    await breathe();
    signal?.throwIfAborted();
  };
  const corpus = await openCorpus(file, { cache, ...(part === undefined ? {} : { part }), ...(signal ? { signal } : {}) });
  try {
    onProgress?.("reading", null);
    const found = await survey(corpus, { seed: 1, split: false }, pause);
    const encoded = await encodeCorpus(corpus, found, bpe, { scratch, pause });
    const engine = await openEngine("cpu");
    try {
      const [all] = encoded.parts;
      const net = { ...card.net, dropout: 0, seed: 0 };
      const answering = gptAnswering(net);
      for (const [name, tensor] of graph.initializers) if (answering.parameters.includes(name)) answering.setInitializer(name, tensor);
      const session = await engine.load(answering);
      const windows = new WindowSamples(all.store, { context: net.context, windows: await windowsOf(all, net.context), piece });
      const counts = new Float64Array(net.tokens);
      let loss = 0;
      let tokens = 0;
      for (let from = 0; from < windows.rows; from += piece) {
        const { inputs, y } = await windows.range(from, Math.min(windows.rows, from + piece));
        const { answer } = await session.run(inputs);
        for (const sum of answer!.data as Float32Array) loss += sum;
        for (const count of y.data as Float32Array) tokens += count;
        for (const label of inputs["labels"]!.data as BigInt64Array) if (label >= 0n) counts[Number(label)]! += 1;
        onProgress?.("predicting", from / windows.rows);
        await pause();
      }
      const bytesPerToken = all.store.learnedBytes / Math.max(1, all.store.learned);
      const told = (mean: number): Metrics => ({
        ...language.metrics({ predicted: Float32Array.of(mean), truth: Float64Array.of(1) }, {}),
        bitsPerByte: bitsPerByte(mean, bytesPerToken),
      });
      const metrics = told(loss / Math.max(1, tokens));
      let entropy = 0;
      for (const count of counts) if (count > 0) entropy -= (count / tokens) * Math.log(count / tokens);
      const baseline = { constant: told(entropy), linear: told(entropy) };
      const report: RunReport = {
        version: 2,
        kind: "text",
        task: "language",
        target: "",
        rows: { train: 0, validation: 0, test: windows.rows },
        metrics: { train: metrics, validation: null, test: metrics },
        baseline,
        verdict: verdict("perplexity", metrics, baseline),
        parts: { train: null, validation: null, test: null },
      };
      return { metrics, report, mistakes: { version: 1, columns: [], parts: { train: [], validation: [], test: [] } } };
    } finally {
      await engine.dispose();
      await encoded.close();
    }
  } finally {
    await corpus.close();
  }
}
