// Writes a run's model.onnx, and tokenize.mjs beside it, which makes its inputs of texts.
import { dirname, join } from "node:path";
import type { RunReport } from "../../../ipc/types.ts";
import { standalone } from "../../data/text/standalone.ts";
import { exportTextModel } from "../../formats/textModel.ts";
import { ngramInference } from "../../models/ngrams.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomic } from "../files.ts";
import type { PreparedText } from "./preparedText.ts";

export async function exportText(options: {
  path: string;
  prepared: PreparedText;
  weights: ReadonlyMap<string, Tensor>;
  report: RunReport;
}): Promise<void> {
  const { encoding, plan, task, rarity, table } = options.prepared;
  const { metric } = options.report.verdict;
  const value = options.report.metrics.test?.[metric];
  const bytes = exportTextModel({
    encoding,
    net: (g, inputs) => ngramInference(g, plan.net, task, { ...inputs, rarity, parameters: options.weights }),
    profile: table.profile,
    test: value === undefined ? null : { metric, value },
    model: "ngrams",
  });
  await writeAtomic(join(dirname(options.path), "tokenize.mjs"), Buffer.from(standalone(encoding.pieces)));
  await writeAtomic(options.path, bytes);
}
