// paddock export: a run's model as a file to take away, reloaded and compared.
import { Command } from "commander";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AppError } from "../../ipc/error.ts";
import { action } from "./action.ts";
import { bytes } from "./output.ts";

const later = ["onnx-int8", "tfjs", "safetensors", "peft", "gguf-lora"];

interface Options {
  to: string;
  out: string;
}

export function exportCommand(): Command {
  return new Command("export")
    .description("write a run's model to a file")
    .argument("<run>", "the folder of a run")
    .requiredOption("--to <format>", "onnx")
    .requiredOption("--out <path>", "the file to write")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, given: string, { to, out }: Options) => {
        if (later.includes(to)) throw new AppError("usage", `The export to ${to} is not there yet.`, "Use --to onnx.", { format: to });
        if (to !== "onnx") throw new AppError("usage", `There is no export to '${to}'.`, "Use --to onnx.", { format: to });
        const [{ findTrained }, { writeAtomic }, { runFiles }] = await Promise.all([
          import("./runPath.ts"),
          import("../files.ts"),
          import("../runs.ts"),
        ]);
        const run = await findTrained(given, context.paths);
        const model = run.endsWith(".onnx") ? run : runFiles(run).model;
        const path = await place(resolve(out));
        const content = await readFile(model);
        await writeAtomic(path, content);
        // Reloaded as a stranger would: from the file alone.
        const [before, after] = await context.withWorker(async (api) => [await api.form({ run: model }), await api.form({ run: path })]);
        if (JSON.stringify(before) !== JSON.stringify(after) || !content.equals(await readFile(path)))
          throw new AppError("modelInvalid", `'${path}' does not read back as it was written.`, "Try again on another disk.", { path });
        return { json: { format: to, out: path, bytes: content.length }, text: `${path} (${bytes(content.length)})` };
      }),
    );
}

/** A folder takes the model under its usual name. */
async function place(out: string): Promise<string> {
  const facts = await stat(out).catch(() => undefined);
  if (facts?.isDirectory()) return join(out, "model.onnx");
  if (!(await stat(dirname(out)).catch(() => undefined)))
    throw new AppError("folderNotWritable", `The folder '${dirname(out)}' is not there.`, "Make it, or choose another place.", {
      path: out,
    });
  return out;
}
