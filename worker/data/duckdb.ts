// The one file that opens DuckDB. Invariant: an instance may touch its own database, its scratch folder and the one file that it was
// given, nothing else; no extension is ever fetched or loaded; memory and threads are bounded.
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from "@duckdb/node-api";
import { availableParallelism } from "node:os";
import { AppError } from "../../ipc/error.ts";

export interface DatabaseOptions {
  readOnly?: boolean;
  /** The one outside file that SQL may read. */
  reads?: readonly string[];
  /** Where DuckDB may spill. */
  scratch: string;
  /** Bytes that DuckDB may hold; default 512 MB. */
  memory?: number;
  threads?: number;
}

export type Cell = string | number | bigint | boolean | null;

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export class Database {
  #instance: DuckDBInstance;
  #connection: DuckDBConnection;
  #closed = false;
  /** A branch leaves the instance open. */
  #own: boolean;
  /** Queries run one after the other: a connection streams one result at a time. */
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, own: boolean) {
    this.#instance = instance;
    this.#connection = connection;
    this.#own = own;
  }

  static async open(path: string, options: DatabaseOptions): Promise<Database> {
    const { DuckDBInstance: Instance } = await import("@duckdb/node-api"); // 26 MB that only those hold who read tables
    const instance = await Instance.create(path, {
      access_mode: options.readOnly ? "READ_ONLY" : "AUTOMATIC",
      threads: String(options.threads ?? Math.max(1, Math.min(4, availableParallelism()))),
      memory_limit: `${Math.round((options.memory ?? 512e6) / 1e6)}MB`,
      temp_directory: options.scratch,
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const connection = await instance.connect();
    const database = new Database(instance, connection, true);
    try {
      if (options.reads?.length) await database.run(`SET allowed_paths = [${options.reads.map(literal).join(", ")}]`);
      // The texts as written compress badly and slowly: leaving them as they are halves the time of an import.
      await database.run("SET force_compression = 'uncompressed'");
      await database.run("SET enable_external_access = false");
      await database.run("SET lock_configuration = true");
    } catch (error) {
      database.close();
      throw error;
    }
    return database;
  }

  /** Another connection to the same database, with views of its own; to be closed before it. */
  async branch(): Promise<Database> {
    return new Database(this.#instance, await this.#instance.connect(), false);
  }

  /** Runs `work` when the queries before it are done. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** Runs a statement and drops its result. An abort interrupts it and throws the signal's reason. */
  async run(sql: string, signal?: AbortSignal): Promise<void> {
    await this.#inTurn(() => this.#interruptible(signal, async () => void (await this.#connection.run(sql))));
  }

  /** All rows of a small result; whole numbers come as numbers where they are exact. */
  async rows(sql: string, signal?: AbortSignal): Promise<Cell[][]> {
    return this.#inTurn(() =>
      this.#interruptible(signal, async () => {
        const reader = await this.#connection.runAndReadAll(sql);
        return reader.getRowsJS().map((row) => row.map(plain));
      }),
    );
  }

  /** A large result, chunk after chunk, in order; memory stays at a chunk. Other queries wait until it is read or dropped. */
  async *chunks(sql: string, signal?: AbortSignal): AsyncGenerator<DuckDBDataChunk> {
    let release: () => void = () => undefined;
    const before = this.#queue;
    this.#queue = new Promise<void>((resolve) => (release = resolve));
    try {
      await before;
      const result = await this.#interruptible(signal, () => this.#connection.stream(sql));
      for (;;) {
        const chunk = await this.#interruptible(signal, () => result.fetchChunk());
        if (!chunk || chunk.rowCount === 0) return;
        yield chunk;
      }
    } finally {
      release();
    }
  }

  async #interruptible<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    const stop = (): void => this.#connection.interrupt();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      throw memoryOrDisk(error);
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.closeSync();
    if (this.#own) this.#instance.closeSync();
  }
}

function plain(value: unknown): Cell {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  return value as Cell; // queries of this folder select texts, numbers and booleans only
}

/** What the machine could not give, in our words; everything else as it is. */
function memoryOrDisk(error: unknown): unknown {
  const text = error instanceof Error ? error.message : String(error);
  if (/out of memory/i.test(text) && !/No space left/i.test(text))
    return new AppError(
      "outOfMemory",
      "Reading the table needs more memory than it may use.",
      "Close other programs, or use a table with fewer columns.",
      {},
      error,
    );
  if (/No space left|disk full|could not write all bytes/i.test(text))
    return new AppError("diskFull", "The disk is full.", "Free some space and try again.", {}, error);
  return error;
}
