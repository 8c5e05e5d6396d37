// Text as a person writes it → what a model's inputs take: float32 with NaN for missing, or trimmed text with "" for missing.
// Read as the training file was read (worker/data), so that the same cell means the same.
import { AppError } from "../../ipc/error.ts";
import { isMissingNumber } from "../data/missing.ts";
import { type NumberFormat, numberOf } from "../data/numbers.ts";
import { trimmed } from "../data/readings.ts";
import type { ModelInput } from "../formats/modelCard.ts";
import { float32, strings, type Tensor } from "../tensor.ts";

/**
 * Missing → NaN; undefined for what is no number, or one beyond float32.
 * @param format how the training file wrote the column; plain numbers and "1,234.5" are read in any case
 */
export function readNumber(text: string, format: NumberFormat = "plain"): number | undefined {
  const cell = trimmed(text);
  if (isMissingNumber(cell)) return NaN;
  for (const reading of new Set([format, "plain", "1,234.5"] as const)) {
    const value = numberOf(cell, reading);
    if (!Number.isNaN(value)) return Number.isFinite(Math.fround(value)) ? value : undefined;
  }
  return undefined;
}

export interface CellReading {
  /** Number of the first cell's row, from 1, and the file's name: for errors. */
  firstRow: number;
  file?: string;
  /** Cells that are no numbers count as missing, as in training. */
  lenient?: boolean;
}

/**
 * One column of cells as the tensor its input takes, [n, 1]. Words and dates go in as they are: the graph knows which it has seen.
 * @throws AppError valueInvalid with row, column and the text, where a number cannot be read
 */
export function readColumn(input: ModelInput, cells: readonly string[], reading: CellReading): Tensor {
  const dims = [cells.length, 1];
  if (input.kind !== "number") return strings(dims, cells.map(trimmed));
  const values = new Float32Array(cells.length);
  cells.forEach((cell, i) => {
    const value = readNumber(cell, input.format);
    if (value === undefined && !reading.lenient && !input.missing?.includes(trimmed(cell)))
      throw notANumber(input.column, cell, reading.firstRow + i, reading.file);
    values[i] = value ?? NaN;
  });
  return float32(dims, values);
}

function notANumber(column: string, cell: string, row: number, file?: string): AppError {
  const shown = cell.length > 60 ? `${cell.slice(0, 60)}…` : cell;
  return new AppError(
    "valueInvalid",
    `${file ? `'${file}', ` : ""}row ${row}, column '${column}': '${shown}' is not a number that the model can take.`,
    "Write a number such as 1234.5, or leave the cell empty where the value is not known.",
    { ...(file ? { file } : {}), row, column, value: shown },
  );
}
