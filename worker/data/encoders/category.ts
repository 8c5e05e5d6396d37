// A category becomes a whole number: 0 for missing, unknown and rare ones, i + 1 for the i-th value kept. What is rare in the train
// rows goes to 0 too, so that the network knows what to do with a value it never saw. Every spelling in the file is kept (with
// the blanks around it), as the model reads raw text.
import type { Builder, Value } from "../../ops/builder.ts";
import { type Database, literal } from "../duckdb.ts";
import { countedSql, type Reading } from "../readings.ts";

export interface CategoryEncoder {
  kind: "category";
  column: string;
  /** The most frequent first; values[i] has code i + 1. */
  values: string[];
  /** Text as written → code. Holds the values themselves. */
  spellings: Record<string, number>;
  /** Texts that mean missing, besides the empty one. */
  missing: string[];
}

/** Values of one column that get a code of their own. */
const mostValues = 1024;

/** How often a value must occur among the train rows to be learned. */
function leastCount(rows: number): number {
  return rows < 200 ? 1 : rows < 5000 ? 2 : 5;
}

/** @param train SQL over the columns of `raw`: whether a row is learned from; `rows` of them are */
export async function fitCategory(
  database: Database,
  reading: Reading,
  train: string,
  rows: number,
  signal?: AbortSignal,
): Promise<CategoryEncoder> {
  const counted = countedSql(reading, `c${reading.index} IS NOT NULL`, `count_if(${train})`);
  const kept = `SELECT v, sum(n) AS many FROM ${counted} WHERE v IS NOT NULL GROUP BY v HAVING many >= ${leastCount(rows)} ORDER BY many DESC, v LIMIT ${mostValues}`;
  const spelled = await database.rows(
    `SELECT v, c FROM (${kept}) JOIN ${counted} USING (v) ORDER BY many DESC, v, n DESC, c LIMIT ${16 * mostValues}`,
    signal,
  );
  const values: string[] = [];
  const spellings = Object.create(null) as Record<string, number>; // a value may be called __proto__
  for (const [v, c] of spelled) {
    const value = String(v);
    if (values.at(-1) !== value) {
      values.push(value);
      spellings[value] = values.length;
    }
    spellings[String(c)] = values.length;
  }
  return { kind: "category", column: reading.name, values, spellings, missing: reading.missing };
}

/** SQL: the code of `v` (VARCHAR, trimmed), INTEGER. The engine looks values of an enum up by their hash. */
export function categorySql(encoder: CategoryEncoder, v: string): string {
  if (encoder.values.length === 0) return "0";
  const values = `ENUM(${encoder.values.map(literal).join(", ")})`;
  return `coalesce(enum_code(TRY_CAST(${v} AS ${values}))::INTEGER + 1, 0)`;
}

/** ONNX: raw text (n, 1) → codes (n, 1) int64. */
export function categoryOnnx(g: Builder, encoder: CategoryEncoder, x: Value): Value {
  const spellings = Object.entries(encoder.spellings);
  const known: [string, number][] = spellings.length ? spellings : [["", 0]]; // an encoder may not be empty
  return g.op(
    "LabelEncoder",
    [x],
    { keys_strings: known.map(([text]) => text), values_int64s: known.map(([, code]) => code), default_int64: 0 },
    { domain: "ai.onnx.ml" },
  );
}
