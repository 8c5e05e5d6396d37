// All rows of a table as a network sees them, in one pass of the engine, parted into train, validation and test.
import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { SplitBy } from "../../ipc/types.ts";
import { literal } from "./duckdb.ts";
import { categorySql } from "./encoders/category.ts";
import { dateSql } from "./encoders/date.ts";
import { bendSql, cutSql, floatSql, zSql } from "./encoders/number.ts";
import { classSql, type Encoding, targetOf } from "./encoding.ts";
import { type Reading, typedSql } from "./readings.ts";
import { type EncodedSplit, fileStore, type Layout, memoryStore, type RowStore, wordsOf } from "./rowStore.ts";
import { planSplit, type SplitSpec } from "./split.ts";
import type { Table } from "./table.ts";

export type { Batch, EncodedSplit } from "./rowStore.ts";

export interface EncodeOptions {
  split: SplitSpec;
  /** Folder for rows that do not fit the budget; made when needed. */
  scratch: string;
  signal?: AbortSignal;
  /** Bytes of encoded rows that may stay in memory; default 256 MB. */
  memoryBudget?: number;
  /** Whether the rows of validation go to the train part, told of the rows of the three parts; default: they do not. */
  join?: (counts: readonly [number, number, number]) => boolean;
}

export interface EncodedTable {
  train: EncodedSplit;
  validation: EncodedSplit;
  test: EncodedSplit;
  /** How the rows were parted. */
  by: SplitBy;
  close(): Promise<void>;
}

/** Rows without a target are left out. Throws columnMissing, targetMissing, cancelled, diskFull. */
export async function encodeTable(table: Table, encoding: Encoding, options: EncodeOptions): Promise<EncodedTable> {
  const { database } = table;
  const { signal } = options;
  const target = targetOf(table, encoding.target, encoding.task);
  const planned = await planSplit(table, target, options.split, encoding.task === "classification", signal);
  const [train, validation, test] = planned.counts;
  const split = options.join?.(planned.counts)
    ? { sql: `(CASE WHEN ${planned.sql} = 2 THEN 2 ELSE 0 END)`, counts: [train + validation, 0, test] as const }
    : planned;
  const layout: Layout = { numeric: encoding.numeric, categories: encoding.categories.length, classes: encoding.classes !== undefined };
  const width = wordsOf(layout);
  const budget = options.memoryBudget ?? 256e6;
  const total = split.counts[0] + split.counts[1] + split.counts[2];
  const inFile = total * width * 4 > budget;
  if (inFile) await mkdir(options.scratch, { recursive: true });
  const stores: RowStore[] = [];
  const close = async (): Promise<void> => {
    for (const store of stores) await store.close();
  };
  try {
    for (const rows of split.counts)
      stores.push(inFile ? await fileStore(layout, rows, join(options.scratch, `rows-${randomUUID()}.bin`)) : memoryStore(layout, rows));
    const buffers = stores.map(() => new Int32Array(width * 2048));
    const filled = [0, 0, 0];
    for await (const chunk of database.chunks(encodedSql(table, encoding, target, split.sql), signal)) {
      const columns = Array.from({ length: chunk.columnCount }, (_, i) => chunk.getColumnVector(i));
      const parts = Uint8Array.from({ length: chunk.rowCount }, (_, r) => Number(columns[0]!.getItem(r)));
      const places = new Uint32Array(chunk.rowCount);
      filled.fill(0);
      for (let r = 0; r < chunk.rowCount; r++) places[r] = filled[parts[r]!]!++ * width;
      const floats = buffers.map((words) => new Float32Array(words.buffer));
      for (let c = 0; c < width; c++) {
        const vector = columns[c + 1]!;
        const float = c < layout.numeric || (c === width - 2 && !layout.classes);
        const into: (Int32Array | Float32Array)[] = float ? floats : buffers;
        for (let r = 0; r < chunk.rowCount; r++) into[parts[r]!]![places[r]! + c] = Number(vector.getItem(r));
      }
      for (const [part, store] of stores.entries()) if (filled[part]! > 0) await store.append(buffers[part]!, filled[part]!);
    }
    for (const store of stores) await store.finish();
  } catch (error) {
    await close();
    throw error;
  }
  const [first, second, third] = stores as [RowStore, RowStore, RowStore];
  return { train: first, validation: second, test: third, by: planned.by, close };
}

/** part, then x, codes, y, row number: the columns of a record. */
function encodedSql(table: Table, encoding: Encoding, target: Reading, part: string): string {
  const readings = new Map(table.readings.map((reading) => [reading.name, reading]));
  const of = (column: string): Reading => {
    const reading = readings.get(column);
    if (reading) return reading;
    throw new AppError("columnMissing", `${table.profile.file} has no column "${column}".`, "Use the table that the run was trained on.", {
      file: table.profile.file,
      column,
    });
  };
  const z: string[] = [];
  const cuts: string[] = [];
  const numbers: string[] = [];
  const marks: string[] = [];
  const dates: string[] = [];
  const codes: string[] = [];
  const used: Reading[] = [target];
  for (const encoder of encoding.encoders) {
    const reading = of(encoder.column);
    const i = reading.index;
    used.push(reading);
    if (encoder.kind === "number") {
      z.push(`${zSql(`v${i}`, encoder.center, encoder.scale)} AS z${i}`);
      cuts.push(`${cutSql(`z${i}`)} AS a${i}`);
      numbers.push(bendSql(`a${i}`));
      if (encoder.hasMissing) marks.push(`CASE WHEN z${i} IS NULL THEN ${floatSql(1)} ELSE ${floatSql(0)} END`);
    } else if (encoder.kind === "date") {
      const sql = dateSql(encoder, i);
      z.push(`${sql.z} AS z${i}`);
      cuts.push(`${cutSql(`z${i}`)} AS a${i}`);
      dates.push(...sql.features(`z${i}`, `a${i}`));
    } else codes.push(categorySql(encoder, `v${i}`));
  }
  const v = `v${target.index}`;
  const { mean, std } = encoding.targetScale ?? { mean: 0, std: 1 };
  const y = encoding.classes
    ? `enum_code(TRY_CAST(${classSql(target)} AS ENUM(${encoding.classes.map(literal).join(", ")})))::INTEGER`
    : `((${v} - (${mean})::DOUBLE) / (${std})::DOUBLE)::FLOAT`;
  const middle = `(SELECT *${z.map((column) => `, ${column}`).join("")} FROM ${typedSql(used, { parts: true, also: { part } })} WHERE ${v} IS NOT NULL)`;
  const record = ["part", ...numbers, ...marks, ...dates, ...codes, y, "(r + 1)::INTEGER"];
  return `SELECT ${record.join(", ")} FROM (SELECT *${cuts.map((column) => `, ${column}`).join("")} FROM ${middle})`;
}
