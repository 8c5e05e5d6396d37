// Memory now: the worker's own, and its device's by all programs against what there is. Readings are cheap and never throw; where a system
// does not say, the nearest thing it does say is given.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import type { MemoryReading } from "../../ipc/types.ts";

/** Video memory of the first GPU, kept fresh in the background while a run uses it; undefined where no tool tells. */
export class VideoMemory {
  #last: { used: number; total: number } | undefined;
  #asking = false;
  #absent = false;

  /** The last reading, asking for the next one. nvidia-smi takes some 20 ms, elsewhere than on this thread. */
  read(): { used: number; total: number } | undefined {
    if (!this.#asking && !this.#absent) {
      this.#asking = true;
      execFile("nvidia-smi", ["--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits"], { timeout: 2000 }, (error, out) => {
        this.#asking = false;
        const [used, total] = (out.split("\n")[0] ?? "").split(",").map((mib) => Number(mib) * 2 ** 20);
        if (error || !Number.isFinite(used) || !Number.isFinite(total)) this.#absent = true;
        else this.#last = { used: used!, total: total! };
      });
    }
    return this.#last;
  }
}

/** Main memory in use by all programs: what cannot be had again without swapping. */
function mainMemory(): { used: number; total: number } {
  const total = os.totalmem();
  if (process.platform === "linux") {
    try {
      const available = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"));
      if (available) return { used: total - Number(available[1]) * 1024, total };
    } catch {
      // no /proc here: the line below is the next best
    }
  }
  return { used: total - os.freemem(), total };
}

/** @param video given when the device is a GPU */
export function readMemory(video?: VideoMemory): MemoryReading {
  const vram = video?.read();
  const { used, total } = vram ?? mainMemory();
  return { workerBytes: process.memoryUsage.rss(), deviceKind: vram ? "vram" : "ram", deviceUsedBytes: used, deviceTotalBytes: total };
}

/** The most memory this process has held so far. On Linux, what getrusage says counts the process that started this one, too. */
export function peakMemory(): number {
  if (process.platform === "linux") {
    try {
      const most = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"));
      if (most) return Number(most[1]) * 1024;
    } catch {
      // no /proc here: the line below is the next best
    }
  }
  return process.resourceUsage().maxRSS * 1024;
}
