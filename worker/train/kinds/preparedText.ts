import type { EncodedTexts, TextEncoding } from "../../data/text/encodeTexts.ts";
import type { Table } from "../../data/table.ts";
import type { Prepared } from "./kind.ts";
import type { TextPlan } from "./textPlan.ts";

export interface PreparedText extends Prepared {
  table: Table;
  encoding: TextEncoding;
  encoded: EncodedTexts;
  /** (2^bits): what each place weighs. */
  rarity: Float32Array;
  plan: TextPlan;
}
