// Language models: what they learn from, what they write while they learn, and how they are asked.
import type { Taken } from "./kinds.ts";
import type { ChatsProfile, Problem } from "./tables.ts";

/** A piece of a text as a model reads it. */
export interface Token {
  id: number;
  /** Its letters; where its bytes are only a part of a letter, those of GPT-2's alphabet. */
  text: string;
}

/** Text to learn to write from. */
export interface LanguageProfile extends Taken {
  kind: "language";
  /** A plain text, a folder of them, a table's column of texts, or conversations of which the answers are learned. */
  form: "file" | "folder" | "table" | "chats";
  /** The file's or folder's own name. */
  file: string;
  bytes: number;
  /** Documents: files of a folder, rows of a table, conversations. */
  rows: number;
  characters: number;
  /** Tokens there will be, as a vocabulary learned on the first letters says, and how many different ones it will have. */
  tokens: number;
  vocabulary: number;
  encoding?: string;
  problems: Problem[];
  /** Of conversations: how a row holds one, how many messages there are, and the first conversations. */
  chats?: Pick<ChatsProfile, "form" | "messages" | "preview">;
  /** The beginning, as tokens of such a vocabulary. */
  preview: Token[];
  /** sha-256 of the file's bytes, or of what a folder holds, hexadecimal. */
  fingerprint: string;
}

/** What a model wrote while it learned, from a beginning that stays the same. */
export interface TextSample {
  step: number;
  /** Loss on text held out, where it was judged there. */
  loss?: number;
  prompt: string;
  text: string;
  /** Answers to the user's own prompts, in their order, where there are any: the first of them is `text`. */
  answers?: PromptAnswer[];
}

export interface PromptAnswer {
  prompt: string;
  text: string;
}

export type TuneMethod = "full" | "head" | "lora" | "qlora";

/** How an imported language model is fine-tuned. */
export interface TunePlanFacts {
  method: TuneMethod;
  /** Of adapters. */
  rank?: number;
  /** What it came as, which is what it goes out as. */
  base: "gguf" | "huggingface";
  /** Conversations whose answers are learned, plain text, or rows of tokens. */
  form: "chats" | "text" | "tokens";
  /** By part of the split, and tokens of the longest row. */
  tokens: { train: number; validation: number; test: number };
  longest: number;
  /** Rows of which the end is left out, as they are longer than is learned at once. */
  shortened: number;
}

/** What a report says of a fine-tuning beside its metrics. */
export interface TuneReport {
  plan: TunePlanFacts;
  /** What was answered before the first step and with the best weights; empty where nothing was asked. */
  answers: (PromptAnswer & { before: string })[];
}

/** The size of a language model and what it reads, in its plan. */
export interface LanguagePlan {
  vocabulary: number;
  context: number;
  layers: number;
  width: number;
  heads: number;
  /** By part of the split. */
  tokens: { train: number; validation: number; test: number };
}

/** What a report says of a language model beside its metrics. */
export interface LanguageReport {
  plan: LanguagePlan;
  bytesPerToken: number;
  samples: TextSample[];
}

/** How a text is gone on with. */
export interface GenerateSpec {
  prompt: string;
  maxTokens: number;
  /** 0: always the likeliest token. */
  temperature: number;
  /** Only so many of the likeliest tokens are chosen from. */
  topK?: number;
  /** Only the likeliest tokens that together have this probability. */
  topP?: number;
  seed?: number;
}

export interface Generated {
  /** What was written, without the prompt. */
  text: string;
  /** How many tokens that is. */
  tokens: number;
  tokensPerSecond: number;
  firstTokenMs: number;
  /** Why it ended: enough tokens, the model's own end, or it was stopped. */
  ended: "length" | "end" | "stopped";
  /** The prompt as the model read it. */
  prompt: Token[];
}
