// Ratings: who liked what, and what is recommended from it.
import type { Taken } from "./kinds.ts";
import type { Problem, TableProfile } from "./tables.ts";

/** Names of the columns. Without a rating, that a pair is there is all that is known of it. */
export interface RatingsColumns {
  user: string;
  item: string;
  rating?: string;
  time?: string;
}

export interface RatingsProfile extends Taken {
  kind: "ratings";
  file: string;
  bytes: number;
  /** Pairs that are used: each user and item once. */
  rows: number;
  users: number;
  items: number;
  /** How many users and items have one pair only: of these there is little to learn. Absent in older profiles. */
  single?: { users: number; items: number };
  columns: RatingsColumns;
  /** Why it was taken for ratings. */
  reason: { by: "names" | "shape" | "asked"; message: string };
  /** Lowest and highest rating, their mean, and how often each occurs where there are at most 21 of them. */
  rating?: { min: number; max: number; mean: number; counts?: { value: number; count: number }[] };
  /** Share of all pairs of a user and an item that are there. */
  density: number;
  /** First and last time, as ISO text. */
  time?: { first: string; last: string };
  /** The file beside it that names the items, and how many of them it names. */
  titles?: { file: string; items: number };
  problems: Problem[];
  fingerprint: string;
  /** The same file seen as a table; `--task regression` or `classification` trains on it so. */
  table: TableProfile;
}

export interface Recommended {
  item: string;
  title?: string;
  /** How well it fits: comparable within one answer only. */
  score: number;
  /** The rating that is expected. */
  rating?: number;
}

/** Items for a user, best first, none that the user has already. */
export interface RecommendResult {
  user: string;
  /** False: nobody of that name was there in training. */
  known: boolean;
  /** "popularity": nothing is known that the user has, so it is what most people have. */
  by: "model" | "popularity";
  /** How many items were left out as the user has them already; null where the run's folder, which knows, is not at hand. */
  seen: number | null;
  /** Some of what the user has, best rated first, where that is known. */
  had?: { item: string; title?: string; rating?: number }[];
  items: Recommended[];
}

/** Users or items that a search found: of items their titles too, and how many pairs each has. */
export interface FoundId {
  id: string;
  title?: string;
  pairs: number;
}

/** Items that the same people took, nearest first. */
export interface SimilarResult {
  item: string;
  title?: string;
  known: boolean;
  /** "popularity": too few people have it (or nobody) for the model to know its like. */
  by: "model" | "popularity";
  items: Recommended[];
}
