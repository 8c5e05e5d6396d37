// A training session on ONNX Runtime: how the state goes round. On the CPU between two sets of buffers, or in one where that is safe; on a GPU
// as GPU buffers. What a step needs beyond its batch is laid out once, so that a step costs little more than its run.
import { type InferenceSession as OrtSession, Tensor as OrtTensor } from "onnxruntime-node";
import { AppError } from "../../ipc/error.ts";
import { type Tensor, tensor, zeros } from "../tensor.ts";
import type { StepGraph, StepState } from "./engine.ts";
import { fromOrt, missing, type OrtValues, run, toOrt, twin } from "./onnxTensors.ts";
import { runWritten } from "./uncopied.ts";

export interface Sessions {
  device: string;
  step: OrtSession;
  evaluate: OrtSession | undefined;
  /** Gives the state back on the CPU; only for devices that keep it. */
  copy: OrtSession | undefined;
}

/** What is known of a step once its graph is in a session: the graph and the first values need not stay. */
interface Plan {
  inputs: readonly string[];
  outputs: readonly string[];
  states: readonly Pick<StepState, "name" | "dtype" | "dims" | "within">[];
}

/** Whether this is the last part of a step, where it is taken in parts (train/parts.ts). */
const lastPart = "part:last";

export abstract class Training {
  protected readonly plan: Plan;
  protected readonly sessions: Sessions;
  /** States that change, by name, without t, which is counted here. */
  protected readonly changing: readonly string[];
  protected readonly scalars: OrtValues;
  /** Constants that are fed: never written. */
  protected readonly fixed: OrtValues;
  readonly #names: ReadonlySet<string>;
  readonly #lr = new Float32Array(1);
  readonly #t = new Float32Array(1);

  constructor(graph: StepGraph, sessions: Sessions, fixed: ReadonlyMap<string, Tensor> = new Map()) {
    this.plan = {
      inputs: graph.inputs.map((i) => i.name),
      outputs: graph.outputs,
      states: graph.states.map(({ name, dtype, dims, within = false }) => ({ name, dtype, dims, within })),
    };
    this.sessions = sessions;
    this.#names = new Set(graph.states.map((s) => s.name));
    const inputs = new Set(sessions.step.inputNames);
    const scalars = { lr: new OrtTensor("float32", this.#lr, []), t: new OrtTensor("float32", this.#t, []) };
    this.scalars = Object.fromEntries(Object.entries(scalars).filter(([name]) => inputs.has(name)));
    this.fixed = Object.fromEntries([...fixed].map(([name, value]) => [name, toOrt(value)]));
    for (const [name, value] of Object.entries(this.fixed)) if (inputs.has(name)) this.scalars[name] = value;
    const outputs = new Set(sessions.step.outputNames);
    this.changing = graph.states.map((s) => s.name).filter((name) => name !== "t" && outputs.has(`next:${name}`));
  }

  async step(batch: Record<string, Tensor>, lr: number): Promise<Record<string, Tensor>> {
    this.#lr[0] = lr;
    const feeds = this.feeds();
    for (const name of this.plan.inputs) {
      const value = batch[name];
      if (!value) throw missing(name);
      feeds[name] = toOrt(value);
    }
    const results = await this.advance();
    if (batch[lastPart]?.data[0] !== 0) this.#t[0]! += 1;
    const out: Record<string, Tensor> = {};
    for (const name of this.plan.outputs) out[name] = fromOrt(results[name]!);
    return out;
  }

  async evaluate(batch: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    const session = this.sessions.evaluate;
    if (!session) throw new AppError("internal", "This training session has no graph to evaluate.", "Give one when it is opened.");
    const state = this.feeds();
    const feeds: OrtValues = {};
    for (const name of session.inputNames) {
      const value = batch[name] ? toOrt(batch[name]) : this.#names.has(name) ? state[name] : this.fixed[name];
      if (!value) throw missing(name);
      feeds[name] = value;
    }
    const results = await run(session, feeds, session.outputNames, this.sessions.device);
    return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromOrt(value)]));
  }

  async read(): Promise<Map<string, Tensor>> {
    const here = await this.fetch();
    return new Map(
      this.plan.states
        .filter(({ within }) => !within)
        .map(({ name, dtype, dims }) => {
          const data = name === "t" ? this.#t : (here[name]!.data as Float32Array);
          return [name, tensor(dtype, dims, data.slice() as never)]; // the runtime gives back the dtype it was given
        }),
    );
  }

  write(states: ReadonlyMap<string, Tensor>): void {
    for (const [name, value] of states) {
      const place = this.plan.states.find((s) => s.name === name);
      if (!place || place.dtype !== value.dtype || place.dims.join() !== value.dims.join())
        throw new AppError(
          "shapeMismatch",
          `The state '${name}' of type ${value.dtype}[${value.dims.join(", ")}] does not fit this training step.`,
          "Use a checkpoint of the same model and optimizer.",
          { state: name },
        );
    }
    for (const [name, value] of states) {
      if (name === "t") this.#t[0] = Number(value.data[0]);
      else this.put(name, twin(toOrt(value)));
    }
  }

  /** The state as it is now, with lr and t: what the next run is fed. */
  protected abstract feeds(): OrtValues;
  /** One run; the new state takes the old one's place. */
  protected abstract advance(): Promise<OrtValues>;
  /** The state on the CPU. */
  protected abstract fetch(): Promise<OrtValues>;
  protected abstract put(name: string, value: OrtTensor): void;
  abstract dispose(): void;
}

interface Side {
  feeds: OrtValues;
  fetches: Record<string, OrtTensor | null>;
}

/** Whether all that the step gives has a known size, so that there can be buffers for it. */
export const isSized = (graph: StepGraph): boolean => graph.graph.outputs.every((o) => o.dims.every((d) => typeof d === "number"));

/**
 * Two sides: a step reads the state of one and writes it into the buffers of the other, so that nothing is allocated or copied. States that may
 * be written over have one buffer for both.
 */
export class CpuTraining extends Training {
  #now: Side;
  #other: Side;
  readonly #single: ReadonlySet<string>;
  readonly #sized: boolean;

  /**
   * The session's model is one `withList` where the step is sized.
   * @param single states that one buffer is enough for
   */
  constructor(graph: StepGraph, sessions: Sessions, single: ReadonlySet<string>, fixed: ReadonlyMap<string, Tensor>) {
    super(graph, sessions, fixed);
    this.#single = single;
    this.#sized = isSized(graph);
    const own = new Set(this.changing.map((name) => `next:${name}`));
    const others = graph.graph.outputs.filter((o) => !own.has(o.name));
    const wanted = this.#sized
      ? Object.fromEntries(others.map((o) => [o.name, toOrt(zeros(o.dtype, o.dims as number[]))]))
      : Object.fromEntries(graph.outputs.map((name) => [name, null]));
    this.#now = { feeds: { ...this.scalars }, fetches: { ...wanted } };
    this.#other = { feeds: { ...this.scalars }, fetches: { ...wanted } };
    this.write(new Map(graph.states.map((s) => [s.name, s.initial])));
    for (const name of this.changing) {
      if (this.#single.has(name)) continue;
      const spare = twin(this.#now.feeds[name]!);
      this.#other.feeds[name] = spare;
      this.#now.fetches[`next:${name}`] = spare;
    }
  }

  protected feeds(): OrtValues {
    return this.#now.feeds;
  }

  protected async advance(): Promise<OrtValues> {
    const { feeds, fetches } = this.#now;
    const { step, device } = this.sessions;
    let results = fetches as OrtValues;
    if (this.#sized) {
      await runWritten(step, feeds, results, device);
      results = Object.fromEntries(this.plan.outputs.map((name) => [name, twin(results[name]!)]));
    } else results = await run(step, feeds, fetches, device);
    [this.#now, this.#other] = [this.#other, this.#now];
    return results;
  }

  protected async fetch(): Promise<OrtValues> {
    return this.#now.feeds;
  }

  protected put(name: string, value: OrtTensor): void {
    this.#now.feeds[name] = value;
    if (this.#single.has(name)) {
      this.#other.feeds[name] = value;
      for (const side of [this.#now, this.#other]) side.fetches[`next:${name}`] = value;
    } else if (this.changing.includes(name)) this.#other.fetches[`next:${name}`] = value;
    else this.#other.feeds[name] = value;
  }

  dispose(): void {
    this.#now = { feeds: {}, fetches: {} };
    this.#other = this.#now;
  }
}

/** The new state comes as GPU buffers, which feed the next run; the old ones are given back. Only the loss and what is kept come home. */
export class DeviceTraining extends Training {
  #feeds: OrtValues;
  readonly #fetches: readonly string[];

  constructor(graph: StepGraph, sessions: Sessions) {
    super(graph, sessions);
    this.#feeds = { ...this.scalars };
    this.#fetches = [...graph.outputs, ...this.changing.map((name) => `next:${name}`)];
    this.write(new Map(graph.states.map((s) => [s.name, s.initial])));
  }

  protected feeds(): OrtValues {
    return this.#feeds;
  }

  protected async advance(): Promise<OrtValues> {
    const results = await run(this.sessions.step, this.#feeds, this.#fetches, this.sessions.device);
    for (const name of this.changing) this.put(name, results[`next:${name}`]!);
    return results;
  }

  /** Through a graph of copies: reading a GPU tensor by itself ends the process in onnxruntime-node 1.30. */
  protected async fetch(): Promise<OrtValues> {
    const session = this.sessions.copy!;
    const feeds = Object.fromEntries(session.inputNames.map((name) => [name, this.#feeds[name]!]));
    const results = await run(session, feeds, session.outputNames, this.sessions.device);
    return { ...this.#feeds, ...Object.fromEntries(session.inputNames.map((name) => [name, results[`copy:${name}`]!])) };
  }

  protected put(name: string, value: OrtTensor): void {
    const old = this.#feeds[name];
    this.#feeds[name] = value;
    if (old?.location === "gpu-buffer") old.dispose();
  }

  dispose(): void {
    for (const value of Object.values(this.#feeds)) if (value.location === "gpu-buffer") value.dispose();
    this.#feeds = {};
  }
}
