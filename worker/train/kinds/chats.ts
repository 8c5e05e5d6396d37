// Conversations: told as what they are; learned from as a language model learns, the answers alone.
import { inspectChats } from "../../data/text/chats.ts";
import type { Kind } from "./kind.ts";
import { language } from "./language.ts";

export const chats: Kind = {
  inspect: (file, { signal }) => inspectChats(file, signal),
  plan: language.plan,
  prepare: language.prepare,
};
