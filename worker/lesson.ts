// The lesson: y = a·x + b on the real engine. The family `line`, the mean squared gap, an optimizer: one session run a step, as for any other
// network. What is shown (loss, slope, nudge) is that of the line as it stands, on the points as they are.
import { AppError } from "../ipc/error.ts";
import type { LessonResult, LessonSpec, LessonState } from "../ipc/types.ts";
import { answeringGraph, type NetSpec, trainingGraph } from "./models/index.ts";
import { type Engine, openEngine } from "./run/engine.ts";
import type { TrainingSession } from "./run/engine.ts";
import { tasks } from "./tasks/index.ts";
import { float32, type Tensor } from "./tensor.ts";
import { trainingPlan } from "./train/step.ts";

const net: NetSpec = { model: "line", config: {}, numeric: 1, categories: [], outputs: 1, seed: 0 };
const pointsLimit = 1000;
/** States that one call answers at most. */
const answersLimit = 500;

/** Loss and its slopes at a line, in float64. */
function gap(x: readonly number[], y: readonly number[], a: number, b: number) {
  let loss = 0;
  let slopeA = 0;
  let slopeB = 0;
  for (let i = 0; i < x.length; i++) {
    const e = a * x[i]! + b - y[i]!;
    loss += (e * e) / x.length;
    slopeA += (2 * e * x[i]!) / x.length; // ∂L/∂a = 2/n Σ e·x
    slopeB += (2 * e) / x.length; // ∂L/∂b = 2/n Σ e
  }
  return { loss, gradient: { a: slopeA, b: slopeB } };
}

/** A line that learns, one step at a time. Who opens it disposes it. */
export class Lesson {
  state: LessonState;
  #spec: LessonSpec;
  #engine: Engine;
  #session: TrainingSession;
  #feeds: Record<string, Tensor>;

  private constructor(spec: LessonSpec, engine: Engine, session: TrainingSession) {
    this.#spec = spec;
    this.#engine = engine;
    this.#session = session;
    const n = spec.x.length;
    this.#feeds = { x: float32([n, 1], spec.x), y: float32([n, 1], spec.y) };
    const [a, b] = [Math.fround(spec.a ?? 0), Math.fround(spec.b ?? 0)];
    this.state = { step: 0, a, b, ...gap(spec.x, spec.y, a, b), nudge: { a: 0, b: 0 }, settled: false };
  }

  static async open(spec: LessonSpec): Promise<Lesson> {
    checkPoints(spec);
    const task = tasks.regression;
    const engine = await openEngine("cpu", { threads: 1 });
    try {
      const training = trainingPlan(trainingGraph(net, task), { loss: "loss", optimizer: { name: spec.optimizer } });
      const session = await engine.train(training, answeringGraph(net, task));
      await session.write(
        new Map([
          ["a", float32([1, 1], [spec.a ?? 0])],
          ["b", float32([1], [spec.b ?? 0])],
        ]),
      );
      return new Lesson(spec, engine, session);
    } catch (thrown) {
      await engine.dispose();
      throw thrown;
    }
  }

  /** One step of the optimizer. Throws `lossNotFinite` when the numbers have grown beyond what they can be. */
  async step(): Promise<LessonState> {
    const before = this.state;
    await this.#session.step(this.#feeds, this.#spec.lr);
    const states = await this.#session.read();
    const a = Number(states.get("a")!.data[0]);
    const b = Number(states.get("b")!.data[0]);
    const { loss, gradient } = gap(this.#spec.x, this.#spec.y, a, b);
    if (![a, b, loss, gradient.a, gradient.b].every(Number.isFinite) || loss > 3.4e38)
      throw new AppError(
        "lossNotFinite",
        `After step ${before.step + 1} the numbers are too large to go on: each step overshoots further than the last.`,
        "Choose a smaller learning rate and start again.",
        { step: before.step + 1, lr: this.#spec.lr },
      );
    const nudge = { a: a - before.a, b: b - before.b };
    const still = (now: number, moved: number) => Math.abs(moved) <= Math.abs(now) * 2 ** -23;
    this.state = { step: before.step + 1, a, b, loss, gradient, nudge, settled: still(a, nudge.a) && still(b, nudge.b) };
    return this.state;
  }

  /** Steps `count` times; the states on the way, the last 500 of them. */
  async steps(count: number, signal?: AbortSignal): Promise<LessonState[]> {
    const states: LessonState[] = [];
    for (let i = 0; i < count; i++) {
      if (i % 100 === 99) await new Promise(setImmediate);
      signal?.throwIfAborted();
      states.push(await this.step());
      if (states.length > answersLimit) states.shift();
    }
    return states;
  }

  async dispose(): Promise<void> {
    await this.#engine.dispose();
  }
}

/**
 * The line of least squares, found by the optimizer on points moved and scaled to be of size 1 (so that any points can be fitted at one
 * rate); then twice more on what is left over, which takes it from float32's 7 digits to float64's. The rate is our own.
 */
export async function lessonFit(spec: LessonSpec, signal?: AbortSignal): Promise<LessonResult> {
  checkPoints(spec);
  const { x } = spec;
  const center = mean(x);
  const scale = spread(x, center);
  const u = x.map((v) => (v - center) / scale);
  let a = 0;
  let b = 0;
  let steps = 0;
  for (let round = 0; round < 3; round++) {
    const rest = spec.y.map((v, i) => v - (a * u[i]! + b)); // what the line does not explain yet
    const size = Math.max(...rest.map(Math.abs));
    if (size === 0) break;
    const lesson = await Lesson.open({ x: u, y: rest.map((v) => v / size), optimizer: spec.optimizer, lr: fitRate[spec.optimizer] });
    try {
      for (let i = 0; i < 1500 && !flat(lesson.state); i += 25) await lesson.steps(25, signal);
      a += lesson.state.a * size;
      b += lesson.state.b * size;
      steps += lesson.state.step;
    } finally {
      await lesson.dispose();
    }
  }
  // Past the 14th digit stands only the rounding of the arithmetic around the steps.
  const slope = Number((a / scale).toPrecision(14));
  const constant = Number((b - slope * center).toPrecision(14));
  return { a: slope, b: constant, loss: gap(x, spec.y, slope, constant).loss, steps };
}

const fitRate = { sgd: 0.25, momentum: 0.05, adam: 0.05 } as const;

/** The slope is nothing beside float32's rounding, on points of size 1. */
const flat = ({ gradient }: LessonState) => Math.hypot(gradient.a, gradient.b) < 1e-7;

const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v / values.length, 0);

/** Standard deviation; 1 where all are equal. */
function spread(values: readonly number[], center: number): number {
  const most = Math.max(...values.map((v) => Math.abs(v - center)));
  if (most === 0) return 1;
  return most * Math.sqrt(mean(values.map((v) => ((v - center) / most) ** 2)));
}

function checkPoints({ x, y, lr, a = 0, b = 0 }: LessonSpec): void {
  const wrong = (what: string, data: Record<string, number>) =>
    new AppError(
      "usage",
      `The lesson cannot use these points: ${what}.`,
      `Give from 1 to ${pointsLimit} numbers as x, and as many as y.`,
      data,
    );
  if (x.length !== y.length) throw wrong(`there are ${x.length} x and ${y.length} y`, { x: x.length, y: y.length });
  if (x.length === 0 || x.length > pointsLimit) throw wrong(`there are ${x.length}`, { points: x.length });
  const bad = x.findIndex((v, i) => !holds(v) || !holds(y[i]!));
  if (bad >= 0) throw wrong(`number ${bad + 1} is not a number that float32 can hold`, { row: bad + 1 });
  if (!holds(a) || !holds(b)) throw wrong("the line's start is not a number", {});
  if (!(lr > 0) || !holds(lr))
    throw new AppError("usage", `A learning rate of ${lr} is not possible.`, "Give a number above 0.", { lr: String(lr) });
}

/** Squares of it must stay numbers. */
const holds = (v: number) => Number.isFinite(v) && Math.abs(v) < 1e18;
