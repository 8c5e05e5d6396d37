// Samples of data looked up by their places or by what they are, with the answers that the data give them.
import { AppError } from "../../../ipc/error.ts";
import type { FoundSample, TrainSpec } from "../../../ipc/types.ts";
import { rowsWith } from "../../data/corrected.ts";
import { openPictures } from "../../data/images/pictures.ts";
import { classText, rawValueSql } from "../../data/readings.ts";
import { openTable } from "../../data/table.ts";
import { openTexts } from "../../data/text/openTexts.ts";
import { kindOf } from "./guess.ts";
import type { Source } from "./kind.ts";

export interface Wanted {
  /** Places, from 1. */
  rows?: readonly number[];
  hashes?: readonly string[];
}

/**
 * In the order of their places; of copies the first. What is not there is left out.
 * @throws what reading throws; usage for data that have no answers to correct; targetMissing where the spec's column is not there
 */
export async function findSamples(spec: TrainSpec, wanted: Wanted, source: Source): Promise<FoundSample[]> {
  const kind = await kindOf(spec.data, spec, source);
  if (kind === "images") return findPictures(spec, wanted, source);
  if (kind === "table" || kind === "text") return findRows(spec, wanted, source, kind === "text");
  throw new AppError(
    "usage",
    kind === "ratings" ? "Ratings are not corrected: they are what people said." : "Text to learn to write from has no answers to correct.",
    "Correct answers of tables, pictures and texts.",
    { kind },
  );
}

async function findRows(spec: TrainSpec, { rows = [], hashes = [] }: Wanted, source: Source, texts: boolean): Promise<FoundSample[]> {
  const { cache, signal } = source;
  const table = await (texts ? openTexts : openTable)(spec.data, { cache, part: spec.part, signal });
  try {
    const target = table.readings.find(({ name }) => name === spec.target);
    if (!target)
      throw new AppError("targetMissing", `'${table.profile.file}' has no column '${spec.target ?? ""}'.`, "Use the data of the run.", {
        file: table.profile.file,
        column: spec.target ?? "",
      });
    const found = await rowsWith(table.database, hashes, signal);
    const first = new Map(found.reverse().map(([row, hash]) => [hash, row]));
    const places = [...new Set([...rows.map((row) => row - 1), ...first.values()])].filter((row) => row >= 0 && row < table.profile.rows);
    if (places.length === 0) return [];
    const value = classText(target, rawValueSql(target));
    const sql = `SELECT rowid, k::VARCHAR, (${value})::VARCHAR FROM raw WHERE rowid IN (${places.join(", ")}) ORDER BY rowid`;
    const answers = await table.database.rows(sql, signal);
    return answers.map(([row, hash, answer]) => ({
      row: Number(row) + 1,
      hash: String(hash),
      answer: answer === null ? "" : String(answer),
    }));
  } finally {
    await table.close();
  }
}

async function findPictures(spec: TrainSpec, { rows = [], hashes = [] }: Wanted, { cache, signal }: Source): Promise<FoundSample[]> {
  const { profile, pictures } = await openPictures(spec.data, { cache, signal, target: spec.target });
  const wanted = new Set(hashes);
  const places = new Set(rows);
  const found: FoundSample[] = [];
  for (const [i, { sha, name, label }] of pictures.entries()) {
    if (!places.has(i + 1) && !wanted.delete(sha)) continue;
    found.push({ row: i + 1, hash: sha, file: name, answer: profile.classes[label]?.name ?? "" });
  }
  return found;
}
