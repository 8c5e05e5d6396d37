import { en } from "../format.ts";

/** Language models: text in, text out. */
export const language = {
  found: (form: "file" | "folder" | "table" | "chats", documents: number, characters: number) => {
    const size = en.plural(characters, { one: "# letter", other: "# letters" });
    const from = {
      file: "",
      folder: ` in ${en.plural(documents, { one: "# file", other: "# files" })}`,
      table: ` in ${en.plural(documents, { one: "# row", other: "# rows" })}`,
      chats: "",
    }[form];
    return form === "chats"
      ? `${en.plural(documents, { one: "# conversation", other: "# conversations" })}; learning to answer as they do.`
      : `${size} of text${from}; learning to write like it.`;
  },
  facts: (bytes: string, encoding: string, tokens: number, vocabulary: number) =>
    `${bytes}${encoding ? ` · ${encoding}` : ""} · about ${en.count(tokens)} tokens of ${en.count(vocabulary)} different ones`,
  preview: "How it is read",
  previewHelp:
    "A model reads tokens: frequent runs of letters, learned from this text, each with a number. A word that is rare is several of them.",
  what: (chats: boolean): string =>
    chats
      ? "A small GPT will learn to answer as these conversations do, word by word, from nothing."
      : "A small GPT will learn to go on with this text, token by token, from nothing.",
  some: (rows: number) => en.plural(rows, { one: "# passage", other: "# passages" }),
  network: (layers: number, width: number, weights: number) =>
    `${en.plural(layers, { one: "# layer", other: "# layers" })} of ${en.count(width)}, ${en.plural(weights, { one: "# weight", other: "# weights" })}`,
  reads: "Reads",
  readsTokens: (context: number, vocabulary: number) => `${en.count(context)} tokens at once, of ${en.count(vocabulary)}`,
  speed: (n: string) => `${n} tokens/s`,
  samples: "What it writes as it learns",
  samplesHelp: "Always from the same beginning, which it never learns from.",
  atStart: "before it learned",
  step: (n: number) => `step ${en.count(n)}`,
  show: "Show all",
  perplexity: (choices: string) => `On text it has never seen, it wavers between ${choices} tokens each time; fewer is better.`,
  bits: (value: string) => `${value} bits a byte: what the text would take if the model packed it. Plain text takes 8.`,
  network1: "The model",
  bigram: "Counting pairs of tokens",
  unigram: "Counting tokens",
  compared: "Beside what counting alone says; less is better",
  beats: "It has learned more than which token follows which.",
  losesBigram: "Counting pairs of tokens does as well. More time or more text would help.",
  losesUnigram: "Counting tokens does as well: it has learned nothing that can be used. Give it more time.",
  onTest: (tokens: number) => `on ${en.count(tokens)} tokens held out`,
  exportHelp: "model.onnx gives the logits of the next token; tokenizer.json beside it turns text into tokens, here and in other programs.",
  lead: "Write a beginning; the model goes on with it.",
  leadChat: "Ask; the model answers as the conversations did.",
  prompt: "Beginning",
  question: "Question",
  promptTokens: "The model reads it as",
  write: "Write on",
  answer: "Answer",
  again: "Another one",
  stop: "Stop",
  boldness: "Temperature",
  boldnessHelp: "0: always the likeliest token; around 0.8: lively; above 1: wild.",
  length: "At most, tokens",
  writing: "Writing…",
  told: (tokens: number, speed: string) => `${en.plural(tokens, { one: "# token", other: "# tokens" })}, ${speed} a second`,
  ended: "It ended the text here.",
  nothing: "It ended at once.",
};
