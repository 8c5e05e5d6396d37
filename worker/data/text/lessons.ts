// What a language model is fine-tuned on, as tokens: conversations laid out by the model's own template with the answers learned, plain text in
// pieces, or rows that are tokens already ({"input_ids", "labels"}).
import { basename } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { ChatMessage } from "../../formats/language/template.ts";
import type { Tokens } from "../../formats/language/tokens.ts";
import { scan } from "../scan.ts";
import { placeOf } from "./blocks.ts";
import { looksLikeChats, rowsOf } from "./chats.ts";
import { type Corpus, openCorpus } from "./corpus.ts";

/** One row: the ids, and for each of them whether it is learned to come here. */
export interface LessonRow {
  ids: Int32Array;
  learned: Uint8Array;
}

export interface Lessons {
  form: "chats" | "text" | "tokens";
  file: string;
  fingerprint: string;
  rows: LessonRow[];
  /** Place of each row in [0, 1), by its content. */
  places: Float64Array;
  /** Rows of which the end was left out, as they are longer than the model sees at once. */
  shortened: number;
}

/** Tokens that are held in memory, at most. */
const most = 60e6;

export interface LessonOptions {
  cache: string;
  part?: string;
  column?: string;
  signal: AbortSignal;
  /** Tokens of a row, at most. */
  context: number;
  onProgress: (what: "reading" | "profiling", fraction: number | null) => void;
}

/**
 * @param openTokens the model's tokenizer, which rows of tokens do without
 * @throws what reading throws; formatUnknown for rows that hold nothing to learn; fileTooLarge beyond 60 million tokens
 */
export async function readLessons(path: string, openTokens: () => Tokens, vocabulary: number, options: LessonOptions): Promise<Lessons> {
  const ready = await readyMade(path, vocabulary, options);
  if (ready) return ready;
  const tokens = openTokens();
  const { cache, part, column, signal, onProgress } = options;
  const corpus = await openCorpus(path, { cache, ...(part === undefined ? {} : { part }), column, signal, onProgress });
  try {
    const collected = new Collected(corpus.file, options.context);
    if (corpus.form === "chats") await fromChats(corpus, tokens, collected, signal);
    else await fromText(corpus, tokens, collected, signal);
    return collected.lessons(corpus.form === "chats" ? "chats" : "text", await corpus.fingerprint());
  } finally {
    await corpus.close();
  }
}

class Collected {
  readonly #rows: LessonRow[] = [];
  readonly #places: number[] = [];
  readonly #context: number;
  readonly #file: string;
  #tokens = 0;
  #shortened = 0;

  constructor(file: string, context: number) {
    this.#file = file;
    this.#context = context;
  }

  /** A row without anything to learn is left out. The first token has nothing before it, so it is never learned. */
  add(ids: readonly number[], learned: readonly boolean[], key: string): void {
    const length = Math.min(ids.length, this.#context + 1);
    if (length < ids.length) this.#shortened++;
    const row = { ids: Int32Array.from(ids.slice(0, length)), learned: Uint8Array.from(learned.slice(0, length), Number) };
    row.learned[0] = 0;
    if (!row.learned.includes(1)) return;
    this.#tokens += length;
    if (this.#tokens > most)
      throw new AppError("fileTooLarge", `'${this.#file}' has more than ${most / 1e6} million tokens.`, "Fine-tune on a part of it.", {
        file: this.#file,
        limit: most,
      });
    this.#rows.push(row);
    this.#places.push(placeOf(key));
  }

  /** A text as rows side by side, all of it learned: each begins with the token that the one before ends with. */
  addAll(ids: readonly number[], key: string): void {
    for (let at = 0; at + 1 < ids.length; at += this.#context) {
      const piece = ids.slice(at, at + this.#context + 1);
      this.add(piece, piece.map(() => true), key); // prettier-ignore
    }
  }

  lessons(form: Lessons["form"], fingerprint: string): Lessons {
    if (!this.#rows.length)
      throw new AppError("formatUnknown", `'${this.#file}' holds nothing to learn from.`, "Give conversations with answers, or text.", {
        file: this.#file,
      });
    return { form, file: this.#file, fingerprint, rows: this.#rows, places: Float64Array.from(this.#places), shortened: this.#shortened };
  }
}

async function fromChats(corpus: Corpus, tokens: Tokens, into: Collected, signal: AbortSignal): Promise<void> {
  for await (const { parts } of corpus.blocks()) {
    signal.throwIfAborted();
    const messages = parts.map(({ speaker = "user", text }) => ({ role: speaker, content: text }));
    const { ids, learned } = layOut(messages, tokens);
    into.add(ids, learned, JSON.stringify(messages));
  }
}

/**
 * A conversation as tokens: what the model's template writes, of which what follows a question up to the end of the answer is learned. A model without
 * a template gets the question, an empty line and the answer.
 */
export function layOut(messages: readonly ChatMessage[], tokens: Tokens): { ids: number[]; learned: boolean[] } {
  const ids: number[] = [];
  const learned: boolean[] = [];
  const push = (text: string, learn: boolean) => {
    for (const id of tokens.encode(text, { special: false })) {
      ids.push(id);
      learned.push(learn);
    }
  };
  const { template } = tokens;
  if (!template) {
    if (tokens.bos !== undefined) [ids[0], learned[0]] = [tokens.bos, false];
    for (const { role, content } of messages) {
      push(role === "assistant" ? content : `${content}\n\n`, role === "assistant");
      if (role !== "assistant") continue;
      if (tokens.eos !== undefined) {
        ids.push(tokens.eos);
        learned.push(true);
      } else push("\n\n", true);
    }
    return { ids, learned };
  }
  let done = "";
  for (const [i, { role }] of messages.entries()) {
    if (role !== "assistant") continue;
    const asked = template.render(messages.slice(0, i), { answer: true });
    const whole = template.render(messages.slice(0, i + 1));
    // Some templates leave earlier answers out, or change them: then what was laid out so far cannot be gone on with.
    if (!asked.startsWith(done) || !whole.startsWith(asked)) continue;
    push(asked.slice(done.length), false);
    push(whole.slice(asked.length), true);
    done = whole;
  }
  return { ids, learned };
}

async function fromText(corpus: Corpus, tokens: Tokens, into: Collected, signal: AbortSignal): Promise<void> {
  for await (const { parts, ends } of corpus.blocks()) {
    signal.throwIfAborted();
    const text = parts.map((p) => p.text).join("");
    const ids = tokens.encode(text);
    if (ends && tokens.eos !== undefined) ids.push(tokens.eos);
    into.addAll(ids, text);
  }
}

/** Rows of tokens, as other programs prepare them; labels of -100 are not learned. Undefined where the first row is none. */
async function readyMade(path: string, vocabulary: number, { signal, context }: LessonOptions): Promise<Lessons | undefined> {
  if (!/\.(jsonl|ndjson|json)$/i.test(path) || (await looksLikeChats(path))) return undefined;
  const scanned = await scan(path, signal);
  const file = basename(path);
  const collected = new Collected(file, context);
  let number = 0;
  for await (const row of rowsOf(path, scanned, signal)) {
    number++;
    const { input_ids: ids, labels } = (typeof row === "object" && row !== null ? row : {}) as { input_ids?: unknown; labels?: unknown };
    if (number === 1 && !Array.isArray(ids)) return undefined;
    const whole = (list: unknown, least: number): list is number[] =>
      Array.isArray(list) && list.every((id) => Number.isInteger(id) && ((id >= 0 && id < vocabulary) || id === least));
    if (!whole(ids, 0) || ids.length < 2 || (labels !== undefined && (!whole(labels, -100) || labels.length !== ids.length)))
      throw new AppError(
        "valueInvalid",
        `Row ${number} of '${file}' is no list of tokens: input_ids must be from 0 to ${vocabulary - 1}, and labels as many, or -100.`,
        "Make the rows with the model's own tokenizer.",
        { file, row: number },
      );
    const said = labels ?? ids;
    const odd = said.findIndex((label, i) => label !== -100 && label !== ids[i]);
    if (odd >= 0)
      throw new AppError(
        "valueInvalid",
        `Row ${number} of '${file}' has the label ${said[odd]} for the token ${ids[odd]} at place ${odd + 1}.`,
        "Labels are the tokens themselves, or -100 where nothing is learned.",
        { file, row: number },
      );
    collected.add(ids, said.map((label) => label !== -100), JSON.stringify([ids, said])); // prettier-ignore
  }
  return collected.lessons("tokens", scanned.fingerprint);
}
