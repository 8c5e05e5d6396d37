// Writes what a run on ratings leaves: model.onnx (a pair → its rating), recommend.onnx (what somebody has → what else fits), seen.bin (who has
// what) and titles.json (names of the items, where a table of them lies beside the ratings).
import { dirname, join } from "node:path";
import type { RunReport } from "../../../ipc/types.ts";
import { findTitles } from "../../data/ratings/titles.ts";
import { exportRankingModel, exportRatingsModel } from "../../formats/ratingsModel.ts";
import { writeSeen } from "../../formats/seenPairs.ts";
import { factorNet } from "../../models/factors.ts";
import { popularityShare } from "../../tasks/ease.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomic, writeJson } from "../files.ts";
import type { PreparedRatings } from "./preparedRatings.ts";

export async function exportRatings(options: {
  path: string;
  prepared: PreparedRatings;
  weights: ReadonlyMap<string, Tensor>;
  report: RunReport;
  cache: string;
  signal: AbortSignal;
}): Promise<void> {
  const { path, prepared, weights, report, cache, signal } = options;
  const { pairs, columns, scale, range, plan, table, ranking } = prepared;
  if (!ranking) throw new TypeError("the run is not judged yet");
  const beside = (name: string) => join(dirname(path), name);
  const { ease } = ranking;
  const known = Array.from(ease.known, (i) => pairs.items[i]!);
  const base = Float32Array.from(ease.known, (i) => popularityShare * ease.popularity[i]!);
  await writeAtomic(beside("recommend.onnx"), exportRankingModel({ items: known, weights: ease.weights, base }));
  await writeAtomic(beside("seen.bin"), writeSeen(pairs));
  const titles = await findTitles(table.file, pairs.items, { cache, signal });
  await writeJson(beside("titles.json"), { version: 1, titles: [...(titles?.titles ?? [])] });
  const value = report.metrics.test?.["rmse"];
  const bytes = exportRatingsModel({
    columns,
    users: pairs.users,
    items: pairs.items,
    scale,
    range,
    net: (g, inputs) => factorNet(g, plan.net, inputs, weights),
    profile: table.profile,
    test: value === undefined ? null : { metric: "rmse", value },
  });
  await writeAtomic(path, bytes);
}
