// The kinds of data that a run can learn from, and which one a path holds.
import type { TrainSpec } from "../../../ipc/types.ts";
import { holdsPictures } from "../../data/images/source.ts";
import { images } from "./images.ts";
import type { Kind, KindName } from "./kind.ts";
import { table } from "./table.ts";

export const kinds: Record<KindName, Kind> = { table, images };

/**
 * The kind of data in a file or folder, as the task asks or as its content says.
 * Never throws for bad data: the kind's own reader says what is wrong with it.
 */
export async function kindOf(data: string, task?: TrainSpec["task"]): Promise<KindName> {
  return task === "images" || (await holdsPictures(data)) ? "images" : "table";
}
