// How the command line speaks: results on stdout (with --json exactly one JSON value), errors with their exit code, nothing else.
import type { AppError } from "../../ipc/error.ts";

export interface Answer {
  /** What --json prints. */
  json: unknown;
  /** What a person reads. */
  text: string;
  exitCode?: number;
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    // A reader that has left (`| head`) is no error of ours.
    stream.once("error", () => resolve());
    stream.write(text, () => resolve());
  });
}

/** Ends the process when everything is written. */
export async function end(code: number): Promise<void> {
  await write(process.stdout, "");
  await write(process.stderr, "");
  process.exit(code);
}

/** Nothing is printed for undefined: the command has said it all. */
export async function answer(said: Answer | undefined, asJson: boolean): Promise<void> {
  if (said) await write(process.stdout, `${asJson ? JSON.stringify(said.json) : said.text.trimEnd()}\n`);
  await end(said?.exitCode ?? 0);
}

/** {code, message, hint, data} as printed under `error`. */
export function errorJson({ code, message, hint, data }: AppError) {
  return { code, message, hint, data };
}

export async function fail(error: AppError, asJson: boolean): Promise<void> {
  if (asJson) await write(process.stdout, `${JSON.stringify({ error: errorJson(error) })}\n`);
  else await write(process.stderr, `paddock: ${error.message}\n${error.hint}\n`);
  await end(error.exitCode);
}

/** A table for reading: columns padded to their widest cell, numbers to the right. */
export function columns(rows: (string | number)[][]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, width(String(cell)))));
  const pad = (cell: string | number, i: number) => {
    const space = " ".repeat(widths[i]! - width(String(cell)));
    return typeof cell === "number" ? space + cell : cell + space;
  };
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}

/** Cells that a text takes on a terminal: East Asian letters take two. */
function width(text: string): number {
  return [...text].reduce(
    (sum, letter) =>
      sum + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]/.test(letter) ? 2 : 1),
    0,
  );
}

/** Four significant digits, without an exponent where one can do without. */
export function short(value: number | undefined): string {
  if (value === undefined) return "–";
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-4) ? value.toExponential(3) : String(Number(value.toPrecision(4)));
}

/** 512 B, 3.1 MB, 1.2 GB (powers of 1000). */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const at = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${Number((count / 1000 ** at).toPrecision(3))} ${units[at]}`;
}
