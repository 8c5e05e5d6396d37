// The kinds of data that a run can learn from. Which one a path holds, guess.ts says.
import { chats } from "./chats.ts";
import { images } from "./images.ts";
import type { Kind, KindName } from "./kind.ts";
import { orOnNetwork } from "./network.ts";
import { language } from "./language.ts";
import { ratings } from "./ratings.ts";
import { table } from "./table.ts";
import { text } from "./text.ts";

export { guessKind, kindOf } from "./guess.ts";

export const kinds: Record<KindName, Kind> = { table: orOnNetwork(table), images, text, ratings, chats, language };
