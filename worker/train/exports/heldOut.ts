// The rows that an export is compared on: those of a run that it did not learn from, as people write them, with the right answers.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { ExportComparison, RunRecord, TableTask } from "../../../ipc/types.ts";
import type { WorkerEvents } from "../../../ipc/worker.ts";
import { correctedPictures } from "../../data/corrections.ts";
import { openPictures } from "../../data/images/pictures.ts";
import { decodeAll } from "../../data/images/pixels.ts";
import { splitPictures } from "../../data/images/split.ts";
import { openTable } from "../../data/table.ts";
import { openTexts } from "../../data/text/openTexts.ts";
import { openPredictor } from "../../run/predict.ts";
import { layoutOf } from "../../run/predictFile.ts";
import { openPicturePredictor, pictureChunk } from "../../run/pictureModel.ts";
import { tasks } from "../../tasks/index.ts";
import type { Target } from "../../tasks/task.ts";
import { answersOf } from "../answers.ts";
import { correctionsFor } from "../corrections.ts";
import { readJson, writeJson } from "../files.ts";
import { kindOf, kinds } from "../kinds/index.ts";
import { partsOf } from "../kinds/pictureSamples.ts";
import { defaults } from "../plan.ts";

export interface HeldOut {
  part: NonNullable<ExportComparison["part"]>;
  task: TableTask;
  target: Target;
  /** Class ids, or values. */
  truth: Int32Array | Float64Array;
  given: Cells | PictureRows;
}

/** Cells by input of the model's card. */
export interface Cells {
  kind: "cells";
  rows: string[][];
}

/** Pixels [height, width, 3] each. */
export interface PictureRows {
  kind: "pictures";
  size: number;
  pixels: Uint8Array[];
}

const most = { rows: 1000, pictures: 64 };

export interface HeldOutOptions {
  cache: string;
  signal: AbortSignal;
  onWorking?: ((working: WorkerEvents["working"]) => void) | undefined;
}

/**
 * @param folder of a run that is done
 * @throws usage for ratings; fileChanged and what reading throws where the data are not what they were
 */
export async function heldOutOf(folder: string, options: HeldOutOptions): Promise<HeldOut> {
  const record = await readJson<RunRecord>(join(folder, "run.json"));
  if (!record) throw new AppError("runMissing", `There is no run in '${folder}'.`, "Name the folder of a run.", { path: folder });
  const kind = await kindOf(record.spec.data, record.spec, options);
  if (kind === "images") return picturesOf(folder, record, options);
  if (kind !== "table" && kind !== "text")
    throw new AppError("usage", "A model of ratings is not written in this form.", "Take it as onnx or safetensors.", { kind });
  const scratch = await mkdtemp(join(tmpdir(), "paddock-export-"));
  try {
    const encoding = join(scratch, "encoding.json");
    await writeJson(encoding, JSON.parse(await readFile(join(folder, "encoding.json"), "utf8")));
    const prepared = await kinds[kind].prepare({ ...options, run: folder, record, paths: { encoding, scratch } });
    try {
      const part = (["test", "validation", "train"] as const).find((name) => prepared.data[name].rows > 0)!;
      // The network is not asked: only the right answers and their rows are taken.
      const width = prepared.task.outputs(prepared.target);
      const { truth, rowNumbers } = await answersOf(prepared.data[part], {
        task: prepared.task,
        target: prepared.target,
        rows: most.rows,
        run: (feeds) => Promise.resolve({ answer: blank(Object.values(feeds)[0]!.dims[0]!, width) }),
      });
      const task = prepared.task.truth === "classes" ? "classification" : "regression";
      const rows = await cellsOf(folder, kind, record, rowNumbers, options);
      return { part, task, target: prepared.target, truth, given: { kind: "cells", rows } };
    } finally {
      await prepared.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const blank = (rows: number, width: number) => ({ dtype: "float32" as const, dims: [rows, width], data: new Float32Array(rows * width) });

async function cellsOf(
  folder: string,
  kind: "table" | "text",
  { spec }: RunRecord,
  rowNumbers: Uint32Array,
  { cache, signal }: HeldOutOptions,
): Promise<string[][]> {
  const table = await (kind === "text" ? openTexts : openTable)(spec.data, { cache, signal, ...(spec.part === undefined ? {} : { part: spec.part }) }); // prettier-ignore
  const predictor = await openPredictor(folder);
  try {
    const { places } = await layoutOf(predictor.card, table);
    const rows: string[][] = [];
    for (const row of rowNumbers) {
      signal.throwIfAborted();
      const [cells] = await table.rows(row - 1, 1);
      rows.push(places.map((place) => cells![place]!));
    }
    return rows;
  } finally {
    await predictor.dispose();
    await table.close();
  }
}

async function picturesOf(
  folder: string,
  { spec, fingerprint }: RunRecord,
  { cache, signal, onWorking }: HeldOutOptions,
): Promise<HeldOut> {
  const set = await openPictures(spec.data, {
    cache,
    signal,
    target: spec.target,
    onProgress: (what, fraction) => onWorking?.({ what, fraction }),
  });
  if (fingerprint !== undefined && fingerprint !== set.profile.fingerprint)
    throw new AppError("fileChanged", `'${spec.data}' is not what this run learned from.`, "Put the old pictures back, or train again.", {
      file: spec.data,
    });
  const { profile, pictures } = correctedPictures(set, await correctionsFor(spec, folder));
  const dealt = { seed: spec.seed ?? defaults.seed, split: spec.split ?? true, by: spec.splitBy };
  const parts = partsOf(splitPictures(set.pictures, { ...dealt, classes: set.profile.classes.map(({ name }) => name) }).parts);
  const part = (["test", "validation", "train"] as const).find((name) => parts[name].length > 0)!;
  const all = parts[part];
  const count = Math.min(most.pictures, all.length);
  const places = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
  const predictor = await openPicturePredictor(folder);
  const { size } = predictor.card.setup;
  const { classes } = predictor.card;
  await predictor.dispose();
  const pixels: Uint8Array[] = [];
  for await (const one of decodeAll(set, size, { signal }, places)) pixels[places.indexOf(one.place)] = new Uint8Array(one.pixels);
  const names = profile.classes.map(({ name }) => classes.indexOf(name));
  const truth = Int32Array.from(places, (place) => names[pictures[place]!.label]!);
  return { part, task: "classification", target: { classes }, truth, given: { kind: "pictures", size, pixels } };
}

/** Probabilities (n, C) or values (n) by a run's folder or a model.onnx. */
export async function answersBy(model: string, { given }: HeldOut): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  if (given.kind === "pictures") {
    const predictor = await openPicturePredictor(model);
    try {
      for (let from = 0; from < given.pixels.length; from += pictureChunk) {
        const chunk = given.pixels.slice(from, from + pictureChunk);
        const { probabilities } = await predictor.score(Buffer.concat(chunk), chunk.length, given.size, given.size);
        parts.push(probabilities);
      }
    } finally {
      await predictor.dispose();
    }
    return joined(parts);
  }
  const predictor = await openPredictor(model);
  try {
    const step = predictor.chunk(predictor.card.inputs.length);
    for (let from = 0; from < given.rows.length; from += step) {
      const chunk = given.rows.slice(from, from + step);
      const columns = predictor.card.inputs.map((_, i) => chunk.map((row) => row[i]!));
      const scored = await predictor.score(columns, { firstRow: from + 1, lenient: true });
      parts.push("values" in scored ? scored.values : scored.probabilities);
    }
  } finally {
    await predictor.dispose();
  }
  return joined(parts);
}

export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** How two sets of answers to the same rows differ, and what each is worth. */
export function compare(held: HeldOut, before: Float32Array, after: Float32Array): ExportComparison {
  let difference = 0;
  for (const [i, value] of before.entries()) difference = Math.max(difference, Math.abs(value - after[i]!));
  const task = tasks[held.task];
  const worth = (predicted: Float32Array) => task.judge({ predicted, truth: held.truth }, held.target).metric;
  return {
    of: held.task === "classification" ? "probabilities" : "values",
    count: held.truth.length,
    part: held.part,
    difference: Number.isFinite(difference) && after.every(Number.isFinite) ? difference : Infinity,
    metric: { name: task.metric, before: worth(before), after: worth(after) },
  };
}
