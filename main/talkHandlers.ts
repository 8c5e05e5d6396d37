// The calls of the chat screen.
import type { HostApi, HostEvents } from "../ipc/host.ts";
import type { Handlers } from "../ipc/rpc.ts";
import type { Chats } from "./chats.ts";
import type { Talking } from "./talking.ts";

type TalkCalls = "talkChoices" | "talkFacts" | "talk" | "chats" | "chat" | "saveChat" | "removeChat" | "restoreChat";

interface Parts {
  talking: Talking;
  chats: Chats;
  emit: <K extends keyof HostEvents & string>(name: K, value: HostEvents[K]) => void;
}

export function talkHandlers({ talking, chats, emit }: Parts): Pick<Handlers<HostApi>, TalkCalls> {
  return {
    talkChoices: () => talking.choices(),
    talkFacts: async (ids, signal) => talking.facts(await talking.resolve(ids), signal),
    talk: async ({ id, model, adapter, ...spec }, signal) =>
      talking.talk(await talking.resolve({ model, adapter }), spec, (text) => emit("token", { id, text }), signal),
    chats: () => chats.all(),
    chat: ({ id }) => chats.read(id),
    saveChat: ({ chat }) => chats.save(chat),
    removeChat: ({ id }) => chats.remove(id),
    restoreChat: ({ id }) => chats.restore(id),
  };
}
