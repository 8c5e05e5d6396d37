// What a family of language models is: how its settings are read, how its forward graph is built, and where a GGUF file keeps what the graph
// asks for. Weights are named as Hugging Face's transformers names them.
import type { Value } from "../../ops/builder.ts";
import type { Facts } from "./facts.ts";
import type { LanguageNet } from "./net.ts";
import type { Sequence } from "./sequence.ts";

/** What all families have, and what memory follows from. */
export interface Shape {
  layers: number;
  width: number;
  heads: number;
  /** Heads of keys and values: fewer where several queries share one. */
  kvHeads: number;
  headSize: number;
  /** Width within the feed-forward layers. */
  inner: number;
  vocabulary: number;
  /** Tokens that the model was made for. */
  context: number;
  /** Whether the table of words is the output layer too. */
  tied: boolean;
}

/** Where a tensor lies in a file, and what is to be done to have it as transformers has it. */
export interface Place {
  /** The first of these names that the file has. */
  names: readonly string[];
  /** Row i of what is wanted is row rows(i) of what is stored. */
  rows?: (row: number) => number;
  /** Stored with its axes swapped. */
  swapped?: boolean;
  /** What is added to each number. */
  plus?: number;
}

export interface Family<C extends Shape = Shape> {
  id: string;
  title: string;
  /** `model_type` of config.json. */
  huggingface: readonly string[];
  /** `general.architecture` of GGUF. */
  gguf: readonly string[];
  fromHuggingface(facts: Facts): C;
  /** @param has whether the file has the tensor of that name; @param rows the length of a tensor's first axis */
  fromGguf(facts: Facts, has: (name: string) => boolean): C;
  /** Names under which a Hugging Face file may keep a weight; by default its own. */
  inHuggingface?(name: string): Place;
  /** Where GGUF keeps the weight of that name. Undefined: nowhere. */
  inGguf(name: string, config: C): Place | undefined;
  /** Logits (B, T, vocabulary) of a sequence. */
  build(net: LanguageNet, config: C, sequence: Sequence): Value;
  /** What stands before a layer's name in transformers' whole model (adapters are named so): default nothing. */
  prefix?: string;
  /** Names (their last part) of the layers that adapters usually go to. */
  adapted: readonly string[];
}

export const family = <C extends Shape>(entry: Family<C>): Family<C> => entry;
