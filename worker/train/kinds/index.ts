// The kinds of data that a run can learn from, and which one a path holds.
import { AppError } from "../../../ipc/error.ts";
import type { TrainSpec } from "../../../ipc/types.ts";
import { holdsPictures } from "../../data/images/source.ts";
import { guessRatings } from "../../data/ratings/columns.ts";
import { openTable } from "../../data/table.ts";
import { looksLikeChats } from "../../data/text/chats.ts";
import { isFolder, isTextFile, looksLikeTexts } from "../../data/text/folder.ts";
import { isTextTable } from "../../data/text/textColumn.ts";
import { chats } from "./chats.ts";
import { images } from "./images.ts";
import type { Kind, KindName, Source } from "./kind.ts";
import { ratings } from "./ratings.ts";
import { table } from "./table.ts";
import { text } from "./text.ts";

export const kinds: Record<KindName, Kind> = { table, images, text, ratings, chats };

/**
 * The kind of data in a file or folder, as the task (or a target, which ratings have none of) asks, or as its content says. A table that is
 * looked into stays in the cache. Never throws for bad data: the kind's own reader says what is wrong with it. Throws `cancelled`.
 */
export async function kindOf(data: string, asked: Pick<TrainSpec, "task" | "target" | "part">, source: Source): Promise<KindName> {
  const { task, target, part } = asked;
  if (task === "images") return "images";
  if (task === "recommend") return "ratings";
  if (task === "text") return "text";
  if (await isFolder(data)) return (await looksLikeTexts(data)) ? "text" : "images";
  if (await holdsPictures(data)) return "images";
  if (isTextFile(data)) return "table";
  if (await looksLikeChats(data)) return "chats";
  try {
    const { cache, signal, onWorking } = source;
    const opened = await openTable(data, { cache, part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) });
    await opened.close();
    if (isTextTable(opened.profile)) return "text";
    const free = target === undefined && (task === undefined || task === "auto");
    return free && guessRatings(opened.profile) ? "ratings" : "table";
  } catch (thrown) {
    source.signal.throwIfAborted();
    if (thrown instanceof AppError) return "table";
    throw thrown;
  }
}
