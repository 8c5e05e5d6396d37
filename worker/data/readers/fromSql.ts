// Typed columns that the engine itself reads (Parquet files, tables of a DuckDB file) as the texts of `raw`: nested fields one by one under
// dotted names, whole days as dates, infinity and NaN as missing.
import type { Problem } from "../../../ipc/types.ts";
import type { Database } from "../duckdb.ts";
import { leftOut, maxColumns } from "./reader.ts";

export interface SqlColumn {
  name: string;
  /** An expression that gives VARCHAR. */
  sql: string;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The columns of a relation, nested ones taken apart. `told` says what was left out. */
export async function columnsOf(
  database: Database,
  relation: string,
  signal?: AbortSignal,
): Promise<{ columns: SqlColumn[]; told: Problem[] }> {
  const described = await database.rows(`DESCRIBE SELECT * FROM ${relation}`, signal);
  const columns: SqlColumn[] = [];
  const told: Problem[] = [];
  for (const [name, type] of described) await take(String(name), quoted(String(name)), String(type), 0);
  return { columns, told };

  async function take(name: string, sql: string, type: string, depth: number): Promise<void> {
    if (columns.length > maxColumns) return;
    if (type.startsWith("STRUCT(") && !type.endsWith("]") && depth < 8) {
      const inner = `(SELECT ${sql} AS s FROM ${relation})`;
      for (const [key, of] of await database.rows(`DESCRIBE SELECT s.* FROM ${inner}`, signal))
        await take(`${name}.${String(key)}`, `struct_extract(${sql}, ${literalOf(String(key))})`, String(of), depth + 1);
    } else if (type === "BLOB") {
      const text = await decodes(database, relation, sql, signal);
      if (text) columns.push({ name, sql: `TRY(decode(${sql}))` });
      else told.push(leftOut(name, "bytes"));
    } else columns.push({ name, sql: textSql(sql, type) });
  }
}

const literalOf = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function textSql(sql: string, type: string): string {
  if (type === "VARCHAR") return sql;
  if (type === "DOUBLE" || type === "FLOAT") return `CASE WHEN isfinite(${sql}) THEN regexp_replace(${sql}::VARCHAR, '\\.0$', '') END`;
  // The offset would say UTC in every row.
  if (type === "TIMESTAMP WITH TIME ZONE") return `(epoch_us(${sql}) * INTERVAL 1 microsecond + TIMESTAMP '1970-01-01')::VARCHAR`;
  if (type === "TIMESTAMP_NS") return `(${sql}::TIMESTAMP)::VARCHAR`;
  if (type.endsWith("]") || type.startsWith("STRUCT(") || type.startsWith("MAP(")) return `to_json(${sql})::VARCHAR`;
  return `${sql}::VARCHAR`;
}

/** Whether the bytes of the first rows are texts, as old writers leave them. */
async function decodes(database: Database, relation: string, sql: string, signal?: AbortSignal): Promise<boolean> {
  const [row] = await database.rows(`SELECT count(b), count(TRY(decode(b))) FROM (SELECT ${sql} AS b FROM ${relation} LIMIT 1000)`, signal);
  return Number(row![0]) > 0 && row![0] === row![1];
}

/** What `createRaw` selects from. */
export function sourceOf(columns: readonly SqlColumn[], relation: string): string {
  return `(SELECT ${columns.map(({ sql }, i) => `${sql} AS c${i}`).join(", ")} FROM ${relation})`;
}
