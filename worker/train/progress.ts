// What a run tells while it trains: at most ten times a second, and at once when its state changes.
import type { MemoryReading, MetricName, Referee, RunChoice, RunProgress, RunState } from "../../ipc/types.ts";
import type { TrainerState } from "./checkpoint.ts";
import { readMemory, VideoMemory } from "./memory.ts";
import { referee, remarks } from "./referee.ts";
import type { Trainer } from "./trainer.ts";

export interface ProgressOptions {
  device: string;
  metricName: MetricName;
  heldOut: boolean;
  maxEpochs: number;
  /** Language models: tokens of a row, in the mean. */
  tokensPerRow?: number;
  choice?: RunChoice;
  emit(progress: RunProgress): void;
}

const every = 100; // ms between two tellings
const memoryEvery = 500;

export class Progress {
  last: RunProgress;
  #options: ProgressOptions;
  #video: VideoMemory | undefined;
  #told = 0;
  #memory: { at: number; reading: MemoryReading } | undefined;
  /** Steps and seconds at the start of the second over which the speed is measured. */
  #mark: { step: number; seconds: number } | undefined;
  #speed = { stepMs: 0 };

  constructor(options: ProgressOptions) {
    this.#options = options;
    if (options.device !== "cpu") this.#video = new VideoMemory();
    this.last = {
      state: "preparing",
      epoch: 0,
      maxEpochs: options.maxEpochs,
      step: 0,
      maxSteps: 0,
      metricName: options.metricName,
      rowsPerSecond: 0,
      stepMs: 0,
      secondsLeft: null,
      seconds: 0,
      referee: remarks.reading(),
      ...(options.choice ? { choice: options.choice } : {}),
    };
  }

  /** What is known of the choice by now. */
  choice(choice: RunChoice): void {
    this.last = { ...this.last, choice };
  }

  /** A change of state, told at once. */
  say(state: RunState, remark: Referee): void {
    this.#tell({ ...this.last, state, referee: remark, ...(state === "running" || state === "paused" ? {} : { secondsLeft: null }) });
  }

  /** After a step (thinned), or when a pause begins or ends, or after the last one (at once): what is told last is what is kept. */
  step(trainer: Trainer, last = false): void {
    const now = performance.now();
    const changed = trainer.paused !== (this.last.state === "paused") || this.last.state === "preparing";
    if (!changed && !last && now - this.#told < every) return;
    const { state, course, point } = trainer;
    const seconds = trainer.seconds;
    this.#measure(state.step, seconds);
    const { stepMs } = this.#speed;
    const stepsLeft = ((state.total - state.step) * stepMs) / 1000;
    const best = state.stopping.best;
    const { metricName, heldOut, tokensPerRow } = this.#options;
    const rowsPerSecond = stepMs > 0 ? (course.batch * 1000) / stepMs : 0;
    this.#tell({
      ...(this.last.choice ? { choice: this.last.choice } : {}),
      state: trainer.paused ? "paused" : "running",
      epoch: Math.min(state.epoch + 1, this.#options.maxEpochs),
      maxEpochs: this.#options.maxEpochs,
      step: state.step,
      maxSteps: state.total,
      metricName,
      ...(point ? { point } : {}),
      ...(best ? { best } : {}),
      rowsPerSecond,
      ...(tokensPerRow === undefined ? {} : { tokensPerSecond: rowsPerSecond * tokensPerRow }),
      stepMs,
      secondsLeft: stepMs > 0 ? Math.max(0, Math.min(stepsLeft, course.maxSeconds - seconds)) : null,
      seconds,
      ...(state.setbacks ? { setbacks: state.setbacks } : {}),
      ...(state.shrunk ? { shrunk: state.shrunk } : {}),
      referee: trainer.paused
        ? remarks.paused()
        : justSetBack(state)
          ? remarks.setBack(state.setbacks!.at(-1)!)
          : justShrunk(state, course.evaluateEvery)
            ? remarks.shrunk(state.shrunk!.at(-1)!)
            : referee({ seconds, seen: state.seen, stopping: state.stopping, patience: course.patience, heldOut, metricName }),
    });
  }

  /** Mean over the last second or so, evaluations included: that is what the time left is made of. */
  #measure(step: number, seconds: number): void {
    this.#mark ??= { step, seconds };
    const steps = step - this.#mark.step;
    const passed = seconds - this.#mark.seconds;
    if (steps > 0) {
      const now = (passed * 1000) / steps;
      this.#speed.stepMs = this.#speed.stepMs === 0 || passed >= 1 ? now : this.#speed.stepMs;
    }
    if (passed >= 1) this.#mark = { step, seconds };
  }

  #tell(progress: RunProgress): void {
    const now = performance.now();
    if (!this.#memory || now - this.#memory.at >= memoryEvery) this.#memory = { at: now, reading: readMemory(this.#video) };
    this.#told = now;
    this.last = { ...progress, memory: this.#memory.reading };
    this.#options.emit(this.last);
  }
}

/** Until the next judgement after the step at which the memory ran short. */
const justShrunk = ({ shrunk, step }: TrainerState, every: number): boolean => shrunk !== undefined && step < shrunk.at(-1)!.step + every;

/** Until the step is reached again at which the loss left the numbers. */
const justSetBack = ({ setbacks, step }: TrainerState): boolean => setbacks !== undefined && step < setbacks.at(-1)!.step;
