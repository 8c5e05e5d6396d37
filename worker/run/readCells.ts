// Text as a person writes it → what a model's inputs take: float32 with NaN for missing, or trimmed text with "" for missing.
import { AppError } from "../../ipc/error.ts";
import { isMissingNumber, isMissingWord } from "../data/missing.ts";
import type { ModelInput } from "../formats/modelCard.ts";
import { float32, strings, type Tensor } from "../tensor.ts";

const plain = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const grouped = /^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/;

/** "1,234.5" → 1234.5; missing → NaN; undefined for what is no number, or one beyond float32. */
export function readNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (isMissingNumber(trimmed)) return NaN;
  const digits = grouped.test(trimmed) ? trimmed.replaceAll(",", "") : trimmed;
  if (!plain.test(digits)) return undefined;
  const value = Number(digits);
  return Number.isFinite(Math.fround(value)) ? value : undefined;
}

/**
 * One column of cells as the tensor its input takes, [n, 1].
 * @param known values of a category column that the model knows: "NA" may be one of them
 * @param firstRow number of the first cell's row, from 1, for errors
 * @throws AppError valueInvalid with row, column and the text, where a number cannot be read
 */
export function readColumn(input: ModelInput, cells: readonly string[], known: readonly string[], firstRow: number, file?: string): Tensor {
  const dims = [cells.length, 1];
  if (input.kind !== "number") {
    const texts = cells.map((cell) => cell.trim());
    return strings(
      dims,
      texts.map((text) => (isMissingWord(text, known) && !known.includes(text) ? "" : text)),
    );
  }
  const values = new Float32Array(cells.length);
  cells.forEach((cell, i) => {
    const value = readNumber(cell);
    if (value === undefined) throw notANumber(input.column, cell, firstRow + i, file);
    values[i] = value;
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
