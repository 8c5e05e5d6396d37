// The loop: shuffled batches, one step each, an evaluation every so many steps, the best point kept, a checkpoint every few seconds.
// All that decides the numbers is in TrainerState and in the session, so that a run that was stopped anywhere goes on as if it never
// had been. Time decides only when a checkpoint is written and when the budget is spent.
import { AppError } from "../../ipc/error.ts";
import type { CurvePoint, ScheduleName, Shrink } from "../../ipc/types.ts";
import { batches, withNext } from "../data/batches.ts";
import type { Samples } from "../data/samples.ts";
import type { TrainingSession } from "../run/engine.ts";
import { memoryError } from "../run/outOfMemory.ts";
import type { Answers, Target, Task } from "../tasks/task.ts";
import type { Tensor } from "../tensor.ts";
import { allFinite, type Checkpoint, type TrainerState } from "./checkpoint.ts";
import { type Control, Interrupted } from "./control.ts";
import { answersOf, feedsOf } from "./answers.ts";
import { freshPlateau, judgePlateau, learningRate } from "./schedule.ts";
import { notFinite, setbacks, tooLarge } from "./setbacks.ts";
import { partsOf } from "./parts.ts";
import { freshStopping, isConverged, look } from "./stopping.ts";

/** The decisions of a run that its numbers depend on. */
export interface Course {
  batch: number;
  lr: number;
  schedule: ScheduleName;
  seed: number;
  shuffle: boolean;
  stepsPerEpoch: number;
  /** Steps of the whole course; the schedule is laid over them. */
  steps: number;
  evaluateEvery: number;
  pointEvery: number;
  /** Evaluations without a better point before training ends; Infinity to train to the end. */
  patience: number;
  /** With the schedule "plateau": evaluations without a better loss before the rate falls. */
  plateauPatience: number;
  maxSeconds: number;
  keepLosses: boolean;
}

export interface TrainerParts {
  session: TrainingSession;
  task: Task;
  target: Target;
  /** Names of the trainable weights. */
  parameters: readonly string[];
  train: Samples;
  /** Rows held out, or undefined where there are none: then the last point is kept. */
  validation: Samples | undefined;
  course: Course;
  control: Control;
  /** True: the weights come from a run that is done. They are the best point until there is a better one. */
  begun?: boolean;
  /** Milliseconds between checkpoints. */
  checkpointEvery?: number;
  save(checkpoint: Checkpoint): Promise<void>;
  onPoint(point: CurvePoint): void;
  /** After every step, and when a pause begins or ends. */
  onStep(trainer: Trainer): void;
  /** The last good point: that of the newest checkpoint, or the beginning. Absent: a loss that leaves the numbers ends the run. */
  restore?(): Promise<Checkpoint>;
  /**
   * Closes the session and opens one whose steps are taken in parts (parts.ts). Absent: memory that runs short ends the run.
   * @param rows most rows of a part
   */
  reopen?(rows: number): Promise<TrainingSession>;
  /** Rows of a batch that are taken at once from the beginning, where it is to be taken in parts: the session takes parts then. */
  atOnce?: number;
  /** Whether steps in parts are the same but for rounding; default true. */
  sameInParts?: boolean;
  /** The marks of memory that ran short, with those that are younger than the checkpoint: the session takes parts of as many rows as the last says. */
  shrunk?: Shrink[];
  /** The curve after this step never happened. */
  onSetBack?(told: number): Promise<void>;
  /** After a judgement, before it leaves a trace: one that is interrupted is made again, and this with it. */
  onJudged?(at: { step: number; loss: number }): Promise<void>;
}

/** What took at least so many milliseconds, and so many times the longest that it took before, was a sleep. */
const asleep = { least: 60_000, times: 30 };

/** Rows of the validation part that the curve looks at; the whole part is judged at the end. */
const evaluationRows = 20_000;

export const freshState = ({ steps, keepLosses, schedule, lr }: Course): TrainerState => ({
  version: 1,
  step: 0,
  total: steps,
  epoch: 0,
  batch: 0,
  seconds: 0,
  evaluated: 0,
  told: 0,
  stopping: freshStopping(),
  window: { sum: 0, count: 0 },
  evaluationWindow: { sum: 0, count: 0 },
  seen: [],
  ...(keepLosses ? { losses: [] } : {}),
  ...(schedule === "plateau" ? { plateau: freshPlateau(lr) } : {}),
});

export class Trainer {
  readonly course: Course;
  state: TrainerState;
  best: Map<string, Tensor>;
  point: CurvePoint | undefined;
  paused = false;
  #parts: TrainerParts;
  #session: TrainingSession;
  #since = performance.now();
  #saved = performance.now();
  /** Milliseconds of all pauses. */
  #pauses = 0;
  /** The longest that each took so far, in milliseconds. */
  #usual: { step?: number; judgement?: number } = {};

  constructor(parts: TrainerParts, from?: Checkpoint) {
    this.#parts = parts;
    this.#session = parts.session;
    this.course = parts.course;
    this.state = from?.trainer ?? freshState(parts.course);
    if (parts.shrunk) this.state.shrunk = parts.shrunk;
    this.best = from?.best ?? new Map<string, Tensor>();
  }

  /** Seconds of training so far, pauses not counted. */
  get seconds(): number {
    return this.state.seconds + (this.paused ? 0 : (performance.now() - this.#since) / 1000);
  }

  /**
   * Trains until converged, the course is run, the budget is spent or the user stops; the weights of the best point are in `best`.
   * Throws `interrupted` when the call was cancelled (a checkpoint is kept), `lossNotFinite` when the loss leaves the numbers.
   */
  async run(): Promise<NonNullable<TrainerState["ended"]>> {
    const { state } = this;
    this.#since = performance.now();
    if (state.ended) return state.ended;
    try {
      state.ended = await this.#epochs();
    } catch (thrown) {
      if (!(thrown instanceof Interrupted)) throw thrown;
      await this.#save();
      throw new AppError(
        "interrupted",
        `The run was interrupted at step ${state.step}; a checkpoint is kept.`,
        "Resume it when you like.",
        {
          step: state.step,
          steps: state.total,
        },
      );
    }
    await this.#save();
    return state.ended;
  }

  async #epochs(): Promise<NonNullable<TrainerState["ended"]>> {
    const { state, course } = this;
    const { train, control, begun } = this.#parts;
    if (begun && state.step === 0 && this.best.size === 0) await this.#judgeFirst();
    while (state.step < state.total) {
      const { seed, shuffle, batch } = course;
      train.epoch?.(state.epoch);
      const length = train.length && ((position: number) => train.length!(position));
      const epoch = batches(train.rows, batch, { seed, epoch: state.epoch, shuffle, from: state.batch, length });
      let again = false;
      for (const [positions, following] of withNext(epoch)) {
        await control.turn((ended) => this.#onPause(ended));
        const over = control.stopped ? "interrupted" : this.seconds >= course.maxSeconds ? "budget" : undefined;
        if (over) {
          await this.#last();
          return over;
        }
        if (this.#isDue() && (await this.#evaluate())) return "converged";
        if (!(await this.#step(positions, following))) {
          again = true;
          break;
        }
        if (state.step >= state.total) break;
        if (performance.now() - this.#saved >= (this.#parts.checkpointEvery ?? 10_000)) await this.#save();
      }
      if (again) continue;
      if (state.step >= state.total) break;
      if (this.#isDue() && (await this.#evaluate())) return "converged";
      state.epoch++;
      state.batch = 0;
    }
    await this.#last();
    return state.total < course.steps ? "budget" : "converged";
  }

  /** False where the loss left the numbers or the memory ran short, and training stands at an earlier step again. */
  async #step(positions: Uint32Array, following: Uint32Array | undefined): Promise<boolean> {
    const { state, course } = this;
    const { train } = this.#parts;
    const lr = this.#rate(state.step);
    await this.#wait(train, positions);
    let taken: { loss: number; shown: number };
    const began = this.#mark();
    try {
      const feeds = feedsOf(await train.read(positions));
      if (following) train.ahead?.(following).catch(() => undefined); // what fails is told when it is read
      taken = await this.#take(feeds, lr);
    } catch (thrown) {
      const full = memoryError(thrown);
      if (!full) throw thrown;
      await this.#shrink(full);
      return false;
    }
    this.#awake("step", began);
    const { loss, shown } = taken;
    if (!Number.isFinite(loss)) {
      await this.#setBack(lr);
      return false;
    }
    state.step++;
    state.batch++;
    state.window.sum += shown;
    state.window.count++;
    state.evaluationWindow.sum += shown;
    state.evaluationWindow.count++;
    state.losses?.push(loss);
    this.#shorten();
    const judged = this.#parts.validation !== undefined && (this.#isDue() || state.step === state.total); // then the point comes with it
    if (!judged && state.step % course.pointEvery === 0) this.#tell({});
    this.#parts.onStep(this);
    return true;
  }

  /** The losses of one step on a batch: at once, or in parts. */
  async #take(feeds: Record<string, Tensor>, lr: number): Promise<{ loss: number; shown: number }> {
    const rows = this.state.shrunk?.at(-1)?.rows ?? this.#parts.atOnce;
    const sum = { loss: 0, shown: 0 };
    for (const part of rows === undefined ? [{ feeds, share: 1 }] : partsOf(feeds, rows, this.#parts.task.weight)) {
      const result = await this.#session.step(part.feeds, lr);
      const loss = result["loss"]!;
      sum.loss += part.share * (loss.data[0] as number);
      sum.shown += part.share * ((result["shown"] ?? loss).data[0] as number);
    }
    return sum;
  }

  /** Back to the last good point, with a lower rate from there on. Throws `lossNotFinite` where that was tried often enough. */
  async #setBack(lr: number): Promise<void> {
    const before = this.state.setbacks ?? [];
    const step = this.state.step + 1;
    const { restore } = this.#parts;
    if (!restore || before.length >= setbacks.most) throw notFinite(step, lr, before.length);
    await this.#goBack(restore, (to) => ({ setbacks: [...before, { step, to, part: setbacks.part ** (before.length + 1) }] }));
  }

  /**
   * Half as many rows at once from the last good point on: a step that failed may have written part of its state. Throws `outOfMemory` where a
   * single row is too much.
   */
  async #shrink(full: AppError): Promise<void> {
    const { restore, reopen, sameInParts = true } = this.#parts;
    const before = this.state.shrunk ?? [];
    const step = this.state.step + 1;
    const of = this.course.batch;
    const now = before.at(-1)?.rows ?? this.#parts.atOnce ?? of;
    if (!restore || !reopen || now <= 1) throw tooLarge(full, now);
    const rows = Math.floor(now / 2);
    try {
      this.#session = await reopen(rows);
    } catch (thrown) {
      throw memoryError(thrown) ? tooLarge(full, rows) : thrown;
    }
    await this.#goBack(restore, (to) => ({ shrunk: [...before, { step, to, rows, of, same: sameInParts, why: "allocation" }] }));
  }

  async #goBack(restore: () => Promise<Checkpoint>, mark: (to: number) => Partial<TrainerState>): Promise<void> {
    const { state } = this;
    this.#settle();
    const { seconds, setbacks: earlier, shrunk } = state;
    const { states, best, trainer } = await restore();
    await this.#session.write(states);
    this.best = best;
    this.point = undefined;
    // `state` itself stays: the loop holds it.
    for (const key of Object.keys(state) as (keyof TrainerState)[]) Reflect.deleteProperty(state, key);
    Object.assign(state, trainer, { seconds, ...(earlier && { setbacks: earlier }), ...(shrunk && { shrunk }), ...mark(trainer.step) });
    await this.#parts.onSetBack?.(state.told);
    await this.#save();
    this.#parts.onStep(this);
  }

  /** Until these rows are there, all where nothing is said. As before a run, making them is not training: its clock stands still. */
  async #wait(samples: Samples, positions?: Uint32Array): Promise<void> {
    if (!samples.ahead) return;
    this.#settle();
    try {
      await samples.ahead(positions);
    } catch (thrown) {
      await this.#parts.control.turn(); // where the call was cancelled, it says so
      throw thrown;
    }
    this.#since = performance.now();
  }

  /**
   * Where a slow machine would be cut off by the time budget in the midst of the course, the rest is shortened, so that the rate still comes
   * down to its end. A run that keeps within its budget is never touched, so its numbers do not depend on time.
   */
  #shorten(): void {
    const { state, course, seconds } = this;
    if (seconds < 0.2 * course.maxSeconds || (seconds / state.step) * state.total <= 1.05 * course.maxSeconds) return;
    state.total = Math.min(state.total, Math.max(state.step, Math.floor((0.97 * course.maxSeconds * state.step) / seconds)));
  }

  /** Asked before a step rather than remembered after one, so that an interrupted evaluation is made up for. */
  #isDue(): boolean {
    const { step, evaluated } = this.state;
    return step > evaluated && step % this.course.evaluateEvery === 0;
  }

  /** Makes the weights that training begins with the best point so far. */
  async #judgeFirst(): Promise<void> {
    const judged = await this.#judge();
    if (!judged) return;
    const { state: stopping } = look(this.state.stopping, { step: 0, epoch: 0, seconds: this.seconds, ...judged });
    this.best = await this.#weights();
    this.state.stopping = stopping;
  }

  /** Loss and metric of the weights as they are on the validation rows; undefined where there are none. */
  async #judge(): Promise<{ validationLoss: number; metric: number } | undefined> {
    const { task, target, validation, control } = this.#parts;
    if (!validation) return undefined;
    await this.#wait(validation);
    const began = this.#mark();
    const answers: Answers = await answersOf(validation, {
      task,
      target,
      rows: evaluationRows,
      run: (feeds) => this.#session.evaluate(feeds),
      pause: () => control.turn((ended) => this.#onPause(ended)),
    });
    this.#awake("judgement", began);
    const { loss: validationLoss, metric } = task.judge(answers, target);
    return { validationLoss, metric };
  }

  /** Judges the weights as they are; true when the patience is spent. */
  async #evaluate(): Promise<boolean> {
    const { state, course } = this;
    const trainLoss = state.evaluationWindow.sum / Math.max(1, state.evaluationWindow.count);
    const judged = await this.#judge();
    if (!judged) {
      this.#close({ trainLoss, validationLoss: trainLoss });
      return false;
    }
    const { validationLoss, metric } = judged;
    await this.#parts.onJudged?.({ step: state.step, loss: validationLoss });
    const at = { step: state.step, epoch: state.epoch + 1, seconds: this.seconds };
    const { state: stopping, better } = look(state.stopping, { ...at, validationLoss, metric });
    if (better) this.best = await this.#weights();
    state.stopping = stopping;
    this.#close({ trainLoss, validationLoss });
    this.#tell({ validationLoss, metric });
    return isConverged(stopping, course.patience);
  }

  /** Learning rate of a step; by a plateau, of the steps to come. */
  #rate(step: number): number {
    const { state, course } = this;
    const part = state.setbacks?.at(-1)?.part ?? 1;
    if (course.schedule === "plateau") return part * (state.plateau ?? freshPlateau(course.lr)).rate;
    return part * learningRate(course.schedule, course.lr, step, state.total);
  }

  /** An evaluation is over; until here it has left no trace in the state. */
  #close(seen: TrainerState["seen"][number]): void {
    const { state, course } = this;
    if (state.plateau) state.plateau = judgePlateau(state.plateau, seen.validationLoss, { patience: course.plateauPatience });
    state.seen.push(seen);
    state.evaluated = state.step;
    state.evaluationWindow = { sum: 0, count: 0 };
  }

  /** The newest weights get their judgement, so that there is a best point however early training ends. */
  async #last(): Promise<void> {
    const { state } = this;
    if (state.evaluated < state.step || this.best.size === 0) await this.#evaluate();
    if (!this.#parts.validation || this.best.size === 0) this.best = await this.#weights();
  }

  async #weights(): Promise<Map<string, Tensor>> {
    const states = await this.#session.read();
    return new Map(this.#parts.parameters.map((name) => [name, states.get(name)!]));
  }

  /** A new point of the curve: the mean shown loss of the steps since the one before. */
  #tell(judged: { validationLoss?: number; metric?: number }): void {
    const { state } = this;
    const trainLoss = state.window.count ? state.window.sum / state.window.count : (this.point?.trainLoss ?? NaN);
    state.window = { sum: 0, count: 0 };
    state.told = state.step;
    const lr = this.#rate(Math.max(0, state.step - 1));
    this.point = { step: state.step, epoch: state.epoch + 1, seconds: this.seconds, lr, trainLoss, ...judged };
    this.#parts.onPoint(this.point);
  }

  async #save(): Promise<void> {
    this.#settle();
    const states = await this.#session.read();
    // A point from which nothing can go on does not take the place of one from which it can.
    if (allFinite(states.values())) await this.#parts.save({ states, best: this.best, trainer: this.state });
    this.#saved = performance.now();
  }

  async #onPause(ended: number | undefined): Promise<void> {
    if (ended === undefined) {
      this.#settle();
      this.paused = true;
      this.#parts.onStep(this);
      await this.#save();
    } else {
      this.#since = performance.now();
      this.#pauses += ended;
      this.paused = false;
      this.#parts.onStep(this);
    }
  }

  /**
   * Where something took so much longer than it does that the machine must have slept meanwhile, it counts as long as it usually takes: some systems'
   * clocks go on in their sleep, and a night is no training.
   */
  #awake(what: "step" | "judgement", began: number): void {
    const took = this.#mark() - began;
    const usual = this.#usual[what];
    if (usual !== undefined && took > asleep.least && took > asleep.times * usual) {
      this.#since += took - usual;
      this.#saved += took - usual;
    } else this.#usual[what] = Math.max(took, usual ?? 0);
  }

  /** Milliseconds on the clock, without what was a pause. */
  #mark(): number {
    return performance.now() - this.#pauses;
  }

  /** Moves the time since the clock was last read into the state. */
  #settle(): void {
    this.state.seconds = this.seconds;
    this.#since = performance.now();
  }
}
