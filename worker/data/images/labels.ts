// A table beside the pictures that says what each shows, read as any table is.
import { rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { draftFolder } from "../cache.ts";
import { openTable } from "../table.ts";
import type { Entry } from "./entry.ts";

export interface LabelTable {
  name: string;
  columns: string[];
  rows: string[][];
}

/** Rows read at once, and at most. */
const step = 50_000;
const most = 2_000_000;

/** Throws what reading a table throws. */
export async function readLabels(
  entry: Entry,
  { cache, signal }: { cache: string; signal?: AbortSignal | undefined },
): Promise<LabelTable> {
  const bytes = await entry.read();
  const folder = await draftFolder(cache);
  try {
    const file = join(folder, basename(entry.name));
    await writeFile(file, bytes);
    const table = await openTable(file, { cache: join(folder, "cache"), signal });
    try {
      const rows: string[][] = [];
      while (rows.length < Math.min(most, table.profile.rows)) rows.push(...(await table.rows(rows.length, step)));
      return { name: entry.name, columns: table.profile.columns.map((column) => column.name), rows };
    } finally {
      await table.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
