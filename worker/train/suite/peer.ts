// PyTorch eager beside us: the program peer.py in a process of its own, with the same first weights and the same batch, making steps when told.
import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { AppError } from "../../../ipc/error.ts";
import type { SuitePeer } from "../../../ipc/types.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomic } from "../files.ts";
import { safetensors } from "../safetensors.ts";
import program from "./peer.py?raw";

/** Steps that were made: milliseconds of each, of processor time for all, and what was lost. */
export interface Made {
  times: number[];
  cpu: number;
  losses: number[];
  peak: number | null;
}

export interface PeerNet {
  net: string;
  sizes: object;
  threads: number;
  rate: number;
  weights: ReadonlyMap<string, Tensor>;
  feeds: Readonly<Record<string, Tensor>>;
}

/** The Python with its version of torch, or why it cannot be used. */
export function askPeer(python: string): Promise<SuitePeer> {
  return new Promise((resolve) => {
    execFile(python, ["-c", "import torch; print(torch.__version__)"], { timeout: 120_000 }, (error, out) => {
      const why = error && ((error as { code?: unknown }).code === "ENOENT" ? `there is no program '${python}'` : lastLine(error.message));
      resolve(why ? { python, torch: null, why } : { python, torch: out.trim(), why: null });
    });
  });
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1)!;

export class Peer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #folder: string;
  readonly #lines: AsyncIterator<string>;
  #said = "";

  private constructor(child: ChildProcessWithoutNullStreams, folder: string) {
    this.#child = child;
    this.#folder = folder;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#said = (this.#said + text).slice(-4000)));
    child.stdin.on("error", () => {}); // its end is told by the missing line
    child.on("error", (error) => (this.#said += error.message));
  }

  /** Resolves when its net stands. */
  static async open(python: string, { net, sizes, threads, rate, weights, feeds }: PeerNet, signal?: AbortSignal): Promise<Peer> {
    const folder = await mkdtemp(join(os.tmpdir(), "paddock-suite-"));
    await writeAtomic(join(folder, "net.safetensors"), ...safetensors(new Map([...weights, ...Object.entries(feeds)])));
    await writeAtomic(join(folder, "net.json"), JSON.stringify({ net, sizes, threads, rate, feeds: Object.keys(feeds) }));
    await writeAtomic(join(folder, "peer.py"), program);
    // Workers free memory in a way of their own (main/childWorker.ts), which would slow PyTorch down.
    const { MALLOC_MMAP_THRESHOLD_: _, ...own } = process.env;
    const env = { ...own, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
    const peer = new Peer(spawn(python, [join(folder, "peer.py"), folder], { env, ...(signal && { signal }) }), folder);
    try {
      await peer.#line();
    } catch (thrown) {
      await peer.close();
      throw thrown;
    }
    return peer;
  }

  async steps(count: number): Promise<Made> {
    this.#child.stdin.write(`${count}\n`);
    const { losses, ...made } = JSON.parse(await this.#line()) as Omit<Made, "losses"> & { losses: (number | null)[] };
    return { ...made, losses: losses.map((loss) => loss ?? Number.NaN) };
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null && this.#child.pid !== undefined) this.#child.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done !== true) return value;
    throw new AppError("workerDied", `PyTorch ended: ${lastLine(this.#said) || "it said nothing"}`, "Leave it out with --no-peer.", {
      said: this.#said,
    });
  }
}
