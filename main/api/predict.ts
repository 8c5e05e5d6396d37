// Trained models by the local API: rows in, predictions out. Tables and texts take their columns; a recommender takes {"user"} or {"item"} a row.
import type { Prediction, RecommendResult, SimilarResult } from "../../ipc/types.ts";
import type { Talking, TrainedRun } from "../talking.ts";
import { exists } from "../files.ts";
import { runFiles } from "../runs.ts";
import type { WarmWorker } from "../workers.ts";
import { ApiError } from "./errors.ts";

type Row = Record<string, string | number | boolean | null>;

export interface Predictor {
  runs(): Promise<TrainedRun[]>;
  predict(
    model: string,
    rows: Row[],
    top: number | undefined,
    signal: AbortSignal,
  ): Promise<(Prediction | RecommendResult | SimilarResult)[]>;
}

export function predictorOf(talking: Talking, warm: WarmWorker): Predictor {
  return {
    /** Runs that keep a model of their own which does not write. */
    async runs() {
      const all = await talking.runs();
      const kept = await Promise.all(all.map(async ({ folder, task }) => task !== "language" && (await exists(runFiles(folder).model))));
      return all.filter((_, i) => kept[i]);
    },
    async predict(model, rows, top, signal) {
      const { folder: run } = await talking.run(model);
      if (await exists(runFiles(run).companions[0]!)) return Promise.all(rows.map((row) => recommended(warm, run, row, top ?? 10, signal)));
      const texts = rows.map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? "" : String(value)])),
      );
      return warm.use((api) => api.predict({ run, rows: texts }, signal), signal);
    },
  };
}

function recommended(warm: WarmWorker, run: string, { user, item }: Row, top: number, signal: AbortSignal) {
  if (user !== undefined && user !== null) return warm.use((api) => api.recommend({ run, user: String(user), top }, signal), signal);
  if (item !== undefined && item !== null) return warm.use((api) => api.similar({ run, item: String(item), top }, signal), signal);
  throw new ApiError(400, "A row of a recommender names a 'user' or an 'item'.", { param: "rows" });
}
