// The line at the bottom: what runs, on which device, with how much memory, and how often the network was refused. Read once a second
// while somebody listens.
import type { Settings, Status } from "../ipc/host.ts";
import type { MemoryReading } from "../ipc/types.ts";
import type { Job } from "./jobs.ts";
import { GraphicsMeter, readRam, readResident } from "./memory.ts";
import { refusedCount } from "./offline.ts";
import type { Worker } from "./workers.ts";

export interface StatusOptions {
  settings: () => Promise<Settings>;
  jobs: () => readonly Job[];
  /** A project's title. */
  name: (project: string) => Promise<string>;
  /** The process of the idle worker, where there is one. */
  idle: () => number | undefined;
  emit: (status: Status) => void;
  /** Whether anybody listens. */
  wanted: () => boolean;
  /** What else is to be looked after once a second while somebody listens. */
  beat: () => Promise<void>;
}

export class StatusMeter {
  #options: StatusOptions;
  #graphics = new GraphicsMeter();
  #refused = new WeakMap<Worker, number>();
  #refusedByWorkers = 0;
  #timer: NodeJS.Timeout | undefined;
  #reading = false;

  constructor(options: StatusOptions) {
    this.#options = options;
  }

  ram = readRam;

  /** Adds what a worker refuses to the count. */
  watch(worker: Worker): void {
    worker.listen("refused", (count) => {
      this.#refusedByWorkers += Math.max(0, count - (this.#refused.get(worker) ?? 0));
      this.#refused.set(worker, count);
    });
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#tick(), 1000);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #tick(): Promise<void> {
    if (!this.#options.wanted()) return this.stop();
    if (this.#reading) return;
    this.#reading = true;
    try {
      const status = await this.read();
      if (!this.#timer) return;
      this.#options.emit(status);
      await this.#options.beat();
    } catch {
      // A workspace on a disk that has gone: the next second tries again, and calls say what is wrong.
    } finally {
      this.#reading = false;
    }
  }

  async read(): Promise<Status> {
    const jobs = this.#options.jobs();
    const active = jobs.find((job) => job.worker && job.state !== "paused") ?? jobs.find((job) => job.worker);
    const device = active?.record.spec.device ?? (await this.#options.settings()).device;
    const running = await Promise.all(
      jobs.map(async ({ project, run, state }) => ({ project, run, name: await this.#options.name(project).catch(() => project), state })),
    );
    return { device, memory: await this.#memory(device, active), running, networkRefused: refusedCount() + this.#refusedByWorkers };
  }

  async #memory(device: string, job: Job | undefined): Promise<MemoryReading> {
    const told = job?.progress?.memory;
    const pid = job?.worker?.pid ?? this.#options.idle();
    const workerBytes = (pid === undefined ? 0 : readResident(pid)) ?? told?.workerBytes ?? 0;
    const graphics = device === "cpu" ? undefined : await this.#graphics.read();
    if (graphics) return { workerBytes, deviceKind: "vram", deviceUsedBytes: graphics.usedBytes, deviceTotalBytes: graphics.totalBytes };
    if (told?.deviceKind === "vram") return { ...told, workerBytes };
    const { usedBytes, totalBytes } = readRam();
    return { workerBytes, deviceKind: "ram", deviceUsedBytes: usedBytes, deviceTotalBytes: totalBytes };
  }
}
