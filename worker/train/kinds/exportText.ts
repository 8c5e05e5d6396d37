// Writes a run's model.onnx, and beside it what makes its inputs of texts: tokenize.mjs for hashed pieces, tokenizer.json for tokens (which also
// lies in the model's own metadata, so that the file alone can be asked).
import { dirname, join } from "node:path";
import type { RunReport } from "../../../ipc/types.ts";
import { standalone } from "../../data/text/standalone.ts";
import { exportTextModel } from "../../formats/textModel.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomic } from "../files.ts";
import type { PreparedText } from "./preparedText.ts";

export async function exportText(options: {
  path: string;
  prepared: PreparedText;
  weights: ReadonlyMap<string, Tensor>;
  report: RunReport;
}): Promise<void> {
  const { encoding, net, plan, table, tokens } = options.prepared;
  const { metric } = options.report.verdict;
  const value = options.report.metrics.test?.[metric];
  const { temperature = 1 } = options.report.calibration ?? {};
  const bytes = exportTextModel({
    encoding,
    net: (g, inputs) => {
      const raw = net.inference(g, inputs, options.weights);
      return temperature === 1 ? raw : g.div(raw, temperature);
    },
    tokenizer: tokens?.json,
    profile: table.profile,
    test: value === undefined ? null : { metric, value },
    model: plan.plan.model.name,
    licence: net.licence,
    alone: net.alone ?? false,
  });
  const folder = dirname(options.path);
  if (tokens) await writeAtomic(join(folder, "tokenizer.json"), tokens.json);
  else await writeAtomic(join(folder, "tokenize.mjs"), Buffer.from(standalone(encoding.pieces)));
  await writeAtomic(options.path, bytes);
}
