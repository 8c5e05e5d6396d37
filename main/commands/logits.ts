// paddock logits: what a language model would say next.
import { Command } from "commander";
import { resolve } from "node:path";
import { action } from "./action.ts";
import { columns, short } from "./output.ts";
import { numbers } from "./values.ts";

export function logitsCommand(): Command {
  return new Command("logits")
    .description("show what a language model gives each token of its vocabulary after some tokens")
    .argument("<model>", "a GGUF file, or the folder of a Hugging Face model")
    .requiredOption("--tokens <ids>", "ids of the tokens, between commas", numbers)
    .option("--device <device>", "where it runs: see paddock devices", "cpu")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, model: string, { tokens, device }: { tokens: number[]; device: string }) => {
        const result = await context.withWorker(async (api) => ({
          ...(await api.logits({ model: resolve(model), tokens, device }, context.signal)),
          peakMemoryBytes: await api.peak(),
        }));
        const best = result.logits.map((value, id) => ({ id, value })).sort((a, b) => b.value - a.value);
        const rows = best.slice(0, 10).map(({ id, value }) => [String(id), short(value)]);
        return { json: result, text: columns([["token", "logit"], ...rows]) };
      }),
    );
}
