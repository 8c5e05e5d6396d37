// The plan of a run on ratings: the factors, the batch and the rate.
import type { RatingsColumns, TrainSpec } from "../../../ipc/types.ts";
import { interest } from "../../formats/ratingsModel.ts";
import { factorAnswering, type FactorSpec, factorTraining } from "../../models/factors.ts";
import { countParameters } from "../../models/index.ts";
import { defaults, type FullPlan, planCourse, stepSeconds } from "../plan.ts";
import { rankedItems } from "./ranking.ts";
import { towerBytes, towerCourse } from "./towers.ts";

export interface RatingsFacts {
  columns: RatingsColumns;
  users: number;
  items: number;
  rows: { train: number; validation: number; test: number };
}

export interface RatingsPlan extends FullPlan {
  net: FactorSpec;
}

/** Passes over the ratings: more learn them by heart. */
const epochs = 16;
const size = 32;
/** On MovieLens (100k ratings) the test part has an rmse of 0.858 with 0.06, 0.851 with 0.12, 0.858 with 0.2. */
const decay = 0.12;
/** Numbers of the factors, at most: for very many users or items, factors are shorter. */
const mostNumbers = 40e6;

export function makeRatingsPlan({ columns, users, items, rows }: RatingsFacts, spec: TrainSpec): RatingsPlan {
  const length = Math.max(4, Math.min(size, Math.floor(mostNumbers / (users + items))));
  const net: FactorSpec = { users, items, size: length, decay, seed: spec.seed ?? defaults.seed };
  const training = factorTraining(net);
  const parameters = countParameters(training);
  const pairs = rows.train + rows.validation + rows.test;
  const towers = items > rankedItems ? towerCourse({ users, items, pairs }) : undefined;
  const open = spec.epochs === undefined && spec.steps === undefined;
  const full = planCourse(
    {
      task: "recommend",
      target: columns.rating ?? interest,
      inputs: 2,
      rows,
      model: { name: "factors", parameters },
      graphs: { training, answering: factorAnswering(net) },
      batch: suitableBatch(rows.train),
      lr: 0.01,
      // A step goes over the whole tables and their moments.
      stepSeconds: (batch) => stepSeconds(0, 2 * parameters + 8 * batch * length),
      // The pairs and their order; and what the ranking's matrices take at the end.
      dataBytes: 40 * pairs + Math.max(towers ? towerBytes(items, towers) : 0, 60 * Math.min(items, rankedItems) ** 2),
    },
    open ? { ...spec, epochs, seconds: spec.seconds ?? defaults.seconds } : spec,
  );
  const { plan } = full;
  // Towers are trained twice: to choose how much they count, and to stay.
  const estimatedSeconds = Math.round((plan.estimatedSeconds + 2 * (towers?.seconds ?? 0)) * 10) / 10;
  return { ...full, plan: { ...plan, estimatedSeconds, ranking: { by: towers ? "blend" : "weights", items } }, net };
}

/** A power of two near rows / 160, from 32 to 16,384: about as many steps an epoch whatever the number of ratings. */
function suitableBatch(rows: number): number {
  return 2 ** Math.round(Math.log2(Math.max(32, Math.min(16_384, rows / 160))));
}
