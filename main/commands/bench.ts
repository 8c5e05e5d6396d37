// paddock bench: how long a training step takes, and what it loses; of a file, or of the suite of nets.
import { Command } from "commander";
import { resolve } from "node:path";
import { AppError } from "../../ipc/error.ts";
import { action, type Context } from "./action.ts";
import { benchSuite, type SuiteOptions } from "./benchSuite.ts";
import { names, size, sizeHelp } from "./graphOptions.ts";
import { type Answer, bytes, short } from "./output.ts";
import { whole } from "./values.ts";

interface Options extends SuiteOptions {
  dim?: Record<string, number>;
}

export function benchCommand(): Command {
  return new Command("bench")
    .description("time a training step on seeded inputs, or a suite of nets beside PyTorch")
    .argument("<step>", "an ONNX file that train-step wrote, or the word suite")
    .option("--device <id>", "as paddock devices lists them", "cpu")
    .option("--steps <n>", "how many", whole(1, 1_000_000), 20)
    .option("--seed <n>", "of the inputs", whole(0), 0)
    .option("--dim <name=size>", `${sizeHelp}; others are 8`, size)
    .option("--only <names>", "suite: these nets, between commas", names)
    .option("--threads <n>", "suite: processors to use, here and in PyTorch", whole(1, 1024))
    .option("--small", "suite: at the sizes of the tests")
    .option("--peer <python>", "suite: a Python with torch; default: PADDOCK_PEER_PYTHON, else python3")
    .option("--no-peer", "suite: without PyTorch")
    .option("--json", "print one JSON object")
    .action(
      action((context, step: string, options: Options) =>
        step === "suite" ? benchSuite(context, suiteOptions(options)) : benchFile(context, step, options),
      ),
    );
}

/** commander makes `peer` true where only --no-peer is known and neither is given. */
function suiteOptions({ dim, peer, ...options }: Options & { json?: boolean }): SuiteOptions {
  if (dim) throw new AppError("usage", "The nets of the suite have sizes of their own.", "Leave --dim out.", {});
  const { json: _, ...rest } = options;
  return { ...rest, ...((typeof peer === "string" || peer === false) && { peer }) };
}

async function benchFile(context: Context, file: string, options: Options): Promise<Answer> {
  const { device, steps, seed, dim } = options;
  for (const name of ["only", "threads", "small"] as const)
    if (options[name] !== undefined)
      throw new AppError("usage", `--${name} belongs to the suite.`, "Write: paddock bench suite.", { name });
  const spec = { file: resolve(file), device, steps, seed, ...(dim && { sizes: dim }) };
  const found = await context.withWorker((api) => api.bench(spec, context.signal));
  const { median, p10, p90 } = found.stepMs;
  const times = `${short(median)} ms a step (${short(p10)} to ${short(p90)}) on ${found.device}`;
  const losses = `loss ${short(found.losses[0])} → ${short(found.losses.at(-1))} in ${steps} steps`;
  return { json: found, text: `${times}\n${losses}\npeak memory ${bytes(found.peakMemoryBytes)}` };
}
