// Ratings: pairs of users and items, of which two things are learned: the rating of a pair, by factors that the engine trains, and what to recommend,
// by weights between items in closed form (ranking.ts). A run ends with both, judged on splits of their own.
import { AppError } from "../../../ipc/error.ts";
import type { RatingsColumns, TrainSpec } from "../../../ipc/types.ts";
import { findRatings, guessRatings } from "../../data/ratings/columns.ts";
import { inspectRatings } from "../../data/ratings/inspect.ts";
import { type Pairs, readPairs } from "../../data/ratings/read.ts";
import { pairSamples } from "../../data/ratings/samples.ts";
import { type RatingParts, splitPairs } from "../../data/ratings/split.ts";
import { openTable, type Table } from "../../data/table.ts";
import { factorAnswering, factorTraining } from "../../models/factors.ts";
import { ratings as ratingsTask } from "../../tasks/ratings.ts";
import type { Target } from "../../tasks/task.ts";
import { readJson, writeJson } from "../files.ts";
import { defaults } from "../plan.ts";
import { refuseSplit } from "../splitOf.ts";
import { exportRatings } from "./exportRatings.ts";
import { judgeRatings } from "./judgeRatings.ts";
import type { Kind, PrepareOptions, Source } from "./kind.ts";
import type { PreparedRatings } from "./preparedRatings.ts";
import { makeRatingsPlan } from "./ratingsPlan.ts";

/** What a run keeps of how it read its data. */
interface Encoding {
  version: 1;
  kind: "ratings";
  columns: RatingsColumns;
}

const open = (file: string, { cache, signal, onWorking }: Source, part: string | undefined): Promise<Table> =>
  openTable(file, { cache, part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) });

/** The columns that were asked for, else as found in the table. Throws columnMissing naming what there is. */
function columnsOf({ profile }: Table, asked: RatingsColumns | undefined): RatingsColumns {
  if (asked) return asked;
  const found = guessRatings(profile) ?? findRatings(profile);
  if (found) return found.columns;
  const { file } = profile;
  const names = profile.columns.map((column) => column.name).slice(0, 50);
  throw new AppError(
    "columnMissing",
    `${file} has no columns of users and items: it has ${names.map((name) => `'${name}'`).join(", ")}.`,
    "Name them user and item (and rating, and time, where there are any).",
    { file, column: "user", found: names },
  );
}

function refuseSettings(spec: TrainSpec): void {
  refuseSplit(spec, "Ratings");
  if (spec.model !== undefined && spec.model !== "factors")
    throw new AppError("usage", `Recommending has no model '${spec.model}'.`, "Leave --model out: it is factors.", { model: spec.model });
}

async function read(spec: TrainSpec, table: Table, columns: RatingsColumns, signal: AbortSignal) {
  const seed = spec.seed ?? defaults.seed;
  const pairs = await readPairs(table, columns, signal);
  const parts = splitPairs(pairs, { seed, split: spec.split ?? true });
  const { scale, range } = scaleOf(pairs, parts.train);
  const facts = { columns, users: pairs.users.length, items: pairs.items.length, rows: rowsOf(pairs, parts) };
  return { seed, pairs, parts, scale, range, facts };
}

/** Where nothing is rated, as many pairs that are not there stand beside those that are. */
const rowsOf = ({ rating }: Pairs, { train, validation, test }: RatingParts) => {
  const times = rating ? 1 : 2;
  return { train: times * train.length, validation: times * validation.length, test: times * test.length };
};

/** Of the ratings that are learned from. */
function scaleOf({ rating }: Pairs, train: Uint32Array): Pick<PreparedRatings, "scale" | "range"> {
  if (!rating) return { scale: { mean: 0.5, std: 0.5 }, range: { min: 0, max: 1 } };
  let [sum, squares, min, max] = [0, 0, Infinity, -Infinity];
  for (const p of train) {
    const value = rating[p]!;
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const mean = sum / train.length;
  for (const p of train) squares += (rating[p]! - mean) ** 2;
  const std = Math.sqrt(squares / train.length);
  return { scale: { mean, std: std > 0 ? std : 1 }, range: { min, max } };
}

async function prepare(options: PrepareOptions): Promise<PreparedRatings> {
  const { record, paths, signal } = options;
  const { spec } = record;
  refuseSettings(spec);
  const table = await open(spec.data, options, spec.part);
  try {
    const { fingerprint } = table.profile;
    if (record.fingerprint !== undefined && record.fingerprint !== fingerprint)
      throw new AppError(
        "fileChanged",
        `'${spec.data}' is not the file this run began with.`,
        "Put the old file back to go on, or start a new run.",
        { file: spec.data, fingerprint, before: record.fingerprint },
      );
    const known = await readJson<Encoding>(paths.encoding);
    const columns = known?.columns ?? columnsOf(table, spec.columns);
    options.onWorking?.({ what: "encoding", fraction: null });
    const { seed, pairs, parts, scale, range, facts } = await read(spec, table, columns, signal);
    await writeJson(paths.encoding, { version: 1, kind: "ratings", columns } satisfies Encoding);
    const planFor = (batch: number | undefined) => makeRatingsPlan(facts, batch === undefined ? spec : { ...spec, batch });
    const target: Target = { targetScale: scale };
    const samples = (places: Uint32Array) => pairSamples(pairs, places, { scale, seed });
    const prepared: PreparedRatings = {
      spec,
      fingerprint,
      table,
      columns,
      pairs,
      parts,
      scale,
      range,
      data: { train: samples(parts.train), validation: samples(parts.validation), test: samples(parts.test) },
      task: ratingsTask(range),
      target,
      plan: planFor(record.choice?.batch), // as it was settled when the run began
      planFor,
      training: () => factorTraining(prepared.plan.net),
      answering: () => factorAnswering(prepared.plan.net),
      report: (run, pause) => judgeRatings(prepared, run, pause),
      exportModel: (path, weights, report) => exportRatings({ path, prepared, weights, report, cache: options.cache, signal }),
      close: () => table.close(),
    };
    return prepared;
  } catch (thrown) {
    await table.close();
    throw thrown;
  }
}

export const ratings: Kind = {
  async inspect(file, source) {
    const table = await open(file, source, source.part);
    try {
      const asked = source.columns && ({ columns: source.columns, by: "asked" } as const);
      const guess = asked ?? guessRatings(table.profile) ?? findRatings(table.profile);
      return guess ? await inspectRatings(table, guess, source) : table.profile;
    } finally {
      await table.close();
    }
  },
  async plan(spec, source) {
    refuseSettings(spec);
    const table = await open(spec.data, source, spec.part);
    try {
      const { facts } = await read(spec, table, columnsOf(table, spec.columns), source.signal);
      return makeRatingsPlan(facts, spec).plan;
    } finally {
      await table.close();
    }
  },
  prepare,
};
