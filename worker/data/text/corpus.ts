// What a language model learns from, whatever it comes in: a plain text, a folder of texts, a table's column of texts, or conversations. Read as
// often as needed, a block at a time; nothing is held.
import { createHash } from "node:crypto";
import { basename, join, resolve, sep } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { LanguageProfile, Problem } from "../../../ipc/types.ts";
import { type Encoding8, letters, type Scan, scan } from "../scan.ts";
import type { OpenOptions } from "../table.ts";
import { blocksOf, blockSize } from "./blocks.ts";
import { conversationOf, looksLikeChats, type Message, rowsOf } from "./chats.ts";
import { isFolder, isTextFile, listTexts } from "./folder.ts";
import { openTexts } from "./openTexts.ts";
import { mostLetters } from "./pieces.ts";
import { textColumn } from "./textColumn.ts";

/** What is learned as a whole, or held out as a whole. */
export interface Block {
  /** Its texts in turn; of conversations, who says them and whether it is learned to say so. */
  parts: readonly { text: string; speaker?: Speaker; learned: boolean }[];
  /** Whether a document ends here. */
  ends: boolean;
}

export type Speaker = "system" | "user" | "assistant";

export interface Corpus {
  form: LanguageProfile["form"];
  /** The name that the user knows it by. */
  file: string;
  bytes: number;
  /** Names of special tokens in the text are those tokens: so some collections keep their documents apart. */
  marked: boolean;
  encoding?: Encoding8;
  problems: Problem[];
  /** sha-256 of a file; of a folder or a table's column, of what is read. */
  fingerprint(): Promise<string>;
  /** Throws what reading throws. */
  blocks(): AsyncGenerator<Block>;
  close(): Promise<void>;
}

export interface CorpusOptions extends OpenOptions {
  /** Column of a table that holds the texts; guessed when absent. */
  column?: string | undefined;
}

/** Throws fileMissing, fileEmpty, fileNotText, tableEncoding, noFeatures where a table has no column of texts, and what reading throws. */
export async function openCorpus(path: string, options: CorpusOptions): Promise<Corpus> {
  if (await isFolder(path)) return folder(path, options);
  if (isTextFile(path)) return plain(path, options);
  if (await looksLikeChats(path)) return chats(path, options);
  return column(path, options);
}

const whole = (text: string): Block["parts"] => [{ text, learned: true }];

async function* documentOf(file: string, scanned: Scan, signal?: AbortSignal): AsyncGenerator<Block> {
  let before: string | undefined;
  for await (const block of blocksOf(letters(file, scanned, signal), blockSize(scanned.bytes))) {
    if (before !== undefined) yield { parts: whole(before), ends: false };
    before = block;
  }
  if (before !== undefined) yield { parts: whole(before), ends: true };
}

async function plain(path: string, { signal }: CorpusOptions): Promise<Corpus> {
  const scanned = await scan(path, signal);
  return {
    form: "file",
    file: basename(path),
    bytes: scanned.bytes,
    marked: true,
    encoding: scanned.encoding,
    problems: scanned.guessed ? [guessed(scanned.encoding)] : [],
    fingerprint: () => Promise.resolve(scanned.fingerprint),
    blocks: () => documentOf(path, scanned, signal),
    close: () => Promise.resolve(),
  };
}

const guessed = (encoding: string): Problem => ({
  code: "encodingGuessed",
  data: { encoding },
  message: `The file does not say how its letters are written; ${encoding} was guessed.`,
  hint: "Look at the text below; save it as UTF-8 where letters are wrong.",
});

async function folder(path: string, { signal }: CorpusOptions): Promise<Corpus> {
  const { files } = await listTexts(path, signal);
  const scans = new Map<string, Scan>();
  const bad: { file: string; why: string }[] = [];
  let bytes = 0;
  for (const file of files) {
    try {
      const found = await scan(join(path, file), signal);
      scans.set(file, found);
      bytes += found.bytes;
    } catch (error) {
      if (signal?.aborted || !(error instanceof AppError)) throw error;
      bad.push({ file, why: error.code });
    }
  }
  const name = basename(resolve(path));
  if (scans.size === 0)
    throw new AppError("fileEmpty", `'${name}' holds no text that can be read.`, "Put .txt or .md files into it.", { file: name });
  const names = bad.slice(0, 5).map(({ file }) => `'${file}'`).join(", "); // prettier-ignore
  const unreadable: Problem = {
    code: "unreadableTexts",
    data: { count: bad.length, files: names },
    message: `${bad.length} file${bad.length === 1 ? " is" : "s are"} empty or no text: ${names}${bad.length > 5 ? ", …" : ""}.`,
    hint: "They are left out; save them as UTF-8 to take them in.",
  };
  const hash = createHash("sha256");
  for (const [file, { fingerprint }] of scans) hash.update(`${file.split(sep).join("/")}\0${fingerprint}\0`);
  const fingerprint = hash.digest("hex");
  return {
    form: "folder",
    file: name,
    bytes,
    marked: true,
    problems: bad.length ? [unreadable] : [],
    fingerprint: () => Promise.resolve(fingerprint),
    async *blocks() {
      for (const [file, scanned] of scans) yield* documentOf(join(path, file), scanned, signal);
    },
    close: () => Promise.resolve(),
  };
}

/** Rows of a table that are read at once. */
const rowsAtOnce = 2000;

async function column(path: string, options: CorpusOptions): Promise<Corpus> {
  const table = await openTexts(path, options);
  const { profile } = table;
  const found = options.column === undefined ? textColumn(profile) : profile.columns.find(({ name }) => name === options.column);
  if (!found) {
    await table.close();
    throw new AppError("noFeatures", `${profile.file} has no column of text.`, "Choose a text, or a table with a column of texts.", {
      file: profile.file,
      columns: profile.columns.slice(0, 50).map(({ name }) => name),
    });
  }
  const index = profile.columns.indexOf(found);
  return {
    form: "table",
    file: profile.file,
    bytes: profile.bytes,
    marked: false,
    problems: [],
    fingerprint: () => Promise.resolve(profile.fingerprint),
    async *blocks() {
      for (let at = 0; at < profile.rows; at += rowsAtOnce) {
        options.signal?.throwIfAborted();
        for (const row of await table.rows(at, rowsAtOnce)) {
          const text = (row[index] ?? "").slice(0, mostLetters).replaceAll("\r\n", "\n");
          if (text.trim() !== "") yield { parts: whole(text), ends: true };
        }
      }
    },
    close: () => table.close(),
  };
}

async function chats(path: string, { signal }: CorpusOptions): Promise<Corpus> {
  const scanned = await scan(path, signal);
  return {
    form: "chats",
    file: basename(path),
    bytes: scanned.bytes,
    marked: false,
    encoding: scanned.encoding,
    problems: [],
    fingerprint: () => Promise.resolve(scanned.fingerprint),
    async *blocks() {
      for await (const row of rowsOf(path, scanned, signal)) {
        const parts = conversationOf(row)?.messages.map(turn);
        if (parts?.some(({ learned, text }) => learned && text !== "")) yield { parts, ends: true };
      }
    },
    close: () => Promise.resolve(),
  };
}

const speakers: Record<string, Speaker> = {
  system: "system",
  assistant: "assistant",
  gpt: "assistant",
  model: "assistant",
  bot: "assistant",
};

/** Answers are learned, and nothing else; what a tool says is told to the model as a user's words are. */
function turn({ role, content }: Message): Block["parts"][number] {
  const speaker = speakers[role.toLowerCase()] ?? "user";
  return { text: content.slice(0, mostLetters).replaceAll("\r\n", "\n"), speaker, learned: speaker === "assistant" };
}
