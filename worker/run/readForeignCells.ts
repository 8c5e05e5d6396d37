// A cell of a table as a number for somebody's network: read as the column is written; a missing one is NaN where the input takes floats.
import { AppError } from "../../ipc/error.ts";
import type { Table } from "../data/table.ts";
import type { ValueInfo } from "../onnx/graph.ts";
import { isFloat } from "../tensor.ts";
import { readNumber } from "./readCells.ts";

/** Throws valueInvalid with row and column. */
export function readCell(
  cell: string,
  { profile, readings }: Table,
  place: number,
  { row, info }: { row: number; info: ValueInfo },
): number {
  const reading = readings[place]!;
  const value = readNumber(cell, reading.type === "number" ? reading.format : "plain");
  const missing = value !== undefined && Number.isNaN(value);
  if (value !== undefined && (!missing || isFloat(info.dtype))) return value;
  const column = profile.columns[place]!.name;
  throw new AppError(
    "valueInvalid",
    missing
      ? `Row ${row} of '${profile.file}' has nothing in "${column}", and the model takes ${info.dtype} there.`
      : `'${cell.slice(0, 60)}' in row ${row}, column "${column}" of '${profile.file}' is not a number.`,
    "Correct the cell.",
    { file: profile.file, row, column, value: cell.slice(0, 100) },
  );
}
