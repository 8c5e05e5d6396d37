// paddock plan: what a model needs in memory, by parts and against each device, before anything is run.
import { Command, Option } from "commander";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { MemoryBits, MemoryBytes, MemoryMethod, MemoryPlan, MemorySettings } from "../../ipc/types.ts";
import { action } from "./action.ts";
import { columns } from "./output.ts";
import { whole } from "./values.ts";

interface Options {
  method?: MemoryMethod;
  bits?: string;
  batch?: number;
  context?: number;
  try?: boolean;
}

export function planCommand(): Command {
  return new Command("plan")
    .description("tell what a model, data or a mere size needs in memory, and on which device it fits")
    .argument("<of>", 'a language model, an ONNX file, data, or a number of parameters such as "6B"')
    .addOption(new Option("--method <name>", "inference (default), or what learns").choices(["inference", "full", "head", "lora", "qlora"]))
    .addOption(
      new Option("--bits <n>", "bits of a weight that does not learn (default: as the file keeps it; of a size 32)").choices([
        "32",
        "16",
        "8",
        "4",
      ]),
    )
    .option("--batch <n>", "rows at once (default: 1 to answer, 4 to learn)", whole(1, 1 << 20))
    .option("--context <n>", "tokens of a row (default: 2048 to answer, 512 to learn, at most what the model takes)", whole(1, 1 << 22))
    .option("--try", "also do it once, and keep what it took: later forecasts learn from it")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, given: string, { method, bits, batch, context: tokens, try: tried }: Options) => {
        const [{ Devices }, { MemoryPlans }] = await Promise.all([import("../devices.ts"), import("../memoryPlans.ts")]);
        const settings: MemorySettings = {};
        if (method !== undefined) settings.method = method;
        if (bits !== undefined) settings.bits = Number(bits) as MemoryBits;
        if (batch !== undefined) settings.batch = batch;
        if (tokens !== undefined) settings.context = tokens;
        const of = existsSync(given) ? resolve(given) : given;
        const { cache, memory } = context.paths;
        const plans = new MemoryPlans(memory);
        const devices = new Devices(context.startWorker);
        try {
          const forecast = await context.withWorker((api) => api.forecastMemory({ of, ...settings, cache }, context.signal));
          if (tried) {
            // In a process of its own, whose peak is that of the trial.
            const measured = await context.withWorker(async (api) => {
              await api.tryMemory({ of, settings: forecast.settings, device: "cpu" }, context.signal);
              return api.peak();
            });
            await plans.learn("cpu", forecast, measured);
          }
          const plan = await plans.against(forecast, await devices.list(false, context.signal));
          return { json: plan, text: written(plan) };
        } finally {
          await devices.dispose();
        }
      }),
    );
}

const parts: Record<keyof MemoryBytes, string> = {
  weights: "weights",
  gradients: "gradients",
  optimizer: "optimizer",
  activations: "activations",
  cache: "keys and values",
  runtime: "program and runtime",
};

/** Powers of 1024: 38.1 MiB. */
export function binary(count: number): string {
  const at = Math.min(4, Math.floor(Math.log2(Math.max(1, count)) / 10));
  return `${Number((count / 1024 ** at).toPrecision(3))} ${["B", "KiB", "MiB", "GiB", "TiB"][at]!}`;
}

function written(plan: MemoryPlan): string {
  const { name, parameters, trainable, settings, bytes, total, shape, measured, learnedFrom, uncorrected, fits } = plan;
  const { method, bits, batch, context } = settings;
  const assumed = shape?.assumed
    ? `\nTaken to have the usual shape of that size: ${shape.layers} layers of ${shape.width}, ${shape.heads} heads, ${shape.vocabulary} tokens.`
    : "";
  const learns = trainable ? `, ${trainable.toLocaleString("en")} learn` : "";
  const rows = (Object.keys(parts) as (keyof MemoryBytes)[])
    .filter((part) => bytes[part] > 0)
    .map((part) => [parts[part], binary(bytes[part])]);
  const learned = learnedFrom
    ? `Corrected by ${learnedFrom} measurement${learnedFrom > 1 ? "s" : ""}; by itself the forecast is ${binary(uncorrected)}.\n`
    : "";
  const took = measured ? `Measured: ${binary(measured.bytes)}.\n` : "";
  return [
    `${name}: ${parameters.toLocaleString("en")} parameters${learns}; ${method}, ${bits} bits, batch ${batch}${context === null ? "" : `, context ${context}`}${assumed}\n`,
    columns([...rows, ["in all", binary(total)]]),
    `\n${learned}${took}`,
    columns(fits.map((one) => [one.device, one.fits ? "fits" : one.with ? "fits with less" : "does not fit", one.why])),
  ].join("\n");
}
