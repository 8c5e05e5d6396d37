// Conversations with language models: the one on the stage, turn by turn, and those that are kept. Each change is kept as a file by the host.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { Chat, ChatSummary, ChatTurnRecord, TalkChoices } from "../../ipc/host.ts";
import type { ChatTurn, SamplingSettings, TalkFacts } from "../../ipc/types.ts";
import type { Ground } from "./ground.ts";
import { say } from "./words.svelte.ts";

/** A text that is asked about. */
export type AskedFile = NonNullable<ChatTurnRecord["file"]>;

const usualLength = 1024;
/** Letters of a text that is asked about, at most: more than any model here sees at once. */
export const longestFile = 2_000_000;

let count = 0;
const newId = () => `c${Date.now().toString(36)}${(count++).toString(36)}${Math.floor(Math.random() * 36 ** 4).toString(36)}`;

function emptyChat(model: string): Chat {
  const now = Date.now();
  return { id: newId(), title: "", created: now, updated: now, model, system: "", maxTokens: usualLength, sampling: {}, turns: [] };
}

export class Talk {
  choices: TalkChoices | undefined = $state.raw();
  chats: readonly ChatSummary[] | undefined = $state.raw();
  chat: Chat = $state.raw(emptyChat(""));
  /** What the model is, once it is open. */
  facts: TalkFacts | undefined = $state.raw();
  /** The answer under way. */
  text = $state("");
  busy = $state(false);
  used: number | undefined = $state();
  /** The text that the next question is about. */
  attached: AskedFile | undefined = $state.raw();
  error: ErrorRecord | undefined = $state.raw();
  readonly #ground: Ground;
  #cancel: AbortController | undefined;
  #opening: AbortController | undefined;
  #asked = "";
  #opened = "";

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  async load(): Promise<void> {
    await this.#ground.attempt(async () => {
      [this.choices, this.chats] = await Promise.all([this.#ground.call.talkChoices(), this.#ground.call.chats()]);
    });
    const first = this.choices?.models[0];
    if (!this.chat.model && first) this.chat = { ...this.chat, model: first.id };
    await this.open();
  }

  /** Brings a conversation to the stage, or a new one. */
  async show(id: string | undefined, model: string | undefined): Promise<void> {
    if (id !== undefined && id === this.chat.id) return;
    if (id === undefined && model === undefined) return; // the rail leads back to what is on the stage
    this.stop();
    this.error = undefined;
    this.used = undefined;
    this.text = "";
    if (id === undefined) this.chat = emptyChat(model ?? this.chat.model);
    else await this.#ground.attempt(async () => (this.chat = await this.#ground.call.chat({ id })));
    await this.open();
  }

  /** Opens the model, so that its first answer does not wait for that. */
  async open(): Promise<void> {
    const { model, adapter } = this.chat;
    const key = `${model} ${adapter ?? ""}`;
    if (!model || key === this.#opened) return;
    this.#opened = key;
    this.facts = undefined;
    // Another one that is still being opened is not waited for.
    this.#opening?.abort();
    const opening = (this.#opening = new AbortController());
    try {
      const facts = await this.#ground.call.talkFacts({ model, ...(adapter === undefined ? {} : { adapter }) }, opening.signal);
      if (this.#opened === key) this.facts = facts;
    } catch (thrown) {
      if (this.#opened !== key) return;
      this.#opened = "";
      this.#fail(thrown);
    }
  }

  /** A new conversation with the same model. */
  begin(): void {
    this.stop();
    this.error = undefined;
    this.used = undefined;
    const { model, adapter, system, maxTokens, sampling } = this.chat;
    this.chat = { ...emptyChat(model), ...(adapter === undefined ? {} : { adapter }), system, maxTokens, sampling };
    this.#ground.goto({ screen: "chat" });
  }

  async choose(change: { model?: string; adapter?: string | undefined }): Promise<void> {
    const { adapter: before, ...rest } = this.chat;
    const model = change.model ?? rest.model;
    const adapter = "adapter" in change ? change.adapter : model === rest.model ? before : undefined;
    this.error = undefined;
    this.used = undefined;
    this.chat = { ...rest, model, ...(adapter === undefined ? {} : { adapter }) };
    await Promise.all([this.open(), this.#keep()]);
  }

  async change(change: Partial<Pick<Chat, "system" | "maxTokens">> & { sampling?: SamplingSettings }): Promise<void> {
    this.chat = { ...this.chat, ...change };
    await this.#keep();
  }

  /** Takes a plain text to be asked about; anything else is said to be none. */
  async attach(file: File): Promise<void> {
    if (file.size > 4 * longestFile) return void this.#ground.toasts.add(say.chat.tooLong(file.name));
    const text = new TextDecoder().decode(await file.arrayBuffer());
    // Letters that no encoding of ours gave, or zeros: no text.
    if (/\0|\ufffd/.test(text.slice(0, 100_000))) return void this.#ground.toasts.add(say.chat.notText(file.name));
    if (text.length > longestFile) return void this.#ground.toasts.add(say.chat.tooLong(file.name));
    this.attached = { name: file.name, text };
  }

  async ask(content: string): Promise<void> {
    if (this.busy || !content.trim()) return;
    const file = this.attached;
    this.attached = undefined;
    const turn: ChatTurnRecord = { role: "user", content: content.trim(), ...(file ? { file } : {}) };
    const title = this.chat.turns.length ? this.chat.title : content.trim().replace(/\s+/g, " ").slice(0, 80);
    this.chat = { ...this.chat, title, turns: [...this.chat.turns, turn] };
    await this.#answer();
  }

  /** Asks a question again in other words; what came after it goes. */
  async edit(at: number, content: string): Promise<void> {
    const turn = this.chat.turns[at];
    if (this.busy || turn?.role !== "user" || !content.trim()) return;
    this.chat = { ...this.chat, turns: [...this.chat.turns.slice(0, at), { ...turn, content: content.trim() }] };
    await this.#answer();
  }

  /** Another answer to the last question. */
  async retry(): Promise<void> {
    if (this.busy) return;
    const last = this.chat.turns.findLastIndex(({ role }) => role === "user");
    if (last < 0) return;
    this.chat = { ...this.chat, turns: this.chat.turns.slice(0, last + 1) };
    await this.#answer();
  }

  /** What is written stays. */
  stop(): void {
    this.#cancel?.abort();
  }

  onToken(id: string, text: string): void {
    if (id === this.#asked && this.busy) this.text += text;
  }

  async remove(id: string): Promise<void> {
    await this.#ground.attempt(async () => {
      await this.#ground.call.removeChat({ id });
      this.#ground.toasts.add(say.chat.removed, {
        label: say.shell.undo,
        run: () => void this.#ground.attempt(async () => (await this.#ground.call.restoreChat({ id }), this.#list())),
      });
    });
    if (id === this.chat.id) {
      this.chat = emptyChat(this.chat.model);
      this.used = undefined;
      this.#ground.goto({ screen: "chat" });
    }
    await this.#list();
  }

  async #answer(): Promise<void> {
    const { id, model, adapter, maxTokens, sampling, turns } = this.chat;
    const cancel = new AbortController();
    this.#cancel = cancel;
    this.#asked = newId();
    this.text = "";
    this.error = undefined;
    this.busy = true;
    try {
      await this.#keep();
      const asked = this.facts?.template === false ? { text: contentOf(turns.at(-1)!) } : { turns: this.#turns() };
      const ids = { model, ...(adapter === undefined ? {} : { adapter }) };
      const said = await this.#ground.call.talk({ id: this.#asked, ...ids, asked, maxTokens, sampling }, cancel.signal);
      if (this.chat.id !== id) return;
      const { text, tokens, tokensPerSecond, ended, dropped, context } = said;
      const answer: ChatTurnRecord = { role: "assistant", content: text, told: { tokens, tokensPerSecond, ended, dropped } };
      this.chat = { ...this.chat, updated: Date.now(), turns: [...turns, answer] };
      this.used = context.used;
      this.facts = this.facts && { ...this.facts, context: context.size };
      await this.#keep();
    } catch (thrown) {
      // A process that ended opens the model anew with the next question.
      if (this.chat.id === id) this.#fail(thrown);
    } finally {
      if (this.#cancel === cancel) {
        this.busy = false;
        this.text = "";
      }
    }
  }

  /** The conversation as the model gets it: texts that were asked about stand before their question. */
  #turns(): ChatTurn[] {
    const { system, turns } = this.chat;
    const told: ChatTurn[] = system.trim() ? [{ role: "system", content: system.trim() }] : [];
    return [...told, ...turns.map((turn) => ({ role: turn.role, content: contentOf(turn) }))];
  }

  async #keep(): Promise<void> {
    if (!this.chat.turns.length) return;
    await this.#ground.attempt(() => this.#ground.call.saveChat({ chat: $state.snapshot(this.chat) as Chat }));
    await this.#list();
  }

  async #list(): Promise<void> {
    await this.#ground.attempt(async () => (this.chats = await this.#ground.call.chats()));
  }

  #fail(thrown: unknown): void {
    const error = AppError.from(thrown).toRecord();
    if (error.code !== "cancelled") this.error = error;
  }
}

const contentOf = ({ content, file }: ChatTurnRecord): string => (file ? `${file.name}:\n"""\n${file.text}\n"""\n\n${content}` : content);
