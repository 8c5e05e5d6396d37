// The kinds of data that a run can learn from, and which one a path holds.
import type { TrainSpec } from "../../../ipc/types.ts";
import type { Kind, KindName } from "./kind.ts";
import { table } from "./table.ts";

export const kinds: Record<KindName, Kind> = { table };

/**
 * The kind of data in a file or folder, as the task asks or as its content says.
 * Never throws for bad data: the kind's own reader says what is wrong with it.
 */
export async function kindOf(_data: string, _task?: TrainSpec["task"]): Promise<KindName> {
  return Promise.resolve("table");
}
