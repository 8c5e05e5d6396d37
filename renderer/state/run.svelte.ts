// One training: where it stands, its curve, its result. Points may come hundreds of times a second; the screen hears of them at most
// ten times a second, a change of state at once.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { HostEvents, Run as RunRecord, RunSummary } from "../../ipc/host.ts";
import type {
  CurvePoint,
  ExportForm,
  ExportResult,
  RunProgress,
  RunReport,
  RunState,
  SplitName,
  TextSample,
  TunedForm,
} from "../../ipc/types.ts";
import { Curve, type CurveColumns, emptyColumns } from "./curve.ts";
import type { Ground } from "./ground.ts";
import { Importance } from "./importance.svelte.ts";
import { Mistakes } from "./mistakes.svelte.ts";

const underWay: readonly RunState[] = ["queued", "preparing", "running", "paused", "finishing"];

export const isUnderWay = (state: RunState): boolean => underWay.includes(state);

/** Milliseconds between two looks at the stream. */
const pace = 100;

export class Run {
  readonly project: string;
  readonly id: string;
  summary: RunSummary = $state.raw()!;
  record: RunRecord | undefined = $state.raw();
  progress: RunProgress | undefined = $state.raw();
  curve: CurveColumns = $state.raw(emptyColumns);
  /** What a language model wrote so far, by its steps. */
  samples: readonly TextSample[] = $state.raw([]);
  report: RunReport | undefined = $state.raw();
  error: ErrorRecord | undefined = $state.raw();
  /** Called once when a training that was seen under way is done and its report is there. */
  onDone: (() => void) | undefined;
  /** A pause, resume or stop that the host has not answered yet. */
  asking = $state(false);

  state: RunState = $derived(this.progress && isUnderWay(this.summary.state) ? this.progress.state : this.summary.state);
  active = $derived(isUnderWay(this.state));
  done = $derived(this.state === "done");

  #ground: Ground;
  #points = new Curve();
  #latest: RunProgress | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #taking: AbortController | undefined;
  #fresh = false;
  #importance: Importance | undefined;
  #mistakes: Partial<Record<SplitName, Mistakes>> = {};
  /** True once it was seen under way: its end is news then. */
  #watched = false;

  constructor(ground: Ground, summary: RunSummary, record?: RunRecord) {
    this.#ground = ground;
    this.project = summary.project;
    this.id = summary.id;
    this.summary = summary;
    this.#seen(summary.state);
    if (record) this.#take(record);
  }

  /** The whole record, and the report when there is one. */
  async load(): Promise<void> {
    try {
      this.#take(await this.#ground.call.run({ project: this.project, run: this.id }));
      if (this.done) this.report = await this.#ground.call.report({ project: this.project, run: this.id });
      this.error = undefined;
      if (this.done && this.#watched) {
        this.#watched = false;
        this.onDone?.();
      }
    } catch (thrown) {
      this.error = AppError.from(thrown).toRecord();
    }
  }

  onProgress(progress: RunProgress): void {
    this.#seen(progress.state);
    this.#latest = progress;
    if (progress.state !== this.progress?.state) this.#look();
    else this.#soon();
  }

  onWorking({ what, fraction }: HostEvents["working"]): void {
    if (what === "predicting" && this.#importance?.busy) this.#importance.fraction = fraction;
  }

  onPoints(points: readonly CurvePoint[]): void {
    this.#points.add(points);
    this.#fresh = true;
    this.#soon();
  }

  onSample(sample: TextSample): void {
    this.samples = [...this.samples.filter(({ step }) => step < sample.step), sample];
  }

  async onSummary(summary: RunSummary): Promise<void> {
    this.#seen(summary.state);
    this.summary = summary;
    this.#look();
    if (!isUnderWay(summary.state)) await this.load();
  }

  /** The samples of a split that are kept to be looked at; asked for when they are first wanted. */
  mistakes(split: SplitName): Mistakes {
    const known = this.#mistakes[split];
    if (known) return known;
    const made = (this.#mistakes[split] = new Mistakes(this.#ground, this.#key, split));
    void made.load();
    return made;
  }

  /** How much the model leans on each column; what is known of it is asked for when it is first wanted. */
  get importance(): Importance {
    if (this.#importance) return this.#importance;
    const made = (this.#importance = new Importance(this.#ground, this.#key));
    void made.load();
    return made;
  }

  pause = () => this.#ask(() => this.#ground.call.pauseRun(this.#key));
  resume = () => this.#ask(() => this.#ground.call.resumeRun(this.#key));
  stop = () => this.#ask(() => this.#ground.call.stopRun(this.#key));

  /** The model in another form, given to the user; undefined where that failed, which `refused` gets to know. */
  async takeAway(to: ExportForm | TunedForm, refused: (error: ErrorRecord) => void): Promise<ExportResult | undefined> {
    const cancel = new AbortController();
    this.#taking = cancel;
    try {
      const { handout, result } = await this.#ground.call.exportRun({ ...this.#key, to }, cancel.signal);
      await this.#ground.save(handout);
      return result;
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      if (error.code !== "cancelled") refused(error);
      return undefined;
    }
  }

  cancelTakeAway = () => this.#taking?.abort();

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get #key(): { project: string; run: string } {
    return { project: this.project, run: this.id };
  }

  async #ask(work: () => Promise<void>): Promise<void> {
    this.asking = true;
    await this.#ground.attempt(work);
    this.asking = false;
  }

  #take(record: RunRecord): void {
    this.record = record;
    this.summary = record;
    if (record.samples && record.samples.length >= this.samples.length) this.samples = record.samples;
    this.#latest = record.progress ?? undefined;
    // Points that came by event while this was asked for may be newer than what the record holds.
    const known = new Curve(record.curve);
    const { x } = this.#points.columns();
    const newer = (x.at(-1) ?? -1) > (record.curve.at(-1)?.step ?? -1) && this.#points.length > record.curve.length;
    if (!newer) this.#points = known;
    this.#fresh = true;
    this.#look();
  }

  #seen(state: RunState): void {
    if (isUnderWay(state)) this.#watched = true;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => this.#look(), pace);
  }

  #look(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#latest !== this.progress) this.progress = this.#latest;
    if (this.#fresh) this.curve = this.#points.columns();
    this.#fresh = false;
  }
}
