// Which kind of data a path holds, why, and what else it could be taken as. A table that is looked into stays in the cache.
import { AppError } from "../../../ipc/error.ts";
import type { DataKind, KindGuess, KindReason, TableProfile, TrainSpec } from "../../../ipc/types.ts";
import { countArchive, countKinds } from "../../data/folderKinds.ts";
import { holdsPictures } from "../../data/images/source.ts";
import { findRatings, guessRatings } from "../../data/ratings/columns.ts";
import { openTable } from "../../data/table.ts";
import { looksLikeChats } from "../../data/text/chats.ts";
import { isFolder, isTextFile, listTexts } from "../../data/text/folder.ts";
import { isProse } from "../../data/text/prose.ts";
import { isTextTable, textColumn } from "../../data/text/textColumn.ts";
import type { Source } from "./kind.ts";

type Asked = Pick<TrainSpec, "kind" | "task" | "target" | "part">;

/** What a task says of the kind, where it does. */
const kindOfTask: Partial<Record<NonNullable<TrainSpec["task"]>, DataKind>> = {
  images: "images",
  recommend: "ratings",
  text: "text",
  language: "language",
};

/**
 * The kind of data in a file or folder, as is asked (a target asks too: ratings have none), or as its content says. Never throws for bad
 * data: the kind's own reader says what is wrong with it. Throws `cancelled`.
 */
export async function kindOf(data: string, asked: Asked, source: Source): Promise<DataKind> {
  const { kind, task } = asked;
  return kind ?? (task && kindOfTask[task]) ?? (await guess(data, asked, source)).kind;
}

/** The same with its reason and the other kinds that are possible. */
export async function guessKind(data: string, asked: Asked, source: Source): Promise<KindGuess> {
  const { kind, task, ...rest } = asked;
  const wanted = kind ?? (task && kindOfTask[task]);
  const found = await guess(data, wanted === undefined ? asked : rest, source);
  if (wanted === undefined || wanted === found.kind) return found;
  const possible = [found.kind, ...found.possible].filter((kind, i, all) => kind !== wanted && all.indexOf(kind) === i);
  return { ...told(wanted, "asked"), possible: [wanted, ...possible] };
}

async function guess(data: string, asked: Asked, source: Source): Promise<KindGuess> {
  if (await isFolder(data)) {
    const { texts, pictures } = await countKinds(data);
    if (texts > pictures) {
      const loose = free(asked) && (await isLoose(data));
      const others: DataKind[] = ["text", "language", ...(pictures ? (["images"] as const) : [])];
      return loose ? told("language", "looseTexts", { texts, pictures }, others) : told("text", "textFolder", { texts, pictures }, others);
    }
    return told("images", "pictureFolder", { texts, pictures }, texts ? ["text", "language"] : []);
  }
  if (await holdsPictures(data)) {
    const { texts, pictures } = await countArchive(data, source.signal);
    if (texts > pictures) return told("text", "textFolder", { texts, pictures }, pictures ? ["images"] : []);
    return told("images", "pictureArchive", {}, texts ? ["text"] : []);
  }
  if (isTextFile(data)) {
    const others: DataKind[] = ["language", "table", "text"];
    return free(asked) && (await isProse(data))
      ? told("language", "prose", {}, others)
      : told("table", "columns", {}, ["table", ...others]);
  }
  if (await looksLikeChats(data)) return told("chats", "conversations", {}, ["language", "table"]);
  try {
    const { cache, signal, onWorking } = source;
    const { part } = asked;
    const opened = await openTable(data, { cache, part, signal, onProgress: (what, fraction) => onWorking?.({ what, fraction }) });
    await opened.close();
    return ofTable(opened.profile, asked);
  } catch (thrown) {
    source.signal.throwIfAborted();
    if (thrown instanceof AppError) return told("table", "columns");
    throw thrown;
  }
}

/** Whether nothing was asked for that only a table or texts with labels have. */
const free = ({ task, target }: Asked): boolean => target === undefined && (task === undefined || task === "auto");

/** Whether a folder's texts lie in no folders of classes. */
async function isLoose(folder: string): Promise<boolean> {
  const found = await listTexts(folder).catch(() => undefined);
  return found !== undefined && found.classes.length < 2;
}

/** A table may be one of texts or of ratings; it can always be taken as what it is. */
function ofTable(profile: TableProfile, asked: Asked): KindGuess {
  const text = textColumn(profile, asked.target);
  const others: DataKind[] = [
    "table",
    ...(text ? (["text", "language"] as const) : []),
    ...(findRatings(profile) ? (["ratings"] as const) : []),
  ];
  if (text && isTextTable(profile)) return told("text", "textColumn", { column: text.name }, others);
  const ratings = free(asked) ? guessRatings(profile) : undefined;
  if (!ratings) return told("table", "columns", {}, others);
  const { user, item } = ratings.columns;
  return told("ratings", ratings.by === "names" ? "ratingNames" : "ratingShape", { user, item }, others);
}

const sentences: Record<KindReason, (data: KindGuess["data"]) => string> = {
  asked: () => "It was asked for.",
  pictureFolder: ({ texts }) => (texts ? "Most of its files are pictures." : "It is a folder of pictures."),
  pictureArchive: () => "It is an archive of pictures.",
  textFolder: ({ pictures }) => (pictures ? "Most of its files are texts." : "It is a folder of texts."),
  looseTexts: () => "It is a folder of texts without classes.",
  prose: () => "It is running text.",
  textColumn: ({ column }) => `"${column}" holds free text, and there is a label.`,
  ratingNames: ({ user, item }) => `"${user}" and "${item}" are users and items, by their names.`,
  ratingShape: ({ user, item }) => `"${user}" and "${item}" look like users and items: ids that repeat, a few numbers, a time.`,
  conversations: () => "Its rows are messages in turn, or questions with their answers.",
  columns: () => "It has rows and columns.",
};

function told(kind: DataKind, because: KindReason, data: KindGuess["data"] = {}, others: readonly DataKind[] = []): KindGuess {
  const possible = [kind, ...others.filter((other) => other !== kind)];
  return { kind, because, data, message: sentences[because](data), possible };
}
