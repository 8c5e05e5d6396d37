// Talking with language models: conversations, how the next token is chosen, and what is told of an answer.

export interface ChatTurn {
  role: "system" | "user" | "assistant";
  content: string;
}

/** How the next token is chosen. What is absent is as `usualSampling` has it. */
export interface SamplingSettings {
  /** 0: always the likeliest. */
  temperature?: number;
  /** Only so many of the likeliest; 0: all. */
  topK?: number;
  /** Only the likeliest that together have this probability. */
  topP?: number;
  /** Only those at least so likely, as a share of the likeliest's probability. */
  minP?: number;
  /** Logits of the last 64 tokens are divided by it where positive, multiplied where negative; 1: as they are. */
  repeatPenalty?: number;
  /** The same seed, the same text, on the same machine; drawn where absent. */
  seed?: number;
}

export const usualSampling = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05, repeatPenalty: 1 } as const;

/** A model to talk with: a file, folder or run, and an adapter's folder, file or run. */
export interface TalkModel {
  model: string;
  adapter?: string;
}

export interface TalkSpec {
  /** The conversation, or a text to go on with as it stands. */
  asked: { turns: ChatTurn[] } | { text: string };
  maxTokens: number;
  sampling?: SamplingSettings;
  /** Texts that end the answer; they are not part of it. */
  stop?: string[];
  /** The answer is JSON: any object, or what a JSON schema describes. */
  json?: "object" | { schema: Record<string, unknown> };
  /** How likely each token was, with so many of the likeliest beside it. */
  logprobs?: number;
}

/** A token, and the logarithm of its probability before any sampling setting. */
export interface TokenChance {
  text: string;
  logprob: number;
}

export interface Talked {
  /** What was written. */
  text: string;
  tokens: number;
  promptTokens: number;
  tokensPerSecond: number;
  firstTokenMs: number;
  /** Why it ended: enough tokens, the model's own end or a stop text, or it was stopped. */
  ended: "length" | "end" | "stopped";
  /** Tokens of the context, and how many of them hold the conversation now. */
  context: { size: number; used: number };
  /** Where it was asked for: each token of the text, with the likeliest in its place. */
  chances?: (TokenChance & { top: TokenChance[] })[];
  /** The oldest turns (or, of a text, tokens) that were left out, as they no longer fit. */
  dropped: number;
}

/** What is known of a model that is open to be talked with. */
export interface TalkFacts {
  /** Tokens of context. */
  context: number;
  /** Whether the model says how a conversation is laid out. */
  template: boolean;
  /** What runs it. */
  by: "llama.cpp" | "ONNX Runtime";
  /** Answers that are written at the same time. */
  parallel: number;
  /** Whether keys and values of earlier tokens are kept between tokens. */
  cached: boolean;
  embeds: boolean;
  json: boolean;
}
