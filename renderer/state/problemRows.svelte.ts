// The rows behind a problem, a page at a time.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { HostApi } from "../../ipc/host.ts";
import type { Ground } from "./ground.ts";

type Asked = Omit<Parameters<HostApi["problemRows"]>[0], "offset" | "limit" | "column"> & { column: string | undefined };

export class ProblemRows {
  readonly size = 10;
  total = $state(0);
  offset = $state(0);
  /** Place of the column that it is about. */
  column: number | null = $state(null);
  rows: readonly { row: number; cells: string[] }[] = $state.raw([]);
  loading = $state(true);
  error: ErrorRecord | undefined = $state.raw();
  #ground: Ground;
  #asked: Asked;
  #cancel: AbortController | undefined;

  constructor(ground: Ground, asked: Asked) {
    this.#ground = ground;
    this.#asked = asked;
    void this.goto(0);
  }

  get last(): number {
    return Math.min(this.offset + this.size, this.total);
  }

  async goto(offset: number): Promise<void> {
    this.#cancel?.abort();
    const cancel = new AbortController();
    this.#cancel = cancel;
    this.loading = true;
    const { column, ...rest } = this.#asked;
    const input = { ...rest, ...(column === undefined ? {} : { column }), offset: Math.max(0, offset), limit: this.size };
    try {
      const found = await this.#ground.call.problemRows(input, cancel.signal);
      if (cancel.signal.aborted) return;
      this.total = found.total;
      this.column = found.column;
      this.rows = found.rows;
      this.offset = input.offset;
      this.error = undefined;
    } catch (thrown) {
      if (cancel.signal.aborted) return;
      this.error = AppError.from(thrown).toRecord();
    }
    this.loading = false;
  }

  dispose(): void {
    this.#cancel?.abort();
  }
}
