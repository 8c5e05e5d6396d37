// Corrections on disk: corrections.jsonl, beside a project's data, or in a run's own folder where it belongs to no project. The file only
// grows; whatever is withdrawn stays readable in it.
import { randomBytes } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { correctionsOf } from "../ipc/corrections.ts";
import { AppError } from "../ipc/error.ts";
import type { Correction, CorrectionLine, CorrectionOrigin, FoundSample, ListedCorrection, RunRecord, TrainSpec } from "../ipc/types.ts";
import { fileError, readText, refuseLink } from "./files.ts";
import type { Paths } from "./paths.ts";
import { readReport } from "./reports.ts";
import { readRun } from "./runs.ts";

/** Looks samples up in the data: a call to a worker. */
type Find = (input: { spec: TrainSpec; rows?: number[]; hashes?: string[] }) => Promise<FoundSample[]>;

/** Where the corrections seen in a run are kept. */
export function correctionsFile(folder: string, { spec }: RunRecord, paths: Paths): string {
  const project = dirname(dirname(folder));
  if (resolve(dirname(project)) === resolve(paths.projects)) return paths.corrections(basename(project));
  return spec.corrections ?? join(folder, "corrections.jsonl");
}

/** The corrections that hold, in the order they were made. */
export async function readCorrections(path: string): Promise<Correction[]> {
  return correctionsOf((await readText(path)) ?? "");
}

/** The same, with which of them have lost their row; without data to look into, all have. */
export async function listCorrections(path: string, spec: TrainSpec, find: Find): Promise<ListedCorrection[]> {
  const all = await readCorrections(path);
  if (all.length === 0) return [];
  const target = spec.target ?? all.find((one) => one.target !== undefined)?.target;
  const asked = { spec: { ...spec, ...(target === undefined ? {} : { target }) }, hashes: all.map(({ hash }) => hash) };
  const found = await find(asked).catch((thrown: unknown) => {
    if (AppError.from(thrown).code === "fileMissing") return [];
    throw thrown;
  });
  const there = new Set(found.map(({ hash }) => hash));
  return all.map((one) => ({ ...one, lost: !there.has(one.hash) }));
}

/**
 * Corrects a sample that was seen in the result of a run, in the place of what was said of it before. Undefined where it then says what the data
 * say: there is nothing to correct.
 * @param sample its place in the data (from 1), or what it is
 * @throws usage where there is no such sample; valueInvalid for a class that the run does not know, or what is no number; runNotTrained
 */
export async function correct(
  path: string,
  folder: string,
  { sample, to, origin }: { sample: { row: number } | { hash: string }; to: string; origin: CorrectionOrigin },
  find: Find,
): Promise<Correction | undefined> {
  const record = await readRun(folder);
  const { classes, target, task } = await readReport(folder);
  if (task !== "classification" && task !== "regression")
    throw new AppError("usage", "Only answers of tables, pictures and texts can be corrected.", "Choose such a run.", { task });
  const pictures = record.result?.pictures !== undefined;
  const spec = pictures ? record.spec : { ...record.spec, target };
  const [found] = await find({ spec, ...("row" in sample ? { rows: [sample.row] } : { hashes: [sample.hash] }) });
  if (!found)
    throw new AppError(
      "usage",
      "row" in sample ? `'${basename(spec.data)}' has no row ${sample.row}.` : "The sample is no longer among the data.",
      "Count from the first row of data as 1, as the list of mistakes does.",
      { file: basename(spec.data) },
    );
  const answer = checked(to, classes, target);
  const before = (await readCorrections(path)).filter((one) => one.hash === found.hash && (pictures || one.target === target));
  const when = Date.now();
  const lines: CorrectionLine[] = before.map(({ id }) => ({ do: "undo", id, when }));
  const made: Correction = {
    id: randomBytes(6).toString("hex"),
    when,
    origin,
    run: record.id,
    hash: found.hash,
    ...(found.file === undefined ? {} : { file: found.file }),
    row: found.row,
    ...(pictures ? {} : { target }),
    from: found.answer,
    to: answer,
  };
  const changes = classes ? answer !== found.answer : Number(answer) !== Number(found.answer) || found.answer === "";
  if (changes) lines.push({ do: "correct", ...made });
  await append(path, lines);
  return changes ? made : undefined;
}

/** Withdraws a correction. Throws usage where it does not hold. */
export async function undoCorrection(path: string, id: string): Promise<void> {
  if (!(await readCorrections(path)).some((one) => one.id === id))
    throw new AppError("usage", `There is no correction '${id}'.`, "It may have been withdrawn already.", { id });
  await append(path, [{ do: "undo", id, when: Date.now() }]);
}

function checked(to: string, classes: readonly string[] | undefined, target: string): string {
  const text = to.trim();
  if (classes?.includes(to)) return to;
  if (classes?.includes(text)) return text;
  if (!classes && text !== "" && Number.isFinite(Number(text))) return String(Number(text));
  throw new AppError(
    "valueInvalid",
    classes ? `'${to}' is none of the classes of "${target}".` : `'${to}' is no number.`,
    classes ? `Name one of: ${classes.slice(0, 20).join(", ")}.` : "Write it with digits and a point, such as 12.5.",
    { value: to, column: target },
  );
}

/** Adds whole lines, and begins a new one where a crash left half of one. */
async function append(path: string, lines: readonly CorrectionLine[]): Promise<void> {
  if (lines.length === 0) return;
  try {
    await refuseLink(path);
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, "a+");
    try {
      const { size } = await file.stat();
      // A run names this file, and a run may come from a stranger: nothing else is ever added to.
      const { bytesRead, buffer } = await file.read(Buffer.alloc(32), 0, 32, 0);
      if (!/\.jsonl$/i.test(path) || (size > 0 && !/^\s*\{"do":"(correct|undo)"/.test(buffer.toString("latin1", 0, bytesRead))))
        throw new AppError("usage", `'${path}' is not a file of corrections.`, "Name a corrections.jsonl, or leave it out.", { path });
      const last = size > 0 ? (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0] : 10;
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
      await file.appendFile(last === 10 ? text : `\n${text}`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw fileError(thrown, path, false);
  }
}
