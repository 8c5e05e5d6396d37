// One line on stderr that says how far it is, where stderr is a terminal; elsewhere nothing.
import type { RunProgress } from "../../ipc/types.ts";
import type { HostEvents } from "../../ipc/host.ts";
import { short } from "./output.ts";

const pace = 100;

export class Progress {
  #stream: NodeJS.WriteStream;
  #last = -Infinity;
  #shown = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  working({ what, fraction }: HostEvents["working"]): void {
    this.#line(`${what} ${bar(fraction)}`);
  }

  run(progress: RunProgress): void {
    const { state, step, maxSteps, epoch, maxEpochs, point, metricName, seconds, secondsLeft, referee } = progress;
    // Time may end a run before its steps do.
    const part = secondsLeft !== null ? seconds / Math.max(seconds + secondsLeft, 1e-9) : maxSteps > 0 ? step / maxSteps : null;
    if (state !== "running") return this.#line(`${state}: ${referee.message}`);
    const parts = [
      bar(part),
      `epoch ${Math.floor(epoch)}/${maxEpochs}`,
      point && `loss ${short(point.trainLoss)}`,
      progress.best && `${metricName} ${short(progress.best.metric)}`,
      secondsLeft !== null && `${Math.ceil(secondsLeft)} s left`,
      referee.message,
    ];
    this.#line(parts.filter(Boolean).join("  "));
  }

  /** A line that stays. */
  note(text: string): void {
    if (!this.#stream.isTTY) return;
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  clear(): void {
    if (this.#shown) this.#stream.write("\r\u001b[K");
    this.#shown = false;
  }

  #line(text: string): void {
    const now = performance.now();
    if (!this.#stream.isTTY || now - this.#last < pace) return;
    this.#last = now;
    this.#shown = true;
    this.#stream.write(`\r\u001b[K${text.slice(0, Math.max(20, this.#stream.columns || 80) - 1)}`);
  }
}

function bar(fraction: number | null): string {
  if (fraction === null) return "…";
  const done = Math.round(20 * Math.min(1, Math.max(0, fraction)));
  return `[${"█".repeat(done)}${"·".repeat(20 - done)}] ${Math.floor(100 * Math.min(1, fraction))} %`;
}
