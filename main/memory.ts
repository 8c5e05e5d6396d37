// Memory now, as the system tells it: what can still be had (not merely what is unused), and the graphics memory where NVIDIA's tool is there.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";

/** RAM in bytes, within the limit of a container where there is one. */
export function readRam(): { usedBytes: number; totalBytes: number } {
  const limit = process.constrainedMemory?.() ?? 0;
  const limited = limit > 0 && limit < totalmem();
  const totalBytes = limited ? limit : totalmem();
  const available = limited ? process.availableMemory() : (memAvailable() ?? freemem());
  return { totalBytes, usedBytes: Math.max(0, totalBytes - Math.min(available, totalBytes)) };
}

/** MemAvailable counts the cache that the kernel gives back, as `free` does not; undefined outside Linux. */
function memAvailable(): number | undefined {
  try {
    const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
    return kilobytes ? Number(kilobytes) * 1024 : undefined;
  } catch {
    return undefined;
  }
}

/** Resident bytes of a process; undefined where the system does not tell so cheaply. */
export function readResident(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kilobytes ? Number(kilobytes) * 1024 : undefined;
  } catch {
    return undefined;
  }
}

export interface Graphics {
  name: string;
  usedBytes: number;
  totalBytes: number;
}

/** One line of `nvidia-smi --query-gpu=name,memory.used,memory.total --format=csv,noheader,nounits` (MiB). */
export function parseGraphics(text: string): Graphics | undefined {
  const cells = text.split("\n")[0]?.split(",") ?? [];
  const total = Number(cells.at(-1));
  const used = Number(cells.at(-2));
  if (cells.length < 3 || !Number.isFinite(total) || !Number.isFinite(used) || total <= 0) return undefined;
  return { name: cells.slice(0, -2).join(",").trim(), usedBytes: used * 2 ** 20, totalBytes: total * 2 ** 20 };
}

/** The first NVIDIA card, asked at most every two seconds; once the tool turned out to be absent it is not asked again. */
export class GraphicsMeter {
  #absent = false;
  #read = -Infinity;
  #last: Graphics | undefined;
  #asking: Promise<Graphics | undefined> | undefined;

  async read(): Promise<Graphics | undefined> {
    if (this.#absent || performance.now() - this.#read < 2000) return this.#last;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  #ask(): Promise<Graphics | undefined> {
    const args = ["--query-gpu=name,memory.used,memory.total", "--format=csv,noheader,nounits"];
    return new Promise((resolve) => {
      execFile("nvidia-smi", args, { timeout: 3000, windowsHide: true }, (error, stdout) => {
        this.#read = performance.now();
        if (error && (error as NodeJS.ErrnoException).code === "ENOENT") this.#absent = true;
        this.#last = error ? undefined : parseGraphics(stdout);
        resolve(this.#last);
      });
    });
  }
}
