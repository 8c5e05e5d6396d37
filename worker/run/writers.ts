// Predictions into a file: CSV, JSON Lines or Parquet by the file's ending. Rows arrive in chunks and leave at once, so memory does not grow
// with the file. Everything goes into a temporary neighbour that takes the final name only when it is complete.
import { randomBytes } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import { distinctNames, openParquet } from "../data/writeParquet.ts";

/** What the model said about a run of rows: class numbers with probabilities (n, C), or values (n). */
export type Scored = { classes: Int32Array; probabilities: Float32Array } | { values: Float32Array };

export interface RowWriter {
  /** Appends rows (cells as text, "" for missing, in the order of the columns) with their predictions. */
  write(rows: string[][], scored: Scored): Promise<void>;
  /** Makes the file appear under its name. */
  finish(): Promise<void>;
  /** Leaves nothing behind. */
  abandon(): Promise<void>;
}

export interface Sheet {
  columns: string[];
  /** Class names in order; absent for regression. */
  classes?: string[];
  /** The one column names the file that each row is: JSON Lines say it as `file`. */
  files?: boolean;
}

const writers = { ".csv": csvWriter, ".jsonl": jsonlWriter, ".parquet": parquetWriter };

/** @throws AppError usage for an ending that is none of .csv, .jsonl, .parquet; folderNotWritable when the folder takes no file. */
export async function openWriter(out: string, sheet: Sheet): Promise<RowWriter> {
  const ending = extname(out).toLowerCase();
  const create = Object.hasOwn(writers, ending) ? writers[ending as keyof typeof writers] : undefined;
  if (!create)
    throw new AppError(
      "usage",
      `Predictions cannot be written to '${basename(out)}': the ending says no known kind of file.`,
      "Give a name that ends in .csv, .jsonl or .parquet.",
      { file: out },
    );
  const temporary = join(dirname(out), `.${basename(out)}.${randomBytes(6).toString("hex")}.part`);
  try {
    return await create(out, temporary, sheet);
  } catch (error) {
    throw notWritable(out, error);
  }
}

// ---------------------------------------------------------------------------------------------------------------- CSV

/** RFC 4180: comma, CRLF, quotes doubled. The columns of the file as they were, then `prediction`, then one `probability …` a class. */
async function csvWriter(out: string, temporary: string, sheet: Sheet): Promise<RowWriter> {
  const lines = await textFile(out, temporary);
  const labels = sheet.classes?.map((label) => csvCell(withoutFormula(label)));
  await lines.write([...sheet.columns, ...addedColumns(sheet)].map(csvCell).join(",") + "\r\n");
  return {
    ...lines,
    async write(rows, scored) {
      let text = "";
      rows.forEach((cells, i) => {
        text += cells.map(csvCell).join(",");
        text += "values" in scored ? `,${shortest(scored.values[i]!)}` : `,${labels![scored.classes[i]!]}`;
        if ("probabilities" in scored)
          for (let c = 0, n = labels!.length; c < n; c++) text += `,${shortest(scored.probabilities[i * n + c]!)}`;
        text += "\r\n";
      });
      await lines.write(text);
    },
  };
}

function csvCell(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A class name that a spreadsheet would run as a formula gets an apostrophe in front. Class names come out of a model file, which may be a
 * stranger's; the user's own cells stay as they were. Numbers ("-1", "+1") and lone signs ("+", "-": common class names) are harmless.
 */
export function withoutFormula(label: string): string {
  return /^[=+\-@\t\r]./s.test(label) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(label) ? `'${label}` : label;
}

/** Names of the columns that predictions add, kept apart from the file's own by a trailing "_" (compared as databases do, without case). */
function addedColumns(sheet: Sheet): string[] {
  const taken = new Set(sheet.columns.map((name) => name.toLowerCase()));
  return ["prediction", ...(sheet.classes ?? []).map((label) => `probability ${label}`)].map((name) => {
    while (taken.has(name.toLowerCase())) name += "_";
    taken.add(name.toLowerCase());
    return name;
  });
}

// ---------------------------------------------------------------------------------------------------------------- JSON Lines

/** One object a row: {row, prediction, probabilities?, input: {column: cell}}, or {row, prediction, probabilities?, file}. */
async function jsonlWriter(out: string, temporary: string, sheet: Sheet): Promise<RowWriter> {
  const lines = await textFile(out, temporary);
  const names = sheet.columns.map((name) => JSON.stringify(name));
  const labels = sheet.classes?.map((label) => JSON.stringify(label));
  let row = 0;
  return {
    ...lines,
    async write(rows, scored) {
      let text = "";
      rows.forEach((cells, i) => {
        const input = cells.map((cell, c) => `${names[c]!}:${JSON.stringify(cell)}`).join(",");
        text += `{"row":${++row},`;
        if ("values" in scored) text += `"prediction":${JSON.stringify(shortest(scored.values[i]!))},`;
        else {
          const given = labels!.map((label, c) => `${label}:${JSON.stringify(shortest(scored.probabilities[i * labels!.length + c]!))}`);
          text += `"prediction":${labels![scored.classes[i]!]!},"probabilities":{${given.join(",")}},`;
        }
        text += sheet.files ? `${input}}\n` : `"input":{${input}}}\n`;
      });
      await lines.write(text);
    },
  };
}

// ---------------------------------------------------------------------------------------------------------------- Parquet

/** The file's columns as text (NULL for missing), `prediction` as text or float, `probability …` as float. */
async function parquetWriter(out: string, temporary: string, sheet: Sheet): Promise<RowWriter> {
  const names = distinctNames(sheet.columns);
  const added = addedColumns({ ...sheet, columns: names });
  const file = await openParquet(temporary, [
    ...names.map((name) => ({ name, type: "text" as const })),
    ...added.map((name, i) => ({ name, type: i === 0 && sheet.classes ? ("text" as const) : ("float32" as const) })),
  ]);
  return {
    async write(rows, scored) {
      rows.forEach((cells, i) => {
        const row: (string | number | null)[] = cells.map((cell) => (cell === "" ? null : cell));
        if ("values" in scored) row.push(scored.values[i]!);
        else {
          const classes = sheet.classes!;
          row.push(classes[scored.classes[i]!]!, ...scored.probabilities.subarray(i * classes.length, (i + 1) * classes.length));
        }
        file.append(row);
      });
      file.flush();
    },
    async finish() {
      try {
        await file.finish();
        const handle = await open(temporary, "r+");
        await handle.sync();
        await handle.close();
        await rename(temporary, out);
      } catch (error) {
        await rm(temporary, { force: true });
        throw notWritable(out, error);
      }
    },
    abandon: () => file.abandon(),
  };
}

// ---------------------------------------------------------------------------------------------------------------- files

async function textFile(out: string, temporary: string) {
  const handle: FileHandle = await open(temporary, "wx");
  return {
    async write(text: string): Promise<void> {
      try {
        await handle.writeFile(text);
      } catch (error) {
        throw notWritable(out, error);
      }
    },
    async finish(): Promise<void> {
      try {
        await handle.sync();
        await handle.close();
        await rename(temporary, out);
      } catch (error) {
        throw notWritable(out, error);
      }
    },
    async abandon(): Promise<void> {
      await handle.close().catch(() => undefined);
      await rm(temporary, { force: true });
    },
  };
}

function notWritable(out: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const full = (error as NodeJS.ErrnoException | null)?.code === "ENOSPC";
  return full
    ? new AppError("diskFull", `The disk is full: '${out}' was not written.`, "Free some space and try again.", { file: out }, error)
    : new AppError(
        "folderNotWritable",
        `The file '${out}' cannot be written.`,
        "Choose a folder that exists and that you may write to.",
        { file: out },
        error,
      );
}

/** The float32 as the shortest number that rounds to it, so that 24.3 is not shown as 24.299999237060547. */
export function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}
