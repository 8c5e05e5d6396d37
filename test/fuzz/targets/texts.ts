// Texts: lines, conversations, what a language model learns from, a folder of classes, ratings.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { guessRatings } from "../../../worker/data/ratings/columns.ts";
import { inspectRatings } from "../../../worker/data/ratings/inspect.ts";
import { openTable } from "../../../worker/data/table.ts";
import { inspectChats, looksLikeChats } from "../../../worker/data/text/chats.ts";
import { openCorpus } from "../../../worker/data/text/corpus.ts";
import { inspectTexts } from "../../../worker/data/text/inspectText.ts";
import { openTexts } from "../../../worker/data/text/openTexts.ts";
import { guessKind } from "../../../worker/train/kinds/guess.ts";
import type { Input, Target } from "../target.ts";

const lines = Array.from({ length: 20 }, (_, i) => `Line ${i}: the food was ${i % 2 ? "great" : "cold"}, “naïve” 味道很好, ${i * 37}`);
const utf16 = (text: string, big = false) => {
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")]);
  return big ? bytes.swap16() : bytes;
};
const chats = Array.from({ length: 8 }, (_, i) => ({
  messages: [
    { role: "user", content: `How many are ${i}, and 多少?` },
    { role: "assistant", content: `${i * i} "in all"\n` },
  ],
}));
const others = [
  { prompt: "Say 1", completion: "It is 1." },
  { instruction: "Do", input: "this", output: "done" },
  {
    conversations: [
      { from: "human", value: "a" },
      { from: "gpt", value: "b" },
    ],
  },
  { input_ids: [1, 2, 3], labels: [-100, 2, 3] },
];
const put = (folder: string, name: string, bytes: Buffer) => {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
};

export const text: Target = {
  parts: ["texts.txt"],
  seeds: () => [
    [Buffer.from(lines.join("\n"))],
    [utf16(lines.slice(0, 6).join("\r\n"))],
    [utf16(lines.slice(0, 6).join("\n"), true)],
    [Buffer.from("gr\xfc\xdfe\n", "latin1")],
  ],
  async read([bytes], folder) {
    const file = put(folder, "texts.txt", bytes!);
    const table = await openTexts(file, { cache: join(folder, "cache") });
    try {
      await table.rows(0, 20);
    } finally {
      await table.close();
    }
  },
  code: /\/worker\/data\/(text\/|scan)/,
  most: 2 ** 14,
};

/** Reads all blocks of a corpus as often as a run does. */
async function readCorpus(file: string, folder: string): Promise<void> {
  const corpus = await openCorpus(file, { cache: join(folder, "cache") });
  try {
    for await (const { parts } of corpus.blocks())
      for (const { text } of parts) if (typeof text !== "string") throw new Error("a block without text");
    await corpus.fingerprint();
  } finally {
    await corpus.close();
  }
}

export const corpus: Target = {
  ...text,
  parts: ["book.txt"],
  read: ([bytes], folder) => readCorpus(put(folder, "book.txt", bytes!), folder),
  code: /\/worker\/data\/(text\/(blocks|corpus)|scan)/,
};

const chatTarget = (name: string, seeds: Input[]): Target => ({
  parts: [name],
  seeds: () => seeds,
  async read([bytes], folder) {
    const file = put(folder, name, bytes!);
    await looksLikeChats(file);
    await guessKind(file, {}, { cache: join(folder, "cache"), signal: new AbortController().signal });
    const { problems, rows } = await inspectChats(file);
    if (Number(problems.find(({ code }) => code === "brokenRows")?.data?.["count"] ?? 0) > rows)
      throw new Error("more broken rows than rows");
    await readCorpus(file, folder);
  },
  code: /\/worker\/data\/(text\/(chats|corpus|lessons)|readers\/json)/,
  most: 2 ** 14,
});
export const chatLines = chatTarget("chats.jsonl", [
  [Buffer.from(chats.map((one) => JSON.stringify(one)).join("\n"))],
  ...others.map((one): Input => [Buffer.from([one, one, one].map((row) => JSON.stringify(row)).join("\n"))]),
]);
export const chatList = chatTarget("chats.json", [
  [Buffer.from(JSON.stringify(chats))],
  [Buffer.from(JSON.stringify(others, undefined, 1))],
]);

export const textFolder: Target = {
  parts: ["good.txt", "bad.md"],
  seeds: () => [[Buffer.from(lines.join("\n")), utf16(lines.join("\n"))]],
  async read([good, bad], folder) {
    for (const label of ["good", "bad"]) mkdirSync(join(folder, "set", label), { recursive: true });
    for (let i = 0; i < 3; i++) for (const label of ["good", "bad"]) put(join(folder, "set", label), `${i}.txt`, Buffer.from(lines[i]!));
    put(join(folder, "set/good"), "one.txt", good!);
    put(join(folder, "set/bad"), "two.md", bad!);
    const { rows } = await inspectTexts(join(folder, "set"), { cache: join(folder, "cache") });
    if (rows < 6) throw new Error(`a damaged text hides the others: ${rows} of 6`);
  },
  code: /\/worker\/data\/(text\/|scan)/,
  most: 2 ** 13,
};

export const ratings: Target = {
  parts: ["ratings.csv", "titles.csv"],
  seeds: () => [
    [
      Buffer.from(
        `user_id,item_id,rating,timestamp\n${Array.from({ length: 60 }, (_, i) => `u${i % 7},i${(i * 3) % 11},${1 + (i % 5)},${1_600_000_000 + i * 1000}`).join("\n")}\n`,
      ),
      Buffer.from(`item_id,title\n${Array.from({ length: 11 }, (_, i) => `i${i},"The ${i}. film, part ""${i}"""`).join("\n")}\n`),
    ],
  ],
  async read([bytes, titles], folder) {
    const file = put(folder, "ratings.csv", bytes!);
    put(folder, "titles.csv", titles!);
    const cache = join(folder, "cache");
    const table = await openTable(file, { cache });
    try {
      const guess = guessRatings(table.profile);
      if (guess) await inspectRatings(table, guess, { cache });
    } finally {
      await table.close();
    }
  },
  code: /\/worker\/data\/(ratings\/|dialect)/,
  most: 2 ** 13,
};
