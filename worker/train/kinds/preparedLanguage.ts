import type { Bpe } from "../../data/text/bpe.ts";
import type { Corpus } from "../../data/text/corpus.ts";
import type { TokenStore } from "../../data/text/tokenStore.ts";
import type { Samples } from "../../data/samples.ts";
import type { GptNet } from "../../models/gpt.ts";
import type { Prepared } from "./kind.ts";
import type { Prompt } from "./languageSample.ts";

export interface PreparedLanguage extends Prepared {
  corpus: Corpus;
  bpe: Bpe;
  net: GptNet;
  /** What its samples go on from. */
  prompt: Prompt;
  stores: { train: TokenStore; validation: TokenStore; test: TokenStore };
  /** All windows of each part, as they lie. */
  parts: { train: Samples; validation: Samples; test: Samples };
}
