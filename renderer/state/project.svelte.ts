// The project on the stage: its table, what the user chose, the plan that follows, and the training that is shown.
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import type { Project as ProjectRecord, RunSummary, TakenAs } from "../../ipc/host.ts";
import type {
  ColumnProfile,
  CurvePoint,
  DataKind,
  LanguageProfile,
  Problem,
  RunProgress,
  SplitBy,
  TableProfile,
  TableTask,
  TextSample,
  TrainPlan,
  TrainSpec,
} from "../../ipc/types.ts";
import { Comparison } from "./comparison.svelte.ts";
import { Corrections } from "./corrections.svelte.ts";
import type { Dropped } from "./dropped.ts";
import type { Ground } from "./ground.ts";
import { PictureGrid } from "./pictureGrid.svelte.ts";
import type { Section } from "./route.ts";
import { ProblemRows } from "./problemRows.svelte.ts";
import { isUnderWay, Run } from "./run.svelte.ts";
import { TableRows } from "./tableRows.svelte.ts";
import { Trial } from "./trial.svelte.ts";

type Spec = ProjectRecord["spec"];

/** Kinds that the screens show as what they are. A kind that gets screens of its own becomes true here. */
const held: Record<DataKind, boolean> = { table: true, text: true, images: true, ratings: true, chats: false, language: true };

/** Shares can be kept of classes only; and of other classes they are other ones. */
function withoutStratified({ splitBy, ...spec }: Spec, task: TableTask | undefined): Spec {
  if (!splitBy) return spec;
  if (splitBy.by !== "stratified") return { ...spec, splitBy };
  return task === "classification" ? { ...spec, splitBy: { by: "stratified" } } : spec;
}

export class Project {
  readonly id: string;
  record: ProjectRecord | undefined = $state.raw();
  error: ErrorRecord | undefined = $state.raw();
  plan: TrainPlan | undefined = $state.raw();
  planError: ErrorRecord | undefined = $state.raw();
  planning = $state(false);
  starting = $state(false);
  startError: ErrorRecord | undefined = $state.raw();
  /** All that is worth knowing for the target and split that are chosen; until it is there, what the first look told. */
  health: readonly Problem[] | undefined = $state.raw();
  checking = $state(false);
  /** While the file is being taken as another kind, or another sheet of it. */
  retaking = $state(false);
  retakeError: ErrorRecord | undefined = $state.raw();
  titlesError: ErrorRecord | undefined = $state.raw();
  /** The training that Train and Result show. */
  shown: Run | undefined = $state.raw();
  trial: Trial | undefined = $state.raw();
  rows: TableRows | undefined = $state.raw();
  /** The pictures of a project of pictures. */
  grid: PictureGrid | undefined = $state.raw();
  /** Where the page should scroll to; a new object is a new wish. */
  wanted: { section: Section } | undefined = $state.raw();
  /** True when the user has scrolled since the last wish: then the page stays where it is. */
  strayed = false;

  profile = $derived(this.record?.profile);
  spec: Spec = $derived(this.record?.spec ?? {});
  table: TableProfile | undefined = $derived(this.profile?.kind === "table" || this.profile?.kind === "text" ? this.profile : undefined);
  ratings = $derived(this.profile?.kind === "ratings" ? this.profile : undefined);
  pictures = $derived(this.profile?.kind === "images" ? this.profile : undefined);
  language: LanguageProfile | undefined = $derived(this.profile?.kind === "language" ? this.profile : undefined);
  target = $derived(this.spec.target ?? this.table?.target?.column);
  /** Whether there is something to learn: a column to predict, pictures of two classes, ratings, or text. */
  learnable = $derived(
    this.pictures ? this.pictures.classes.length > 1 : (this.ratings ?? this.language) !== undefined || this.target !== undefined,
  );
  task: TableTask | undefined = $derived.by(() => {
    if (this.spec.task === "regression" || this.spec.task === "classification") return this.spec.task;
    const possible = this.table?.targets.find((one) => one.column === this.target);
    return possible?.task ?? this.table?.target?.task;
  });
  runs: readonly RunSummary[] = $derived(this.record?.runs ?? []);
  busy = $derived(this.starting || this.runs.some((run) => isUnderWay(run.state)) || (this.shown?.active ?? false));
  /** The training whose model Try asks: the one shown, else the newest that is done. */
  usable = $derived(this.shown?.done ? this.shown.summary : this.runs.find((run) => run.state === "done"));

  /** Trainings that are looked at side by side. */
  readonly comparison: Comparison;
  readonly corrections: Corrections;
  #ground: Ground;
  #wish: string | undefined;
  #planCancel: AbortController | undefined;
  #retake: AbortController | undefined;
  #healthCancel: AbortController | undefined;
  #healthOf: string | undefined;
  #changes = 0;

  constructor(ground: Ground, id: string, run?: string) {
    this.#ground = ground;
    this.id = id;
    this.comparison = new Comparison(ground, id);
    this.corrections = new Corrections(ground, id);
    this.#wish = run;
  }

  async load(): Promise<void> {
    try {
      const record = await this.#ground.call.project({ id: this.id });
      this.error = undefined;
      this.#take(record);
      await this.corrections.load();
      const first = record.runs.find((run) => run.id === this.#wish) ?? record.runs[0];
      if (first && !this.shown) await this.show(first.id);
      this.#tryOut();
    } catch (thrown) {
      this.error = AppError.from(thrown).toRecord();
      return;
    }
    await this.replan();
  }

  /** The same project again, as the host has it now; what is shown stays. */
  async reload(): Promise<void> {
    if (!this.record) return this.load();
    const changes = this.#changes;
    const record = await this.#ground.attempt(() => this.#ground.call.project({ id: this.id }));
    // What the user changed while we asked is newer than the answer.
    if (!record || changes !== this.#changes) return;
    this.#take(record);
    await this.corrections.load();
    void this.checkHealth();
    if (this.shown && record.runs.some((run) => run.id === this.shown?.id)) await this.shown.load();
    this.#tryOut();
  }

  // ------------------------------------------------------------------------------------------------- what the user chooses

  isUsed(column: ColumnProfile): boolean {
    return column.name !== this.target && !this.isFixed(column) && !(this.spec.ignore ?? []).includes(column.name);
  }

  /** Left out for a reason that no choice changes. */
  isFixed(column: ColumnProfile): boolean {
    return column.ignored !== undefined && column.ignored !== "user";
  }

  /** Whether the app has screens for a kind of data. */
  holds(kind: DataKind): boolean {
    return held[kind];
  }

  /** The kind that the user chose, where there was a choice. */
  get chosenKind(): TakenAs {
    return this.spec.kind === undefined ? {} : { kind: this.spec.kind };
  }

  /** Takes the file as another kind, or another sheet or table of it. The old reading stays where that fails. */
  async retake(as: TakenAs): Promise<void> {
    const cancel = this.#begin();
    this.retakeError = undefined;
    this.#changes++;
    try {
      const record = await this.#ground.call.retake({ id: this.id, ...as }, cancel.signal);
      this.rows?.dispose();
      this.rows = undefined;
      this.grid?.dispose();
      this.grid = undefined;
      this.#take(record);
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      if (error.code !== "cancelled") this.retakeError = error;
    }
    this.retaking = false;
    if (!this.retakeError) await this.replan();
  }

  /** Names the items of ratings by a table. The old names stay where that fails. */
  async addTitles(file: Dropped): Promise<void> {
    const cancel = this.#begin();
    this.titlesError = undefined;
    try {
      const source = await this.#ground.door.take(file, () => undefined, cancel.signal);
      this.#take(await this.#ground.call.addTitles({ id: this.id, source }, cancel.signal));
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      if (error.code !== "cancelled") this.titlesError = error;
    }
    this.retaking = false;
  }

  #begin(): AbortController {
    this.retaking = true;
    return (this.#retake = new AbortController());
  }

  /** Leaves the file as it was taken before. */
  cancelRetake = () => this.#retake?.abort();

  chooseTarget(column: string): Promise<void> {
    const task = this.table?.targets.find((one) => one.column === column)?.task;
    return this.change({
      ...withoutStratified(this.spec, task),
      target: column,
      ...(task ? { task } : {}),
      ignore: (this.spec.ignore ?? []).filter((name) => name !== column),
    });
  }

  chooseTask(task: TableTask): Promise<void> {
    return this.change({ ...withoutStratified(this.spec, task), ...(this.target ? { target: this.target } : {}), task });
  }

  /** How rows are parted; undefined: as planned. */
  splitBy(by: SplitBy | undefined): void {
    const { splitBy: _, ...spec } = this.spec;
    void this.change({ ...spec, ...(by ? { splitBy: by } : {}) });
  }

  use(column: string, used: boolean): Promise<void> {
    const others = (this.spec.ignore ?? []).filter((name) => name !== column);
    return this.change({ ...this.spec, ignore: used ? others : [...others, column] });
  }

  /** Shown at once, then kept by the host; then the plan is made anew. */
  async change(spec: Spec): Promise<void> {
    const before = this.record;
    if (!before) return;
    const change = ++this.#changes;
    this.record = { ...before, spec, target: spec.target ?? before.target };
    const kept = await this.#ground.attempt(() => this.#ground.call.changeSpec({ id: this.id, spec }));
    if (change !== this.#changes) return;
    this.record = kept ?? before;
    await this.replan();
  }

  /** The plan as it would be had one setting not been chosen; undefined when there is none. */
  async planWithout(setting: keyof TrainSpec): Promise<TrainPlan | undefined> {
    const spec = Object.fromEntries(Object.entries(this.spec).filter(([name]) => name !== setting));
    return this.#ground.call.plan({ id: this.id, spec }).catch(() => undefined);
  }

  async rename(name: string): Promise<void> {
    const renamed = await this.#ground.attempt(() => this.#ground.call.renameProject({ id: this.id, name }));
    if (renamed && this.record) this.record = { ...this.record, ...renamed };
  }

  /** Asks for the health of the data where what decides it has changed. */
  async checkHealth(): Promise<void> {
    const table = this.table;
    if (!table) return;
    const { kind, part, target = table.target?.column, task, seed, split, splitBy } = this.spec;
    const asked = JSON.stringify([table.fingerprint, table.kind, kind, part, target, task, seed, split, splitBy, this.corrections.mark]);
    if (asked === this.#healthOf) return;
    this.#healthOf = asked;
    this.#healthCancel?.abort();
    const cancel = new AbortController();
    this.#healthCancel = cancel;
    this.health = undefined;
    this.checking = true;
    const found = await this.#ground.call.health({ id: this.id, spec: this.spec }, cancel.signal).catch(() => undefined);
    if (cancel.signal.aborted) return;
    this.checking = false;
    this.health = found;
    if (!found) this.#healthOf = undefined;
  }

  /** The rows behind a problem, a page at a time. */
  rowsBehind(problem: Pick<Problem, "code" | "column">): ProblemRows {
    return new ProblemRows(this.#ground, { id: this.id, spec: this.spec, code: problem.code, column: problem.column });
  }

  async replan(): Promise<void> {
    void this.checkHealth();
    this.#planCancel?.abort();
    if (!this.learnable) {
      this.plan = undefined;
      return;
    }
    const cancel = new AbortController();
    this.#planCancel = cancel;
    this.planning = true;
    try {
      const plan = await this.#ground.call.plan({ id: this.id, spec: this.spec }, cancel.signal);
      if (cancel.signal.aborted) return;
      this.plan = plan;
      this.planError = undefined;
    } catch (thrown) {
      if (cancel.signal.aborted) return;
      this.plan = undefined;
      this.planError = AppError.from(thrown).toRecord();
    }
    this.planning = false;
  }

  // ------------------------------------------------------------------------------------------------------------- trainings

  start = () => this.#start(this.spec);

  /** Trains on from the weights of a training, with what was corrected; when it is done, the two stand side by side. */
  improve = (from: string) => this.#start({ from });

  async #start(spec: Spec): Promise<void> {
    this.starting = true;
    this.startError = undefined;
    this.wantSection("train");
    try {
      const record = await this.#ground.call.startRun({ project: this.id, spec });
      const run = this.#put(new Run(this.#ground, record, record));
      const { from } = spec;
      if (from !== undefined) run.onDone = () => (this.#ended(run), void this.#beside(from, run.id));
      this.#replace(record);
    } catch (thrown) {
      this.startError = AppError.from(thrown).toRecord();
    }
    this.starting = false;
  }

  async show(id: string): Promise<void> {
    const summary = this.runs.find((run) => run.id === id);
    if (!summary || this.shown?.id === id) return;
    const run = this.#put(new Run(this.#ground, summary));
    await run.load();
    this.#tryOut();
  }

  /** A row of the data (from 1) in the form of Try, and (unless it is there) the page there. */
  async openInTry(row: number, goes = true): Promise<void> {
    const { table, trial } = this;
    if (!table || !trial) return;
    const rows = await this.#ground.attempt(() => this.#ground.call.rows({ id: this.id, offset: row - 1, limit: 1 }));
    const cells = rows?.[0];
    if (!cells) return;
    trial.begin(row, Object.fromEntries(table.columns.map(({ name }, i) => [name, cells[i] ?? ""])));
    if (goes) this.wantSection("try");
  }

  async removeRun(id: string): Promise<void> {
    await this.#ground.attempt(() => this.#ground.call.removeRun({ project: this.id, run: id }));
    await this.#dropRun(id);
  }

  onProgress(run: string, progress: RunProgress): void {
    if (this.shown?.id === run) this.shown.onProgress(progress);
  }

  onPoints(run: string, points: CurvePoint[]): void {
    if (this.shown?.id === run) this.shown.onPoints(points);
  }

  onSample(run: string, sample: TextSample): void {
    if (this.shown?.id === run) this.shown.onSample(sample);
  }

  onRunChanged(summary: RunSummary | null): void {
    if (!summary) return void this.reload();
    this.#replace(summary);
    if (this.shown?.id !== summary.id) return;
    void this.shown.onSummary(summary);
    this.#tryOut();
  }

  wantSection(section: Section): void {
    this.strayed = false;
    this.wanted = { section };
  }

  dispose(): void {
    this.#planCancel?.abort();
    this.#healthCancel?.abort();
    this.shown?.dispose();
    this.trial?.dispose();
    this.rows?.dispose();
    this.grid?.dispose();
  }

  #take(record: ProjectRecord): void {
    this.record = record;
    if (record.profile.kind === "images") this.grid ??= new PictureGrid(this.#ground, this.id);
    else if (record.profile.kind !== "language")
      this.rows ??= new TableRows(this.#ground, this.id, record.profile.kind === "ratings" ? record.profile.table : record.profile);
  }

  /** Puts a training on the page. When it ends, the page goes to its result, unless the reader has gone elsewhere. */
  #put(run: Run): Run {
    this.shown?.dispose();
    this.shown = run;
    run.onDone = () => this.#ended(run);
    return run;
  }

  #ended(run: Run): void {
    this.#tryOut();
    if (!this.strayed && this.shown === run) this.wantSection("result");
  }

  /** Two trainings, and no others, side by side. */
  async #beside(...ids: string[]): Promise<void> {
    for (const id of this.comparison.ids) if (!ids.includes(id)) await this.comparison.choose(id, false);
    for (const id of ids) await this.comparison.choose(id, true);
  }

  #replace(summary: RunSummary): void {
    if (!this.record) return;
    const others = this.record.runs.filter((run) => run.id !== summary.id);
    const runs = [...others, summary].sort((a, b) => b.created - a.created);
    this.record = { ...this.record, runs };
  }

  async #dropRun(id: string): Promise<void> {
    if (!this.record) return;
    void this.comparison.choose(id, false);
    this.record = { ...this.record, runs: this.record.runs.filter((run) => run.id !== id) };
    if (this.shown?.id === id) {
      this.shown.dispose();
      this.shown = undefined;
      const next = this.runs[0];
      if (next) await this.show(next.id);
    }
    this.#tryOut();
  }

  /** Opens the model that Try asks, when it is another one than before. */
  #tryOut(): void {
    const usable = this.usable;
    if (this.trial?.run === usable?.id) return;
    this.trial?.dispose();
    this.trial = usable
      ? new Trial(this.#ground, this.id, usable.id, {
          pictures: this.pictures !== undefined,
          ratings: this.ratings !== undefined,
          writes: usable.model === "gpt" || usable.tuned === true,
        })
      : undefined;
    void this.trial?.load();
  }
}
