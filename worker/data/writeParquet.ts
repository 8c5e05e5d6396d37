// Rows of text and numbers into a Parquet file. They wait in a DuckDB file beside it, so memory does not grow with their number.
import { rm } from "node:fs/promises";
import { literal } from "./duckdb.ts";

export interface ParquetColumn {
  /** Distinct without regard to case (see `distinctNames`). */
  name: string;
  type: "text" | "float32";
}

export interface ParquetFile {
  /** Appends one row: text, numbers, or null, in the order of the columns. */
  append(cells: (string | number | null)[]): void;
  /** Call after each chunk of rows. */
  flush(): void;
  /** Writes the file and clears up. */
  finish(): Promise<void>;
  /** Leaves nothing behind. */
  abandon(): Promise<void>;
}

/** Opens `path` (a new file) for rows; order is kept. DuckDB's own errors come through: the caller knows what the file is for. */
export async function openParquet(path: string, columns: ParquetColumn[]): Promise<ParquetFile> {
  const database = `${path}.duckdb`;
  const instance = await (
    await import("@duckdb/node-api")
  ).DuckDBInstance.create(database, {
    threads: "1",
    memory_limit: "512MB",
    temp_directory: `${database}.tmp`,
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  const leave = async () => {
    connection.closeSync();
    instance.closeSync();
    for (const left of [database, `${database}.wal`, `${database}.tmp`]) await rm(left, { recursive: true, force: true });
  };
  const abandon = async () => {
    await leave();
    await rm(path, { force: true });
  };
  try {
    const list = columns.map(({ name, type }) => `"${name.replaceAll('"', '""')}" ${type === "text" ? "VARCHAR" : "FLOAT"}`);
    // The fences of duckdb.ts: it may touch this one file and nothing else.
    await connection.run(`SET allowed_paths = [${literal(path)}]`);
    await connection.run("SET enable_external_access = false");
    await connection.run("SET lock_configuration = true");
    await connection.run(`CREATE TABLE rows (${list.join(", ")})`);
    const appender = await connection.createAppender("rows");
    return {
      append(cells) {
        for (const cell of cells) {
          if (cell === null) appender.appendNull();
          else if (typeof cell === "string") appender.appendVarchar(cell);
          else appender.appendFloat(cell);
        }
        appender.endRow();
      },
      flush: () => appender.flushSync(),
      async finish() {
        try {
          appender.closeSync();
          await connection.run(`COPY rows TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
        } finally {
          await leave();
        }
      },
      abandon,
    };
  } catch (error) {
    await abandon();
    throw error;
  }
}

/** Databases look columns up without case: a name that is there already gets a trailing "_", an empty one becomes "_". */
export function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let free = name === "" ? "_" : name;
    while (taken.has(free.toLowerCase())) free += "_";
    taken.add(free.toLowerCase());
    return free;
  });
}
