// paddock chat: a language model goes on with a text, or answers where it was taught to.
import { Command } from "commander";
import type { GenerateSpec } from "../../ipc/types.ts";
import { action } from "./action.ts";
import { short } from "./output.ts";
import { real, whole } from "./values.ts";

interface Options {
  prompt: string;
  maxTokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  json?: boolean;
}

export function chatCommand(): Command {
  return new Command("chat")
    .description("go on with a text by a language model; one that learned from conversations answers; Ctrl-C stops it")
    .argument("<run>", "the folder of a run, or its model.onnx with tokenizer.json beside it")
    .option("--prompt <text>", "what to go on with, or the question", "")
    .option("--max-tokens <n>", "at most so many tokens", whole(1, 100_000), 200)
    .option("--temperature <x>", "0: always the likeliest token; more: bolder", real({ from: 0 }), 0.8)
    .option("--top-k <n>", "choose among so many of the likeliest tokens", whole(1))
    .option("--top-p <x>", "choose among the likeliest tokens that together have this probability", real({ above: 0 }))
    .option("--seed <n>", "the same seed, the same text", whole(0, 2 ** 32 - 1), 1)
    .option("--json", "print one JSON object")
    .action(
      action(async (context, given: string, { prompt, maxTokens, temperature, topK, topP, seed, json }: Options) => {
        const { findTrained } = await import("./runPath.ts");
        const run = await findTrained(given, context.paths);
        const spec: GenerateSpec = { prompt, maxTokens, temperature, seed };
        if (topK !== undefined) spec.topK = topK;
        if (topP !== undefined) spec.topP = topP;
        const found = await context.withWorker((api, worker) => {
          // A person sees the text as it is written.
          if (!json) worker.listen("token", ({ text }) => process.stdout.write(text));
          return api.generate({ run, id: "chat", ...spec }, context.signal);
        }, stopping);
        const { text, tokens, tokensPerSecond, firstTokenMs, ended } = found;
        const told = `\n\n${tokens} tokens, ${short(tokensPerSecond)} a second; the first after ${short(firstTokenMs)} ms.`;
        return { json: { text, tokens, tokensPerSecond, firstTokenMs, ended }, text: told };
      }),
    );
}

/** Milliseconds that a stopped model has to say what it wrote. */
const stopping = 5000;
