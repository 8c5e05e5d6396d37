import type { EncodedTexts, TextEncoding } from "../../data/text/encodeTexts.ts";
import type { TextTokens } from "../../data/text/textTokens.ts";
import type { Table } from "../../data/table.ts";
import type { Prepared } from "./kind.ts";
import type { TextNet } from "./textNet.ts";

export interface PreparedText extends Prepared {
  table: Table;
  encoding: TextEncoding;
  encoded: EncodedTexts;
  /** (2^bits): what each place weighs. */
  rarity: Float32Array;
  net: TextNet;
  /** How a text becomes tokens, where the network reads those. */
  tokens: TextTokens | undefined;
}
