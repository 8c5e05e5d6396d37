// paddock chat: talk with a language model of any form, or have it go on with a text.
import { Command } from "commander";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import type { WorkerApi } from "../../ipc/worker.ts";
import type { ChatTurn, SamplingSettings, Talked, TalkModel, TalkSpec } from "../../ipc/types.ts";
import { action, type Context } from "./action.ts";
import { type Answer, short } from "./output.ts";
import { real, whole } from "./values.ts";

interface Options {
  adapter?: string;
  prompt?: string;
  system?: string;
  raw?: boolean;
  maxTokens: number;
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  repeatPenalty?: number;
  seed?: number;
  json?: boolean;
}

export function chatCommand(): Command {
  return new Command("chat")
    .description("talk with a language model; without --prompt a conversation in the terminal; Ctrl-C stops an answer")
    .argument("<model>", "a GGUF file, the folder of a Hugging Face model, an ONNX language model with its tokenizer.json, or a run")
    .option("--adapter <run>", "what a run of paddock train learned beside the model, or a PEFT folder")
    .option("--prompt <text>", "the question; or, for a model that knows no conversations, what to go on with")
    .option("--system <text>", "what the model is told before the first question")
    .option("--raw", "go on with the prompt as it stands, also where the model knows conversations")
    .option("--max-tokens <n>", "at most so many tokens an answer", whole(1, 100_000), 200)
    .option("--temperature <x>", "0: always the likeliest token; more: bolder (default: 0.8)", real({ from: 0 }))
    .option("--top-k <n>", "choose among so many of the likeliest tokens; 0: all (default: 40)", whole(0))
    .option("--top-p <x>", "choose among the likeliest tokens that together have this probability (default: 0.95)", real({ above: 0 }))
    .option("--min-p <x>", "leave out tokens less likely than this share of the likeliest (default: 0.05)", real({ from: 0 }))
    .option("--repeat-penalty <x>", "make tokens of late less likely; 1: as they are (default: 1)", real({ above: 0 }))
    .option("--seed <n>", "the same seed, the same text", whole(0, 2 ** 32 - 1), 1)
    .option("--json", "print one JSON object")
    .action(action(chat));
}

/** Milliseconds that a stopped model has to say what it wrote. */
const stopping = 8000;

async function chat(context: Context, given: string, options: Options): Promise<Answer | undefined> {
  const { prompt, json } = options;
  const model: TalkModel = { model: await placeOf(given, context) };
  if (options.adapter !== undefined) model.adapter = resolve(options.adapter);
  const interactive = prompt === undefined && !json;
  return context.withWorker(async (api, worker) => {
    // A person sees the text as it is written.
    if (!json) worker.listen("token", ({ text }) => process.stdout.write(text));
    if (interactive) return converse(context, api, model, options);
    const { template } = await api.talkFacts(model, context.signal);
    const system: ChatTurn[] = options.system === undefined ? [] : [{ role: "system", content: options.system }];
    const turns: ChatTurn[] = [...system, { role: "user", content: prompt ?? "" }];
    const asked: TalkSpec["asked"] = template && !options.raw ? { turns } : { text: [options.system, prompt].filter(Boolean).join("\n\n") };
    const said = await api.talk({ ...model, id: "chat", asked, ...chosen(options) }, context.signal);
    const { text, tokens, tokensPerSecond, firstTokenMs, ended } = said;
    return { json: { text, tokens, tokensPerSecond, firstTokenMs, ended, context: said.context }, text: `\n\n${numbersOf(said)}` };
  }, stopping);
}

/** A path, or the id of a run in the workspace. */
async function placeOf(given: string, { paths }: Context): Promise<string> {
  const path = resolve(given);
  const [{ findTrained }, { keepsModel }] = await Promise.all([import("./runPath.ts"), import("../runs.ts")]);
  if (!(await stat(path).catch(() => undefined)) || (await keepsModel(path))) return findTrained(given, paths);
  return path;
}

function chosen({ maxTokens, temperature, topK, topP, minP, repeatPenalty, seed }: Options): Pick<TalkSpec, "maxTokens" | "sampling"> {
  const entries = Object.entries({ temperature, topK, topP, minP, repeatPenalty, seed }).filter(([, value]) => value !== undefined);
  return { maxTokens, sampling: Object.fromEntries(entries) as SamplingSettings };
}

const numbersOf = ({ tokens, tokensPerSecond, firstTokenMs, context, dropped }: Talked): string =>
  `${tokens} tokens, ${short(tokensPerSecond)} a second; the first after ${short(firstTokenMs)} ms; context ${context.used} of ${context.size}` +
  `${dropped ? `; the oldest ${dropped} no longer fitted and were left out` : ""}.`;

/** Questions and answers until an empty line of Ctrl-D, or /bye. */
async function converse(context: Context, api: WorkerApi, model: TalkModel, options: Options): Promise<Answer> {
  const facts = await api.talkFacts(model, context.signal);
  const how = facts.template ? "" : " It knows no conversations and goes on with what you write.";
  process.stdout.write(`${facts.by}, ${facts.context} tokens of context.${how} /bye ends, /new begins anew.\n`);
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const system: ChatTurn[] = options.system === undefined ? [] : [{ role: "system", content: options.system }];
  let turns: ChatTurn[] = [...system];
  const prompt = () => process.stdout.write("\n> ");
  const leave = () => lines.close();
  context.signal.addEventListener("abort", leave, { once: true });
  try {
    prompt();
    for await (const line of lines) {
      if (line.trim() === "/bye") break;
      if (line.trim() === "/new") turns = [...system];
      else if (line.trim()) await ask(line);
      prompt();
    }
  } finally {
    lines.close();
    context.signal.removeEventListener("abort", leave);
  }
  return { json: {}, text: "" };

  async function ask(line: string): Promise<void> {
    // Ctrl-C while it writes stops the answer, not the conversation.
    const stop = new AbortController();
    const cut = () => stop.abort();
    lines.once("SIGINT", cut);
    turns.push({ role: "user", content: line });
    const asked = facts.template ? { turns } : { text: line };
    const said = await api.talk({ ...model, id: "chat", asked, ...chosen(options) }, AbortSignal.any([context.signal, stop.signal]));
    lines.off("SIGINT", cut);
    turns.push({ role: "assistant", content: said.text });
    process.stdout.write(`\n[${numbersOf(said)}]\n`);
  }
}
