// What a file or folder is taken as: the kind of its data, why, and what else it could be taken as.

/** A kind has a file in worker/train/kinds/, its words in `data.kinds`, and its screens where `profile.kind` is asked for. */
export type DataKind = "table" | "text" | "images" | "ratings" | "chats" | "language";

/** Why a kind was chosen; picks the words on screen. */
export type KindReason =
  | "asked"
  | "pictureFolder"
  | "pictureArchive"
  | "textFolder"
  | "looseTexts"
  | "prose"
  | "textColumn"
  | "ratingNames"
  | "ratingShape"
  | "conversations"
  | "columns";

export interface KindGuess {
  kind: DataKind;
  because: KindReason;
  data: Record<string, string | number>;
  message: string;
  /** Every kind that the data can be taken as, the guess first. */
  possible: DataKind[];
}

/** What every profile says of itself. */
export interface Taken {
  /** Absent in profiles that were kept before the kind could be chosen. */
  taken?: KindGuess;
}
