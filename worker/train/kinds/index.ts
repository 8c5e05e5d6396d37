// The kinds of data that a run can learn from. Which one a path holds, guess.ts says.
import { chats } from "./chats.ts";
import { images } from "./images.ts";
import type { Kind, KindName } from "./kind.ts";
import { orOnNetwork } from "./network.ts";
import { language } from "./language.ts";
import { ratings } from "./ratings.ts";
import { table } from "./table.ts";
import { text } from "./text.ts";
import { tune } from "./tune.ts";
import { isEncoderFile } from "../../formats/textEncoder.ts";
import { looksLikeLanguageModel } from "../../formats/language/open.ts";
import type { TrainSpec } from "../../../ipc/types.ts";
import { kindOf } from "./guess.ts";
import type { Source } from "./kind.ts";

export { guessKind, kindOf } from "./guess.ts";

/** Who learns from the data of a run: a language model that is named is fine-tuned, whatever they are. */
export async function kindFor(spec: TrainSpec, source: Source): Promise<Kind> {
  if (spec.model !== undefined && looksLikeLanguageModel(spec.model)) return tune;
  const kind = await kindOf(spec.data, spec, source);
  // A table with a column of texts besides others, and an encoder that reads them.
  if (kind === "table" && spec.kind === undefined && spec.model !== undefined && isEncoderFile(spec.model)) return text;
  return kinds[kind];
}

export const kinds: Record<KindName, Kind> = { table: orOnNetwork(table), images, text, ratings, chats, language };
