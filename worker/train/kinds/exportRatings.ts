// Writes what a run on ratings leaves: model.onnx (a pair → its rating), recommend.onnx (what somebody has → what else fits), seen.bin (who has
// what) and titles.json (names of the items, where a table of them lies beside the ratings).
import { dirname, join } from "node:path";
import type { RunReport } from "../../../ipc/types.ts";
import { findTitles } from "../../data/ratings/titles.ts";
import { exportRankingModel, exportRatingsModel, type RankingExport } from "../../formats/ratingsModel.ts";
import { writeSeen } from "../../formats/seenPairs.ts";
import { factorNet } from "../../models/factors.ts";
import { popularityShare } from "../../tasks/ease.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomic, writeJson } from "../files.ts";
import type { PreparedRatings } from "./preparedRatings.ts";
import type { Ranking } from "./ranking.ts";

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
  await writeAtomic(beside("recommend.onnx"), exportRankingModel(rankingOf(ranking, pairs.items)));
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

/** Items that have weights first; then, where towers know them, all others that anybody has. */
export function rankingOf({ ease, blend }: Ranking, items: readonly string[]): RankingExport {
  const others = blend ? Array.from(ease.place.keys()).filter((i) => ease.place[i]! < 0 && ease.popularity[i]! > 0) : [];
  const order = Int32Array.from([...ease.known, ...others]);
  const ranked = {
    items: Array.from(order, (i) => items[i]!),
    popularity: Float32Array.from(order, (i) => ease.popularity[i]!),
    popularityShare,
  };
  if (!blend) return { ...ranked, weights: ease.weights };
  const { towers, share } = blend;
  const { size } = towers;
  const rows = (table: Float32Array) => {
    const out = new Float32Array(order.length * size);
    order.forEach((i, at) => out.set(table.subarray(i * size, (i + 1) * size), at * size));
    return out;
  };
  return {
    ...ranked,
    ...(share === null ? {} : { weights: ease.weights }),
    towers: {
      size,
      had: rows(towers.had),
      vectors: rows(towers.vectors),
      bias: Float32Array.from(order, (i) => towers.bias[i]!),
      share: share ?? 1,
    },
  };
}
