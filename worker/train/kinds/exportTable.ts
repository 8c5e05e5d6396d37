// Writes a run's model.onnx: the columns' preprocessing, the network with the weights of the best point, and what the file says of itself.
import type { RunReport } from "../../../ipc/types.ts";
import { encodeColumns } from "../../data/encoding.ts";
import { exportTableModel } from "../../formats/onnxModel.ts";
import { inferenceNet } from "../../models/index.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomic } from "../files.ts";
import type { PreparedTable } from "./preparedTable.ts";

export async function exportTable(options: {
  path: string;
  prepared: PreparedTable;
  weights: ReadonlyMap<string, Tensor>;
  report: RunReport;
}): Promise<void> {
  const { encoding, plan, task, profile } = options.prepared;
  const { metric } = options.report.verdict;
  const value = options.report.metrics.test?.[metric];
  const { temperature = 1 } = options.report.calibration ?? {};
  const bytes = exportTableModel({
    encoding,
    encode: encodeColumns,
    net: (g, inputs) => {
      const logits = inferenceNet(g, plan.net, task, inputs, options.weights);
      return temperature === 1 ? logits : g.div(logits, temperature);
    },
    profile,
    test: value === undefined ? null : { metric, value },
    model: plan.net.model,
  });
  await writeAtomic(options.path, bytes);
}
