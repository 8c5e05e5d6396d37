// The kinds of data that a run can learn from, and which one a path holds.
import type { TrainSpec } from "../../../ipc/types.ts";
import { openTable } from "../../data/table.ts";
import { looksLikeChats } from "../../data/text/chats.ts";
import { isFolder, isTextFile, looksLikeTexts } from "../../data/text/folder.ts";
import { isTextTable } from "../../data/text/textColumn.ts";
import { chats } from "./chats.ts";
import type { Kind, KindName, Source } from "./kind.ts";
import { table } from "./table.ts";
import { text } from "./text.ts";

export const kinds: Record<KindName, Kind> = { table, text, chats };

/**
 * The kind of data in a file or folder, as the task asks or as its content says. A table that is looked into stays in the cache.
 * Never throws for bad data: the kind's own reader says what is wrong with it. Throws `cancelled`.
 */
export async function kindOf(data: string, task: TrainSpec["task"], source: Source): Promise<KindName> {
  if (task === "text") return "text";
  if (await isFolder(data)) return (await looksLikeTexts(data)) ? "text" : "table";
  if (isTextFile(data)) return "table";
  if (await looksLikeChats(data)) return "chats";
  try {
    const { cache, signal, onWorking } = source;
    const opened = await openTable(data, { cache, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) });
    await opened.close();
    return isTextTable(opened.profile) ? "text" : "table";
  } catch {
    source.signal.throwIfAborted();
    return "table";
  }
}
