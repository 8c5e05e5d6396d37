import type { RatingsColumns } from "../../../ipc/types.ts";
import type { Pairs } from "../../data/ratings/read.ts";
import type { RatingParts } from "../../data/ratings/split.ts";
import type { Table } from "../../data/table.ts";
import { interest } from "../../formats/ratingsModel.ts";
import type { Prepared } from "./kind.ts";
import type { Ranking } from "./ranking.ts";
import type { RatingsPlan } from "./ratingsPlan.ts";

export interface PreparedRatings extends Prepared {
  table: Table;
  columns: RatingsColumns;
  pairs: Pairs;
  parts: RatingParts;
  scale: { mean: number; std: number };
  range: { min: number; max: number };
  plan: RatingsPlan;
  /** There when the run is judged. */
  ranking?: Ranking;
}

/** What is learned: the ratings' column, or a name where there is none. */
export const targetName = (columns: RatingsColumns): string => columns.rating ?? interest;
