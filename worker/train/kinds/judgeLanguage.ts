// A language model judged: how surprised it is by each part, as perplexity and in bits a byte, beside what counting alone says.
import type { Metrics, RunReport } from "../../../ipc/types.ts";
import type { Samples } from "../../data/samples.ts";
import type { TokenStore } from "../../data/text/tokenStore.ts";
import { thinned } from "../../data/text/windows.ts";
import { bitsPerByte, language } from "../../tasks/language.ts";
import { type Judgement, verdict } from "../../tasks/report.ts";
import type { Tensor } from "../../tensor.ts";
import { answersOf } from "../answers.ts";
import { languageBaselines } from "./languageBaselines.ts";
import type { PreparedLanguage } from "./preparedLanguage.ts";

/** Windows on which a part is judged, at even distances: of the training part, and of those held out. */
const most = { train: 200, held: 1000 };

export async function judgeLanguage(
  prepared: PreparedLanguage,
  run: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>,
  pause: () => Promise<void>,
): Promise<Judgement> {
  const { parts, stores, plan, net } = prepared;
  const judge = async (part: Samples, store: TokenStore): Promise<Metrics> => {
    const metrics = language.metrics(await answersOf(part, { task: language, target: {}, run, pause }), {});
    return withBits(metrics, store);
  };
  const train = await judge(thinned(parts.train, most.train), stores.train);
  const validation = parts.validation.rows ? await judge(thinned(parts.validation, most.held), stores.validation) : null;
  const held = parts.test.rows ? { part: thinned(parts.test, most.held), store: stores.test } : undefined;
  const test = held ? await judge(held.part, held.store) : null;
  const judged = held ?? { part: thinned(parts.train, most.train), store: stores.train };
  const { constant, linear } = await languageBaselines(stores.train, judged.part, { vocabulary: net.tokens, pause });
  const baseline = { constant: withBits(constant, judged.store), linear: withBits(linear, judged.store) };
  const report: RunReport = {
    version: 2,
    kind: "text",
    task: "language",
    target: "",
    rows: plan.plan.rows,
    metrics: { train, validation, test },
    baseline,
    verdict: verdict("perplexity", test ?? train, baseline),
    parts: { train: null, validation: null, test: null },
    language: { plan: plan.plan.language!, bytesPerToken: perToken(judged.store), samples: [] },
  };
  return { report, mistakes: { version: 1, columns: [], parts: { train: [], validation: [], test: [] } } };
}

/** Bytes that a learned token stands for. */
const perToken = ({ learned, learnedBytes }: TokenStore): number => learnedBytes / Math.max(1, learned);

export function withBits(metrics: Metrics, store: Pick<TokenStore, "learned" | "learnedBytes">): Metrics {
  const each = store.learnedBytes / Math.max(1, store.learned);
  return each > 0 ? { ...metrics, bitsPerByte: bitsPerByte(metrics["loss"]!, each) } : metrics;
}
