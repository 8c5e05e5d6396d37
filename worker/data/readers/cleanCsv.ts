// Rows of texts on their way into the engine: a file of plain UTF-8 CSV (comma, every field quoted, LF between records), which its strict
// reader takes at its full speed. Memory stays at a megabyte.
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { createRaw, csvSource, openDraft } from "../raw.ts";
import type { Database } from "../duckdb.ts";

/** The engine reads lines of up to 2 MB. */
const longest = 1_900_000;

export class CleanCsv {
  readonly path: string;
  rows = 0;
  #file: FileHandle;
  #pending = "";
  #least = Infinity;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  static async open(folder: string): Promise<CleanCsv> {
    const path = join(folder, "clean.csv");
    return new CleanCsv(path, await open(path, "w"));
  }

  /** null and "" are missing. Rows may be shorter than later ones. Answers false where the row is too long for the engine. */
  add(cells: readonly (string | null)[]): boolean {
    let record = "";
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i];
      if (i > 0) record += ",";
      if (cell !== null && cell !== undefined && cell !== "") record += `"${cell.includes('"') ? cell.replaceAll('"', '""') : cell}"`;
    }
    if (record.length > longest || (record.length > longest / 3 && Buffer.byteLength(record) > longest)) return false;
    // A row of one missing value would be a blank line, which is no record.
    this.#pending += (record === "" ? '""' : record) + "\n";
    if (cells.length < this.#least) this.#least = cells.length;
    this.rows++;
    return true;
  }

  /** True when `flush` is due. */
  get full(): boolean {
    return this.#pending.length > 1 << 20;
  }

  async flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = "";
    // The engine takes no NUL and no half of a surrogate pair.
    await this.#file.write(text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text);
  }

  /**
   * Makes `raw` of the rows so far, `width` columns, and clears up.
   * @param pick for each column of `raw`, an expression over c0, c1, … as written; all columns as they are where absent
   */
  async finish(folder: string, width: number, signal?: AbortSignal, pick?: readonly string[]): Promise<Database> {
    await this.flush();
    await this.#file.close();
    const database = await openDraft(folder, this.path);
    try {
      const written = csvSource(this.path, width, { padded: this.#least < width });
      const source = pick ? `(SELECT ${pick.map((sql, i) => `${sql} AS c${i}`).join(", ")} FROM ${written})` : written;
      await createRaw(database, source, pick?.length ?? width, signal);
    } catch (error) {
      database.close();
      throw error;
    }
    await rm(this.path, { force: true });
    return database;
  }

  /** After an error. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => undefined); // closed already, where the engine threw
    await rm(this.path, { force: true });
  }
}
