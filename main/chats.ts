// Conversations as files: chats/<id>.json, one each, written whole. A damaged one is left as it is, and the others are shown.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { AppError } from "../ipc/error.ts";
import type { Chat, ChatSummary } from "../ipc/host.ts";
import { exists, list, renameWell, writeJson } from "./files.ts";
import { chatSchema } from "./inputs.ts";
import { idPattern, type Paths } from "./paths.ts";
import { type RecordKind, readRecord } from "./records.ts";

type ChatRecord = Chat & { version: 1 };

const kind: RecordKind<ChatRecord> = {
  what: "conversation",
  schema: v.object({ version: v.literal(1), ...chatSchema.entries }) as v.GenericSchema<unknown, ChatRecord>,
  steps: [],
  invalid: "chatInvalid",
  newer: "recordNewer",
};

/** In the trash a conversation has this before its name. */
const inTrash = "chat--";

export const summaryOf = ({ id, title, updated, model }: Chat): ChatSummary => ({ id, title, updated, model });

export class Chats {
  readonly #paths: Paths;

  constructor(paths: Paths) {
    this.#paths = paths;
  }

  async all(): Promise<ChatSummary[]> {
    const ids = (await list(this.#paths.chats)).flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? []).filter((id) => idPattern.test(id));
    const chats = await Promise.all(ids.map((id) => this.read(id).catch(() => undefined)));
    return chats
      .filter((chat) => chat !== undefined)
      .sort((a, b) => b.updated - a.updated)
      .map(summaryOf);
  }

  /** Throws chatMissing, chatInvalid, recordNewer. */
  async read(id: string): Promise<Chat> {
    const record = await readRecord(this.#paths.chat(id), kind);
    if (!record || record.id !== id)
      throw new AppError("chatMissing", `There is no conversation '${id}'.`, "It may have been removed.", { id });
    const { version: _version, ...chat } = record;
    return chat;
  }

  async save(chat: Chat): Promise<ChatSummary> {
    await mkdir(this.#paths.chats, { recursive: true });
    await writeJson(this.#paths.chat(chat.id), { version: 1, ...chat });
    return summaryOf(chat);
  }

  async remove(id: string): Promise<void> {
    const path = this.#paths.chat(id);
    if (!(await exists(path))) throw new AppError("chatMissing", `There is no conversation '${id}'.`, "It may have been removed.", { id });
    await mkdir(this.#paths.trash, { recursive: true });
    await renameWell(path, join(this.#paths.trash, `${inTrash}${id}.json`));
  }

  async restore(id: string): Promise<ChatSummary> {
    const from = join(this.#paths.trash, `${inTrash}${id}.json`);
    if (!(await exists(from))) throw new AppError("chatMissing", `There is no conversation '${id}' in the trash.`, "It is gone.", { id });
    await mkdir(this.#paths.chats, { recursive: true });
    await renameWell(from, this.#paths.chat(id));
    return summaryOf(await this.read(id));
  }
}
