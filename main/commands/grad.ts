// paddock grad: an ONNX model with its gradients beside its outputs.
import { Command } from "commander";
import { resolve } from "node:path";
import { action } from "./action.ts";
import { names, shown, size, sizeHelp } from "./graphOptions.ts";
import { columns } from "./output.ts";

interface Options {
  loss: string;
  wrt?: string[];
  dim?: Record<string, number>;
  out: string;
}

export function gradCommand(): Command {
  return new Command("grad")
    .description("add the gradients of an ONNX model to it")
    .argument("<model>", "an ONNX file")
    .requiredOption("--loss <output>", "the output that is the loss: one float")
    .option("--wrt <names>", "initializers and inputs, between commas; default: every float initializer", names)
    .option("--dim <name=size>", sizeHelp, size)
    .requiredOption("--out <file>", "the ONNX file to write")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, model: string, { loss, wrt, dim, out }: Options) => {
        const spec = { model: resolve(model), loss, out: resolve(out), ...(wrt && { wrt }), ...(dim && { sizes: dim }) };
        const made = await context.withWorker((api) => api.grad(spec, context.signal));
        const gradients = made.outputs.filter((o) => o.name.startsWith("grad:"));
        return { json: made, text: `${gradients.length} gradients, ${made.nodes} nodes → ${out}\n\n${columns(gradients.map(shown))}` };
      }),
    );
}
