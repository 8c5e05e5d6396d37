// What a kind of data gives a run: its rows as samples, a network's two graphs, how it is judged and what is written. The run itself (device,
// steps, checkpoints, budget, the referee) knows nothing of the kind.
import type {
  CorrectionsTaken,
  DataKind,
  Inspection,
  RatingsColumns,
  RunRecord,
  RunReport,
  TextSample,
  TrainPlan,
  TrainSpec,
} from "../../../ipc/types.ts";
import type { WorkerEvents } from "../../../ipc/worker.ts";
import type { Samples } from "../../data/samples.ts";
import type { Graph } from "../../onnx/graph.ts";
import type { Judgement } from "../../tasks/report.ts";
import type { Target, Task } from "../../tasks/task.ts";
import type { Tensor } from "../../tensor.ts";
import type { FullPlan } from "../plan.ts";

export interface Source {
  cache: string;
  signal: AbortSignal;
  onWorking?: ((working: WorkerEvents["working"]) => void) | undefined;
}

export interface PrepareOptions extends Source {
  run: string;
  record: RunRecord;
  /** What the run writes for itself: how its data are encoded, and a folder that goes when the run ends. */
  paths: { encoding: string; scratch: string };
}

export interface Prepared {
  spec: TrainSpec;
  /** Of the data; a resumed run checks it. */
  fingerprint: string;
  task: Task;
  target: Target;
  data: { train: Samples; validation: Samples; test: Samples };
  plan: FullPlan;
  /** How the corrections came out, where there are any. */
  corrections?: CorrectionsTaken;
  /** The plan with another batch. */
  planFor(batch: number): FullPlan;
  /** Inputs of a batch, and `y`; outputs `loss` (lowered) and `shown` (compares with validation). */
  training(): Graph;
  /** The same inputs without `y`; output `answer`. Parameters have the names they have in training. */
  answering(): Graph;
  /** Language models: what they write with these weights, the same for the same weights. */
  sample?(weights: ReadonlyMap<string, Tensor>): Promise<Pick<TextSample, "prompt" | "text" | "answers">>;
  /** They write before the first step and in the end alone, as it takes its time. */
  seldom?: boolean;
  /**
   * The end of a run: the network on all parts, and the baselines beside it.
   * @param run answers of the network with the weights to be judged   @param pause called between pieces of work
   */
  report(run: (feeds: Record<string, Tensor>) => Promise<Record<string, Tensor>>, pause: () => Promise<void>): Promise<Judgement>;
  /** Writes model.onnx (and what stands beside it) with these weights. Gives the path of what was written instead, where that is not a graph. */
  exportModel(path: string, weights: ReadonlyMap<string, Tensor>, report: RunReport): Promise<string | undefined | void>;
  close(): Promise<void>;
}

export interface Kind {
  /** What is in the data, told to a person. `part`: the sheet or table of a file that holds several; `columns`: which hold ratings. */
  inspect(file: string, options: Source & { part?: string; columns?: RatingsColumns }): Promise<Inspection>;
  /** What a run with this spec would do; trains nothing. */
  plan(spec: TrainSpec, source: Source): Promise<TrainPlan>;
  /**
   * Reads the data, plans the run. A run that is resumed takes the encoding it began with.
   * @throws what reading throws, `fileChanged`, and what is wrong with the target
   */
  prepare(options: PrepareOptions): Promise<Prepared>;
}

/** The kinds that the contract knows: each has its file here. */
export type KindName = DataKind;
