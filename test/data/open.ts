// Tables for the tests of worker/data: text in, an open table out, everything gone afterwards.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import { openTable, type Table } from "../../worker/data/table.ts";

/** A folder that is gone when the test file ends (call `remove` in afterAll). */
export function workplace(): { folder: string; cache: string; write(name: string, content: string | Uint8Array): string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "paddock-data-"));
  return {
    folder,
    cache: join(folder, "cache"),
    write(name, content) {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export async function withTable<T>(file: string, cache: string, use: (table: Table) => Promise<T> | T): Promise<T> {
  const table = await openTable(file, { cache });
  try {
    return await use(table);
  } finally {
    await table.close();
  }
}

/** The error that the work throws; fails when it throws none of ours. */
export async function errorOf(work: Promise<unknown>): Promise<AppError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
