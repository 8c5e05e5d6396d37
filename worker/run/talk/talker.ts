// What every way of talking with a language model has in common: the conversation as one text, what ends an answer, and answers waiting their turn.
import { AppError } from "../../../ipc/error.ts";
import type { ChatTurn, Talked, TalkFacts, TalkSpec } from "../../../ipc/types.ts";
import type { ChatTemplate } from "../../formats/language/template.ts";

export interface TalkHooks {
  signal?: AbortSignal | undefined;
  /** More of the answer, as it comes. */
  onText?: ((text: string) => void) | undefined;
}

export interface Talker {
  readonly facts: TalkFacts;
  talk(spec: TalkSpec, hooks?: TalkHooks): Promise<Talked>;
  /** One vector a text, of length 1. Throws `usage` where the model gives none. */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<{ vectors: number[][]; tokens: number }>;
  dispose(): Promise<void>;
}

/**
 * A conversation as the model is asked: by its template, else each turn followed by an empty line, as fine-tuning lays them out for such models
 * (data/text/lessons.ts). Some templates know no system: it then stands before the first question.
 */
export function layOutTurns(turns: readonly ChatTurn[], template: ChatTemplate | undefined): string {
  if (!template) return turns.map(({ role, content }) => (role === "assistant" ? content : `${content}\n\n`)).join("");
  try {
    return template.render(turns, { answer: true });
  } catch (thrown) {
    const merged = withoutSystem(turns);
    if (!merged) throw thrown;
    return template.render(merged, { answer: true });
  }
}

function withoutSystem(turns: readonly ChatTurn[]): ChatTurn[] | undefined {
  if (turns[0]?.role !== "system") return undefined;
  const [system, first, ...rest] = turns;
  return first?.role === "user" ? [{ role: "user", content: `${system.content}\n\n${first.content}` }, ...rest] : undefined;
}

/** Tokens that are kept free for the answer, at most; of a small context a quarter. */
const answerRoom = (context: number, maxTokens: number): number => Math.min(maxTokens, Math.max(16, Math.floor(context / 4)));

/**
 * What is asked as tokens that fit: of a conversation the oldest turns are left out (never the system's, nor the last), of a text its beginning.
 * @param tokenize tokens of a text, with what the model wants at the beginning
 * @throws usage where the last question alone does not fit
 */
export function fitted(
  { asked, maxTokens }: TalkSpec,
  { context, template, tokenize }: { context: number; template: ChatTemplate | undefined; tokenize: (text: string) => number[] },
): { ids: number[]; dropped: number } {
  const most = context - answerRoom(context, maxTokens);
  if ("text" in asked) {
    const ids = tokenize(asked.text);
    const dropped = Math.max(0, ids.length - most);
    return { ids: ids.slice(dropped), dropped };
  }
  const { turns } = asked;
  if (turns.at(-1)?.role !== "user")
    throw new AppError("usage", "The conversation does not end with a question.", "Ask something as the last turn.");
  const system = turns[0]?.role === "system" ? turns.slice(0, 1) : [];
  for (let from = system.length; from < turns.length; from++) {
    // An answer without its question is no beginning.
    if (from > system.length && turns[from]!.role !== "user") continue;
    const ids = tokenize(layOutTurns([...system, ...turns.slice(from)], template));
    if (ids.length <= most) return { ids, dropped: from - system.length };
    if (from === turns.length - 1)
      throw new AppError(
        "usage",
        `The question takes ${ids.length} tokens; the model sees ${context} at once, of which ${context - most} are for the answer.`,
        "Ask with a shorter text, or choose a model with a longer context.",
        { tokens: ids.length, context },
      );
  }
  throw new AppError("usage", "There is no question.", "Ask something.");
}

/** Gives out text as it comes, but holds back what may be the beginning of a text that ends the answer. */
export class StopText {
  text = "";
  readonly #stops: readonly string[];
  readonly #onText: ((text: string) => void) | undefined;
  #held = "";

  constructor(stops: readonly string[], onText?: (text: string) => void) {
    this.#stops = stops.filter((stop) => stop !== "");
    this.#onText = onText;
  }

  /** @returns whether the answer ends here */
  add(more: string): boolean {
    this.#held += more;
    const ends = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((at) => at >= 0);
    if (ends.length) {
      this.#give(Math.min(...ends));
      this.#held = "";
      return true;
    }
    let keep = 0;
    for (const stop of this.#stops)
      for (let length = Math.min(stop.length - 1, this.#held.length); length > keep; length--)
        if (stop.startsWith(this.#held.slice(-length))) keep = length;
    this.#give(this.#held.length - keep);
    return false;
  }

  /** Gives out what is held back. */
  end(): void {
    this.#give(this.#held.length);
  }

  #give(length: number): void {
    const out = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    if (!out) return;
    this.text += out;
    this.#onText?.(out);
  }
}

/** So many at once, the rest in the order they came. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Throws `cancelled` when the signal comes before its turn. */
  async use<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#free > 0) this.#free--;
    else
      await new Promise<void>((resolve, reject) => {
        const go = () => {
          signal?.removeEventListener("abort", leave);
          resolve();
        };
        const leave = () => {
          this.#waiting.splice(this.#waiting.indexOf(go), 1);
          reject(AppError.from(new DOMException("aborted", "AbortError")));
        };
        this.#waiting.push(go);
        signal?.addEventListener("abort", leave, { once: true });
        if (signal?.aborted) leave();
      });
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

/** Milliseconds and counts as they are told. */
export function told(began: number, first: number, tokens: number): Pick<Talked, "tokens" | "tokensPerSecond" | "firstTokenMs"> {
  const seconds = (performance.now() - began - first) / 1000;
  return {
    tokens,
    tokensPerSecond: tokens > 1 && seconds > 0 ? Number(((tokens - 1) / seconds).toPrecision(4)) : 0,
    firstTokenMs: Number(first.toPrecision(4)),
  };
}
