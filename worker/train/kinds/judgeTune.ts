// A fine-tuned language model judged: how surprised it is by the answers of each part, beside the model as it was.
import type { Metrics } from "../../../ipc/types.ts";
import type { Samples } from "../../data/samples.ts";
import { thinned } from "../../data/text/windows.ts";
import { language } from "../../tasks/language.ts";
import { type Judgement, verdict } from "../../tasks/report.ts";
import { tuningGraph } from "../../models/language/tune.ts";
import { openEngine } from "../../run/engine.ts";
import type { Tensor } from "../../tensor.ts";
import { answersOf } from "../answers.ts";
import type { PreparedTune } from "./tune.ts";

/** Rows on which a part is judged, at even distances. */
const most = { train: 100, held: 500 };

export async function judgeTune(
  prepared: PreparedTune,
  run: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>,
  pause: () => Promise<void>,
): Promise<Judgement> {
  const { parts, plan, model } = prepared;
  const judge = async (part: Samples, ask: typeof run): Promise<Metrics> =>
    language.metrics(await answersOf(part, { task: language, target: {}, run: ask, pause }), {});
  const train = thinned(parts.train, most.train);
  const held = parts.test.rows ? thinned(parts.test, most.held) : train;
  const metrics = {
    train: await judge(train, run),
    validation: parts.validation.rows ? await judge(thinned(parts.validation, most.held), run) : null,
    test: parts.test.rows ? await judge(held, run) : null,
  };
  const engine = await openEngine(plan.plan.device, plan.threads === undefined ? {} : { threads: plan.threads });
  try {
    // The model as it was: what fine-tuning has to be better than. Nothing simpler is known that writes.
    const before = await engine.load(tuningGraph(model, { ...plan.tune, method: "none" }, { judged: true }).graph, { shared: true });
    const constant = await judge(held, (feeds) => before.run(feeds));
    const baseline = { constant, linear: constant };
    return {
      report: {
        version: 2,
        kind: "text",
        task: "language",
        target: "",
        rows: plan.plan.rows,
        metrics,
        baseline,
        verdict: verdict("perplexity", metrics.test ?? metrics.train, baseline),
        parts: { train: null, validation: null, test: null },
        tune: { plan: plan.plan.tune!, answers: [] },
      },
      mistakes: { version: 1, columns: [], parts: { train: [], validation: [], test: [] } },
    };
  } finally {
    await engine.dispose();
  }
}
