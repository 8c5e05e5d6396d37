// The kinds of data that a run can learn from, and which one a path holds.
import { AppError } from "../../../ipc/error.ts";
import type { TrainSpec } from "../../../ipc/types.ts";
import { holdsPictures } from "../../data/images/source.ts";
import { guessRatings } from "../../data/ratings/columns.ts";
import { openTable } from "../../data/table.ts";
import { images } from "./images.ts";
import type { Kind, KindName, Source } from "./kind.ts";
import { ratings } from "./ratings.ts";
import { table } from "./table.ts";

export const kinds: Record<KindName, Kind> = { table, images, ratings };

/**
 * The kind of data in a file or folder, as the task (or a target, which only tables have) asks, or as its content says.
 * Never throws for bad data: the kind's own reader says what is wrong with it.
 */
export async function kindOf(data: string, asked: Pick<TrainSpec, "task" | "target" | "part">, source: Source): Promise<KindName> {
  const { task, target, part } = asked;
  if (task === "images" || (await holdsPictures(data))) return "images";
  if (task === "recommend") return "ratings";
  if (task === "regression" || task === "classification" || target !== undefined) return "table";
  return (await holdsRatings(data, part, source)) ? "ratings" : "table";
}

async function holdsRatings(data: string, part: string | undefined, { cache, signal, onWorking }: Source): Promise<boolean> {
  try {
    const opened = await openTable(data, { cache, part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) });
    await opened.close();
    return guessRatings(opened.profile) !== undefined;
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof AppError) return false;
    throw thrown;
  }
}
