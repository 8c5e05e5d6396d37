// The lesson: a line, its points and the engine that moves it. Every loss, slope and nudge is the host's answer; this class
// decides only when to ask. One call is under way at a time; what the user changes meanwhile is sent next, the newest wins.
import { AppError } from "../../ipc/error.ts";
import type { HostApi } from "../../ipc/host.ts";
import type { LessonSpec, LessonState } from "../../ipc/types.ts";

export interface Point {
  x: number;
  y: number;
}

/** y = a·x + b */
export interface Line {
  a: number;
  b: number;
}

/** A moment of the walk: the step counted from the last reset, and the loss there. */
export interface Moment {
  step: number;
  loss: number;
}

export type LessonOptimizer = LessonSpec["optimizer"];
export type LessonHost = Pick<HostApi, "lessonOpen" | "lessonStep" | "lessonClose">;

/** What the walk is doing, for the sentence below the picture. */
export type Trend = "start" | "down" | "up" | "settled" | "diverged";

/** Time and frames, injected so that tests are exact. `calm` is the wish for reduced motion. */
export interface Clock {
  now(): number;
  frame(next: () => void): () => void;
  calm(): boolean;
}

export const pageClock: Clock = {
  now: () => performance.now(),
  frame: (next) => {
    const id = requestAnimationFrame(next);
    return () => cancelAnimationFrame(id);
  },
  calm: () => matchMedia("(prefers-reduced-motion: reduce)").matches,
};

/** The points of the essay; they lie on y = 4x + 2. */
export const firstPoints: readonly Point[] = [
  { x: 1, y: 6 },
  { x: 2, y: 10 },
  { x: 3, y: 14 },
];
/** From a = b = 1 the first numbers are whole: loss 55, slopes −32 and −14. */
export const firstLine = { a: 1, b: 1 };
export const firstRate = 0.05;
export const maxPoints = 200;
const maxMoments = 500;
/** The host lets the lesson's worker go after a minute of rest; before that the line is opened anew where it stands. */
const restMs = 45_000;

/** Steps that a run owes after so many seconds: a few a second at first, so that each is seen, then ever faster. */
export const stepsDue = (seconds: number) => Math.floor(6 * seconds + 4 * seconds ** 3);

/** At most `most` items: every second one goes, the first and the last stay. */
export function thin<T>(items: readonly T[], most = maxMoments): T[] {
  let kept = [...items];
  while (kept.length > most) kept = kept.filter((_, i) => i % 2 === 0 || i === kept.length - 1);
  return kept;
}

export class Lesson {
  points = $state.raw<readonly Point[]>(firstPoints);
  optimizer = $state<LessonOptimizer>("sgd");
  rate = $state(firstRate);
  /** The line as drawn: the host's, or where the hand has just put it. Always finite. */
  a = $state(firstLine.a);
  b = $state(firstLine.b);
  /** The host's last answer; null until the first one. */
  state = $state.raw<LessonState | null>(null);
  /** The answer before the last step: its slope led to the last nudge. Null when the last answer was no step. */
  before = $state.raw<LessonState | null>(null);
  history = $state.raw<readonly Moment[]>([]);
  /** Where the line went since the points or the hand last changed the ground. */
  path = $state.raw<readonly Line[]>([]);
  running = $state(false);
  diverged = $state(false);
  error = $state.raw<AppError | null>(null);

  readonly loss = $derived(this.state?.loss ?? null);
  readonly step = $derived(this.history.at(-1)?.step ?? 0);
  readonly settled = $derived(this.state?.settled === true && !this.diverged);
  readonly trend: Trend = $derived.by(() => {
    if (this.diverged) return "diverged";
    if (this.settled) return "settled";
    if (!this.state || !this.before) return "start";
    return this.state.loss > this.before.loss * (1 + 1e-6) ? "up" : "down";
  });

  #host: LessonHost;
  #clock: Clock;
  #abort = new AbortController();
  #stale = false;
  #fresh = false;
  #busy: Promise<void> | null = null;
  #owed = 0;
  /** Steps of the call under way, or of the last one. */
  #asked = 0;
  /** Steps of the walk before the engine was last opened. */
  #offset = 0;
  #lossAtOpen = 0;
  #lastCall = 0;
  #stopFrames: (() => void) | null = null;
  #closed = false;

  constructor(host: LessonHost, clock: Clock = pageClock) {
    this.#host = host;
    this.#clock = clock;
  }

  /** Begins, or begins anew: the line at its start, the count at 0; points, optimizer and learning rate stay. */
  reset(): Promise<void> {
    this.pause();
    [this.a, this.b] = [firstLine.a, firstLine.b];
    this.#fresh = true;
    return this.#reopen(true);
  }

  /** The first three points again, and everything as at the start. */
  restore(): Promise<void> {
    this.points = firstPoints;
    this.optimizer = "sgd";
    this.rate = firstRate;
    return this.reset();
  }

  /** After an error: opens the engine again where the line stands. */
  retry(): Promise<void> {
    this.error = null;
    return this.#reopen(false);
  }

  /** A learning rate to try after this one was too large. */
  get gentlerRate(): number {
    return Math.min(firstRate, Number((this.rate / 10).toPrecision(1)));
  }

  setOptimizer(optimizer: LessonOptimizer): Promise<void> {
    this.optimizer = optimizer;
    return this.#reopen(false);
  }

  /** The learning rate; what is not a positive number is ignored. */
  setRate(rate: number): Promise<void> {
    if (!(rate > 0) || !Number.isFinite(rate)) return Promise.resolve();
    this.rate = rate;
    return this.#reopen(false);
  }

  /** Puts the line somewhere by hand. */
  setLine(line: Partial<Line>): Promise<void> {
    if (Number.isFinite(line.a)) this.a = line.a!;
    if (Number.isFinite(line.b)) this.b = line.b!;
    return this.#reopen(true);
  }

  movePoint(index: number, to: Point): Promise<void> {
    if (!Number.isFinite(to.x) || !Number.isFinite(to.y)) return Promise.resolve();
    this.points = this.points.map((point, i) => (i === index ? { x: to.x, y: to.y } : point));
    return this.#reopen(true);
  }

  addPoint(point: Point): Promise<void> {
    if (this.points.length >= maxPoints) return Promise.resolve();
    this.points = [...this.points, point];
    return this.#reopen(true);
  }

  /** Takes a point away; the last two stay, since one point is on many lines. */
  removePoint(index: number): Promise<void> {
    if (this.points.length <= 2) return Promise.resolve();
    this.points = this.points.filter((_, i) => i !== index);
    return this.#reopen(true);
  }

  setPoints(points: readonly Point[]): Promise<void> {
    this.points = points.slice(0, maxPoints);
    return this.reset();
  }

  /** One step of the engine; a run pauses first. */
  async stepOnce(): Promise<void> {
    this.pause();
    if (this.diverged) return;
    this.#owed += 1;
    await this.#pump();
  }

  run(): void {
    if (this.running || this.diverged || this.#closed) return;
    this.running = true;
    const begun = this.#clock.now();
    let asked = 0;
    let drawn = begun;
    const tick = () => {
      if (!this.running) return;
      const now = this.#clock.now();
      const due = Math.max(1, stepsDue((now - begun) / 1000)) - asked;
      // With reduced motion the picture changes twice a second at the most, and in larger steps.
      if (due > 0 && !this.#busy && (!this.#clock.calm() || now - drawn >= 500 || asked === 0)) {
        drawn = now;
        asked += due;
        this.#owed = Math.min(due, 200);
        void this.#pump();
      }
      this.#stopFrames = this.#clock.frame(tick);
    };
    this.#stopFrames = this.#clock.frame(tick);
  }

  pause(): void {
    this.running = false;
    this.#owed = 0;
    this.#stopFrames?.();
    this.#stopFrames = null;
  }

  /** Ends the lesson and lets its worker go. */
  dispose(): void {
    if (this.#closed) return;
    this.pause();
    this.#closed = true;
    this.#abort.abort();
    this.#host.lessonClose().catch(() => undefined); // the worker may be gone already; then it is closed
  }

  /** The engine is to be opened at the line as it stands. `ground`: what the loss is measured on has changed, not only how to walk. */
  #reopen(ground: boolean): Promise<void> {
    this.#stale = true;
    this.before = null;
    this.diverged = false;
    if (ground) this.path = [];
    return this.#pump();
  }

  /** Sends what is wanted, one call after the other, until nothing is. */
  #pump(): Promise<void> {
    this.#busy ??= this.#work().finally(() => (this.#busy = null));
    return this.#busy;
  }

  async #work(): Promise<void> {
    let again = true;
    while (!this.#closed && (this.#stale || this.#owed > 0)) {
      try {
        if (!this.#stale && this.#clock.now() - this.#lastCall > restMs) this.#stale = true;
        if (this.#stale) await this.#open();
        else await this.#take();
        this.error = null;
      } catch (thrown) {
        if (this.#closed) return;
        const error = AppError.from(thrown);
        if (error.code === "lossNotFinite") this.#diverge();
        else if (again && !this.#stale) {
          // The worker may have gone in the meantime: open it where the line stands, once.
          again = false;
          this.#stale = true;
          if (this.running || this.#asked === 1) this.#owed = this.#asked;
          continue;
        } else {
          this.#stale = false;
          this.pause();
          this.error = error;
        }
      }
    }
  }

  async #open(): Promise<void> {
    this.#stale = false;
    const fresh = this.#fresh;
    this.#fresh = false;
    const { points, optimizer, rate: lr, a, b } = this;
    const state = await this.#host.lessonOpen(
      { x: points.map((p) => p.x), y: points.map((p) => p.y), optimizer, lr, a, b },
      this.#abort.signal,
    );
    this.#lastCall = this.#clock.now();
    this.#lossAtOpen = state.loss;
    this.before = null;
    if (this.#stale) {
      // The hand has moved on meanwhile: the loss is worth showing, but the line must not jump back.
      this.#fresh ||= fresh;
      this.state = state;
      return;
    }
    this.#offset = fresh ? 0 : this.step;
    if (fresh) this.history = [];
    this.#show(state);
    this.#record([state]);
  }

  async #take(): Promise<void> {
    const count = (this.#asked = this.#owed);
    this.#owed = 0;
    const states = await this.#host.lessonStep({ count }, this.#abort.signal);
    this.#lastCall = this.#clock.now();
    if (this.#stale) return; // these steps were made on other ground
    const sane = states.findIndex((s) => !Number.isFinite(s.loss) || !Number.isFinite(s.a) || !Number.isFinite(s.b));
    const good = sane < 0 ? states : states.slice(0, sane);
    const last = good.at(-1);
    if (last) {
      this.before = good.at(-2) ?? this.state;
      this.#show(last);
      this.#record(good);
    }
    if (sane >= 0 || (last && last.loss > 1e6 * (this.#lossAtOpen + 1))) this.#diverge();
    else if (last?.settled) this.pause();
  }

  #show(state: LessonState): void {
    this.state = state;
    this.a = state.a;
    this.b = state.b;
  }

  #record(states: readonly LessonState[]): void {
    const moments = states.map((s) => ({ step: this.#offset + s.step, loss: s.loss }));
    const first = moments[0]?.step ?? 0;
    this.history = thin([...this.history.filter((m) => m.step < first), ...moments]);
    this.path = thin([...this.path, ...states.map(({ a, b }) => ({ a, b }))]);
  }

  #diverge(): void {
    this.diverged = true;
    this.pause();
  }
}
