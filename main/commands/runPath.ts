// Which run a person means: a folder, a model file, or the id of a run or project in the workspace.
import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AppError } from "../../ipc/error.ts";
import { exists, list } from "../files.ts";
import { idPattern, type Paths } from "../paths.ts";
import { isUnderWay, readRun, runFiles } from "../runs.ts";

/** The folder of a run, or the path of a model file. */
export async function findRun(given: string, paths: Paths): Promise<string> {
  const path = resolve(given);
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isFile()) return basename(path) === "run.json" ? resolve(path, "..") : path;
  if (facts && (await exists(runFiles(path).record))) return path;
  if (!facts && idPattern.test(given)) {
    for (const runs of [paths.looseRuns, ...(await list(paths.projects)).map((project) => paths.runs(project))]) {
      const folder = join(runs, given);
      if (await exists(runFiles(folder).record)) return folder;
    }
  }
  throw new AppError(
    "runMissing",
    `'${given}' is no run: there is no run.json in it.`,
    "Name the folder that train wrote, or a model.onnx.",
    { path },
  );
}

/** A run that has a model: `runNotTrained` says why it has none. */
export async function findTrained(given: string, paths: Paths): Promise<string> {
  const path = await findRun(given, paths);
  const facts = await stat(path);
  if (facts.isFile() || (await exists(runFiles(path).model))) return path;
  if ((await exists(join(path, "adapter"))) || (await exists(join(path, "model.safetensors")))) return path; // a fine-tuned language model
  const { state } = await readRun(path);
  const hint = isUnderWay(state) ? "Wait until it is done." : `Finish it: paddock train --resume ${given}`;
  throw new AppError("runNotTrained", `The run '${given}' has no model yet (it is ${state}).`, hint, { path, state });
}
