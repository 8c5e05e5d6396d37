// paddock bench: how long a training step takes, and what it loses.
import { Command } from "commander";
import { resolve } from "node:path";
import { action } from "./action.ts";
import { size, sizeHelp } from "./graphOptions.ts";
import { bytes, short } from "./output.ts";
import { whole } from "./values.ts";

interface Options {
  device: string;
  steps: number;
  seed: number;
  dim?: Record<string, number>;
}

export function benchCommand(): Command {
  return new Command("bench")
    .description("time a training step on seeded inputs")
    .argument("<step>", "an ONNX file that train-step wrote")
    .option("--device <id>", "as paddock devices lists them", "cpu")
    .option("--steps <n>", "how many", whole(1, 1_000_000), 20)
    .option("--seed <n>", "of the inputs", whole(0), 0)
    .option("--dim <name=size>", `${sizeHelp}; others are 8`, size)
    .option("--json", "print one JSON object")
    .action(
      action(async (context, file: string, { device, steps, seed, dim }: Options) => {
        const spec = { file: resolve(file), device, steps, seed, ...(dim && { sizes: dim }) };
        const found = await context.withWorker((api) => api.bench(spec, context.signal));
        const { median, p10, p90 } = found.stepMs;
        const times = `${short(median)} ms a step (${short(p10)} to ${short(p90)}) on ${found.device}`;
        const losses = `loss ${short(found.losses[0])} → ${short(found.losses.at(-1))} in ${steps} steps`;
        return { json: found, text: `${times}\n${losses}\npeak memory ${bytes(found.peakMemoryBytes)}` };
      }),
    );
}
