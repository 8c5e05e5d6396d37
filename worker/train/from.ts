// A run that begins from the weights of another. They mean the same only where all before them is the same: what decides that (the columns, their
// encoding, the classes, the network, the split) is taken from the run they come from, and whatever does not fit is refused.
import { copyFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { BegunFrom, DataKind, RunRecord, TrainSpec } from "../../ipc/types.ts";
import type { Encoding } from "../data/encoding.ts";
import { modelOf } from "../models/index.ts";
import { resolveConfig } from "../models/model.ts";
import type { Graph } from "../onnx/graph.ts";
import type { Tensor } from "../tensor.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { fileError, readJson } from "./files.ts";
import { defaults } from "./plan.ts";

/** Settings that decide what a weight means, or which rows it has seen. */
const decisive = ["kind", "part", "target", "task", "model", "method", "pixels", "config", "ignore", "seed", "split", "splitBy"] as const;

/** Settings that a run has for itself: how long it takes, how fast it goes, and what is laid over its data. */
const ofOneRun = ["seconds", "epochs", "steps", "lr", "logLosses", "corrections", "from"] as const;

const encodingOf = (run: string) => join(run, "encoding.json");

/** The spec of a run that begins from another, complete. Throws runMissing, runNotTrained, usage where the two do not go together. */
export async function begunFrom(spec: TrainSpec): Promise<{ spec: TrainSpec; from: BegunFrom }> {
  const folder = resolve(spec.from!);
  const record = await readJson<RunRecord>(join(folder, "run.json"));
  if (!record)
    throw new AppError("runMissing", `There is no run in '${folder}' to begin from.`, "Name the folder of a run.", { path: folder });
  if (record.state !== "done" || !record.plan)
    throw new AppError("runNotTrained", `The run '${record.id}' has not finished training.`, "Let it finish, or resume it.", {
      path: folder,
    });
  const { plan } = record;
  if (plan.task === "recommend" || plan.task === "language")
    throw new AppError(
      "usage",
      `A run of ${plan.task === "recommend" ? "ratings" : "a language model"} cannot be begun from another.`,
      "Train anew. Runs on tables, pictures and texts can go on from earlier weights.",
      { task: plan.task },
    );
  const encoding = await readJson<Partial<Encoding> & { kind?: "text"; setup?: object; sha?: string }>(encodingOf(folder));
  if (!encoding)
    throw new AppError("runInvalid", `The run '${record.id}' no longer says how its data are encoded.`, "Train anew.", { path: folder });
  const kind: DataKind = encoding.kind ?? (encoding.setup ? "images" : "table");
  const told: TrainSpec = {
    ...record.spec,
    kind,
    ...(kind === "images" ? {} : { target: plan.target, task: kind === "text" ? record.spec.task : plan.task }),
    ...(record.spec.splitBy && plan.splitBy ? { splitBy: plan.splitBy } : {}),
  };
  for (const name of decisive) refuseOther(name, spec, told, record);
  const without = (one: TrainSpec, names: readonly string[]): TrainSpec =>
    Object.fromEntries(Object.entries(one).filter(([name, value]) => value !== undefined && !names.includes(name))) as unknown as TrainSpec;
  const config = encoding.encoders && kind === "table" && !encoding.sha ? configOf(record, encoding as Encoding) : undefined;
  return {
    spec: { ...without(told, ofOneRun), ...without(spec, decisive), from: folder, ...(config ? { config } : {}) },
    from: { folder, run: record.id },
  };
}

/** All settings of the network of a table, as its rows suited them then: other rows would suit others. */
function configOf({ spec, plan }: RunRecord, { task, numeric, categories, classes }: Encoding): TrainSpec["config"] {
  const { rows, folds = 0 } = plan!;
  const learned = folds ? rows.train + rows.validation : rows.train;
  const situation = { task, rows: learned, numeric, categories, outputs: classes?.length ?? 1, folds };
  return resolveConfig(modelOf(spec.model ?? defaults.model), spec.config, situation);
}

function refuseOther(name: (typeof decisive)[number], spec: TrainSpec, told: TrainSpec, { id }: RunRecord): void {
  const asked = spec[name];
  if (asked === undefined || JSON.stringify(asked) === JSON.stringify(told[name])) return;
  if (name === "task" && asked === "auto") return;
  if (name === "splitBy" && JSON.stringify({ ...spec.splitBy, kept: 0 }) === JSON.stringify({ ...told.splitBy, kept: 0 })) return;
  const text = (value: unknown) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  throw new AppError(
    "usage",
    told[name] === undefined
      ? `The run '${id}' was trained without the setting ${name}, and ${text(asked)} was asked for: its weights would mean something else.`
      : `The run '${id}' was trained with ${name} ${text(told[name])}, and ${text(asked)} was asked for: its weights would mean something else.`,
    "Leave the setting out, or train without beginning from a run.",
    { setting: name, run: id },
  );
}

/** Lays the earlier run's encoding, and the vocabulary of its texts, into the folder of the new one, which then takes them as its own. */
export async function takeEncoding({ folder }: BegunFrom, run: string): Promise<void> {
  for (const name of ["encoding.json", "tokenizer.json"])
    await copyFile(join(folder, name), join(run, name)).catch((thrown: unknown) => {
      if (name === "encoding.json" || (thrown as { code?: string }).code !== "ENOENT") throw fileError(thrown, join(run, name));
    });
}

/** The weights of the earlier run's best point. Throws runInvalid where they are gone, shapeMismatch where they do not fit the network. */
export async function weightsFrom({ folder, run }: BegunFrom, { parameters, initializers }: Graph): Promise<Map<string, Tensor>> {
  const { best } = (await readCheckpoint(join(folder, "checkpoints", "last.safetensors"))) ?? {};
  if (!best?.size)
    throw new AppError("runInvalid", `The weights of the run '${run}' are no longer there.`, "Train anew.", { path: folder });
  for (const name of parameters) {
    const [here, there] = [initializers.get(name)!.dims, best.get(name)?.dims];
    if (here.join() === there?.join()) continue;
    throw new AppError(
      "shapeMismatch",
      `The weights of the run '${run}' do not fit: ${there ? `'${name}' is ${there.join(" × ")} there and ${here.join(" × ")} here` : `it has no '${name}'`}.`,
      "Train anew: the data have outgrown the network of that run, or it is another one.",
      { run, name },
    );
  }
  return new Map(parameters.map((name) => [name, best.get(name)!]));
}

/** Throws valueInvalid for a class that the earlier run does not know: its last layer has no answer for it. */
export function refuseNewClasses(known: readonly string[] | undefined, now: readonly string[] | undefined, file: string): void {
  const fresh = known && now?.find((name) => !known.includes(name));
  if (fresh === undefined) return;
  throw new AppError(
    "valueInvalid",
    `'${basename(file)}' has the class "${fresh}", which the earlier run does not know.`,
    "Train anew, so that the network gets an answer for it.",
    { file, value: fresh },
  );
}
