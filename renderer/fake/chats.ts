// Conversations of the fake host: kept in memory, and answered a word at a time.
import { AppError } from "../../ipc/error.ts";
import type { Chat, HostApi, HostEvents } from "../../ipc/host.ts";
import type { Handlers } from "../../ipc/rpc.ts";

type Calls = "talkChoices" | "talkFacts" | "talk" | "chats" | "chat" | "saveChat" | "removeChat" | "restoreChat" | "serving";

/** @param pace milliseconds a word */
export function fakeChats(
  emit: <K extends keyof HostEvents>(name: K, value: HostEvents[K]) => void,
  { pace = 0 }: { pace?: number } = {},
): Pick<Handlers<HostApi>, Calls> {
  const kept = new Map<string, Chat>();
  const trash = new Map<string, Chat>();
  const find = (id: string, among = kept) => {
    const chat = among.get(id);
    if (!chat) throw new AppError("chatMissing", `There is no conversation '${id}'.`, "It may have been removed.", { id });
    return chat;
  };
  const summary = ({ id, title, updated, model }: Chat) => ({ id, title, updated, model });
  return {
    talkChoices: async () => ({
      models: [
        { id: "small-chat", name: "small-chat-Q4_K_M", from: "shelf", takesAdapter: true },
        { id: "found-1", name: "llama3:8b", from: "Ollama", takesAdapter: true },
      ],
      adapters: [{ id: "p1/r1", name: "letters", base: "small-chat-Q4_K_M.gguf" }],
    }),
    talkFacts: async () => ({ context: 4096, template: true, by: "llama.cpp", parallel: 4, cached: true, embeds: true, json: true }),
    talk: async ({ id, asked, maxTokens }, signal) => {
      const question = "text" in asked ? asked.text : (asked.turns.at(-1)?.content ?? "");
      if (question.includes("die"))
        throw new AppError("workerDied", "The worker process ended unexpectedly (signal SIGSEGV).", "Try again.");
      const words = `You asked: ${question}`.split(/(?<= )/).slice(0, maxTokens);
      let text = "";
      for (const word of words) {
        if (signal.aborted) break;
        text += word;
        emit("token", { id, text: word });
        await new Promise((resolve) => setTimeout(resolve, pace));
      }
      const ended = signal.aborted ? "stopped" : "end";
      const used = 40 + Math.round(JSON.stringify(asked).length / 4);
      const counts = { tokens: words.length, promptTokens: used, tokensPerSecond: 24.5, firstTokenMs: 180, dropped: 0 };
      return { text, ...counts, ended, context: { size: 4096, used: Math.min(4096, used) } };
    },
    chats: async () => [...kept.values()].sort((a, b) => b.updated - a.updated).map(summary),
    chat: async ({ id }) => find(id),
    saveChat: async ({ chat }) => {
      kept.set(chat.id, chat);
      return summary(chat);
    },
    removeChat: async ({ id }) => {
      trash.set(id, find(id));
      kept.delete(id);
    },
    restoreChat: async ({ id }) => {
      const chat = find(id, trash);
      kept.set(id, chat);
      return summary(chat);
    },
    serving: async () => ({ on: false, url: null, error: null }),
  };
}
