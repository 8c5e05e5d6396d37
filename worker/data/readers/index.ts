// Which reader takes a file: its first bytes decide, its name only where they leave it open.
import { open } from "node:fs/promises";
import { extname } from "node:path";
import { arrow } from "./arrow.ts";
import { csv } from "./csv.ts";
import { duckdb } from "./duckdb.ts";
import { json } from "./json.ts";
import { parquet } from "./parquet.ts";
import type { Reader } from "./reader.ts";
import { sqlite } from "./sqlite.ts";
import { xlsx } from "./xlsx.ts";

export type { Reader };

/** In the order in which they are asked; csv takes what is left. */
export const readers: readonly Reader[] = [xlsx, parquet, arrow, sqlite, duckdb, json, csv];

const headBytes = 4096;

/** Reads the first bytes of `file`. Node's own errors come through. */
export async function readerOf(file: string): Promise<Reader> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.alloc(headBytes);
    const { bytesRead } = await handle.read(buffer, 0, headBytes, 0);
    const head = buffer.subarray(0, bytesRead);
    const ending = extname(file).toLowerCase();
    return readers.find((reader) => reader.accepts(head, ending))!;
  } finally {
    await handle.close();
  }
}
