// ONNX Runtime as an engine: the only place that imports it. Its run() blocks this process for as long as it takes, and ending a thread in
// mid-run aborts, so sessions live in a process of their own. On a GPU the state stays there from step to step.
import { availableParallelism } from "node:os";
import { InferenceSession as OrtSession, Tensor as OrtTensor } from "onnxruntime-node";
import { AppError } from "../../ipc/error.ts";
import type { DType, Tensor } from "../tensor.ts";
import { isFloat, tensor } from "../tensor.ts";
import type { Graph, ValueInfo } from "../onnx/graph.ts";
import { Builder } from "../ops/builder.ts";
import { encodeModel } from "../onnx/proto.ts";
import type { Engine, InferenceSession, StepGraph, StepState, TrainingSession } from "./engine.ts";

type OrtValues = Record<string, OrtTensor>;
type Options = OrtSession.SessionOptions;

/** Devices whose tensors ONNX Runtime can leave where they are between runs. */
const keepsState = new Set(["webgpu"]);

/** All processors, 8 at most: beyond that, steps of this size gain nothing. The same count gives the same bits. */
export function threadCount(): number {
  return Math.min(8, Math.max(1, availableParallelism()));
}

export class OrtEngine implements Engine {
  readonly id: string;
  #options: Options;
  #open = new Set<{ dispose(): Promise<void> }>();

  constructor(id: string, options: { threads?: number } = {}) {
    this.id = id;
    const threads = options.threads ?? threadCount();
    this.#options = {
      executionProviders: id === "cpu" ? ["cpu"] : [id, "cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
    };
  }

  async load(graph: Graph | Uint8Array): Promise<InferenceSession> {
    const session = await this.#session(graph);
    const own: InferenceSession = {
      inputs: infos(session.inputMetadata),
      outputs: infos(session.outputMetadata),
      run: async (feeds) => fromOrt(await run(session, toOrt(feeds), session.outputNames)),
      dispose: () => this.#release(own, session),
    };
    this.#open.add(own);
    return own;
  }

  async train(step: StepGraph, evaluate: Graph | undefined): Promise<TrainingSession> {
    const onDevice = keepsState.has(this.id);
    const locations = Object.fromEntries(
      step.graph.outputs.map((o) => [o.name, onDevice && o.name.startsWith("next:") ? "gpu-buffer" : "cpu"] as const),
    );
    const session = await this.#session(step.graph, onDevice ? { preferredOutputLocation: locations } : {});
    const evaluator = evaluate && (await this.#session(parametersAsInputs(evaluate, step.states)));
    const reader = onDevice ? await this.#session(copies(step.states)) : undefined;
    const training = reader ? new DeviceTraining(step, session, evaluator, reader) : new CpuTraining(step, session, evaluator);
    const own: TrainingSession = {
      step: (feeds, lr) => training.step(feeds, lr),
      evaluate: (feeds) => training.evaluate(feeds),
      read: () => training.read(),
      write: async (states) => training.write(states),
      dispose: async () => {
        if (!this.#open.has(own)) return;
        training.dispose();
        await this.#release(own, session, evaluator, reader);
      },
    };
    this.#open.add(own);
    return own;
  }

  async dispose(): Promise<void> {
    for (const session of [...this.#open]) await session.dispose();
  }

  async #session(graph: Graph | Uint8Array, more: Options = {}): Promise<OrtSession> {
    const bytes = graph instanceof Uint8Array ? graph : encodeModel(graph);
    try {
      return await OrtSession.create(bytes, { ...this.#options, ...more });
    } catch (thrown) {
      throw explain(thrown, this.id);
    }
  }

  async #release(own: { dispose(): Promise<void> }, ...sessions: (OrtSession | undefined)[]): Promise<void> {
    if (!this.#open.delete(own)) return;
    for (const session of sessions) await session?.release();
  }
}

/** What both kinds of training share: the step count, the learning rate and the tensors that do not change. */
abstract class Training {
  protected readonly names: string[];
  protected readonly fetches: string[];
  protected state: OrtValues = {};
  readonly #step: StepGraph;
  readonly #session: OrtSession;
  readonly #evaluator: OrtSession | undefined;
  readonly #lr = new Float32Array(1);
  readonly #t = new Float32Array(1);
  readonly #scalars: OrtValues;

  constructor(step: StepGraph, session: OrtSession, evaluator: OrtSession | undefined) {
    this.#step = step;
    this.#session = session;
    this.#evaluator = evaluator;
    const inputs = new Set(session.inputNames);
    const lr = new OrtTensor("float32", this.#lr, []);
    const t = new OrtTensor("float32", this.#t, []);
    this.#scalars = Object.fromEntries(Object.entries({ lr, t }).filter(([name]) => inputs.has(name)));
    this.names = step.states.map((s) => s.name).filter((name) => name !== "t");
    this.fetches = [
      ...step.outputs,
      ...this.names.filter((name) => session.outputNames.includes(`next:${name}`)).map((name) => `next:${name}`),
    ];
    this.write(new Map(step.states.map((s) => [s.name, s.initial])));
  }

  async step(feeds: Record<string, Tensor>, lr: number): Promise<Record<string, Tensor>> {
    this.#lr[0] = lr;
    const all: OrtValues = { ...this.state, ...this.#scalars };
    for (const input of this.#step.inputs) {
      const value = feeds[input.name];
      if (!value) throw missing(input.name);
      all[input.name] = ortTensor(value);
    }
    const results = await this.run(this.#session, all);
    this.#t[0]! += 1;
    const out: Record<string, Tensor> = {};
    for (const name of this.#step.outputs) out[name] = ownTensor(results[name]!);
    return out;
  }

  async evaluate(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    if (!this.#evaluator) throw new AppError("internal", "This training session has no graph to evaluate.", "Give one when it is opened.");
    const all: OrtValues = {};
    for (const name of this.#evaluator.inputNames) {
      const value = feeds[name] ? ortTensor(feeds[name]) : this.state[name];
      if (!value) throw missing(name);
      all[name] = value;
    }
    return fromOrt(await run(this.#evaluator, all, this.#evaluator.outputNames));
  }

  async read(): Promise<Map<string, Tensor>> {
    const out = new Map<string, Tensor>();
    const here = await this.fetch();
    for (const { name, dtype, dims } of this.#step.states) {
      const data = name === "t" ? this.#t : here[name]!.data;
      out.set(name, tensor(dtype, dims, (data as Float32Array).slice() as never));
    }
    return out;
  }

  write(states: Map<string, Tensor>): void {
    for (const [name, value] of states) {
      const place = this.#step.states.find((s) => s.name === name);
      if (!place || place.dtype !== value.dtype || place.dims.join() !== value.dims.join())
        throw new AppError(
          "shapeMismatch",
          `The state '${name}' of type ${value.dtype}[${value.dims.join(", ")}] does not fit this training step.`,
          "Use a checkpoint of the same model and optimizer.",
          { state: name },
        );
      if (name === "t") this.#t[0] = Number(value.data[0]);
      else this.put(name, ortTensor({ ...value, data: value.data.slice() } as Tensor));
    }
  }

  protected abstract run(session: OrtSession, feeds: OrtValues): Promise<OrtValues>;
  /** The state on the CPU. */
  protected abstract fetch(): Promise<OrtValues>;
  protected abstract put(name: string, value: OrtTensor): void;
  abstract dispose(): void;
}

/** On the CPU the state lives in two sets of buffers: a step reads one and writes the other, so nothing is allocated or copied. */
class CpuTraining extends Training {
  #spare: OrtValues = {};

  protected async run(session: OrtSession, feeds: OrtValues): Promise<OrtValues> {
    const spare = this.#spare;
    const fetches: Record<string, OrtTensor | null> = {};
    for (const name of this.fetches)
      fetches[name] = name.startsWith("next:") ? (spare[name.slice(5)] ??= twin(this.state[name.slice(5)]!)) : null;
    const results = await run(session, feeds, fetches);
    for (const name of this.fetches) {
      if (!name.startsWith("next:")) continue;
      const key = name.slice(5);
      const old = this.state[key]!;
      this.state[key] = spare[key]!;
      spare[key] = old;
    }
    return results;
  }

  protected async fetch(): Promise<OrtValues> {
    return this.state;
  }

  protected put(name: string, value: OrtTensor): void {
    this.state[name] = value;
  }

  dispose(): void {
    this.state = {};
    this.#spare = {};
  }
}

/** On a GPU the new state comes as GPU buffers, which feed the next step; the old ones are given back. */
class DeviceTraining extends Training {
  readonly #reader: OrtSession;

  constructor(step: StepGraph, session: OrtSession, evaluator: OrtSession | undefined, reader: OrtSession) {
    super(step, session, evaluator);
    this.#reader = reader;
  }

  /** Through a graph of copies: reading a GPU tensor by itself ends the process in onnxruntime-node 1.30. */
  protected async fetch(): Promise<OrtValues> {
    const results = await run(
      this.#reader,
      Object.fromEntries(this.#reader.inputNames.map((name) => [name, this.state[name]!])),
      this.#reader.outputNames,
    );
    return { ...this.state, ...Object.fromEntries(Object.entries(results).map(([name, value]) => [name.slice("copy:".length), value])) };
  }

  protected async run(session: OrtSession, feeds: OrtValues): Promise<OrtValues> {
    const results = await run(session, feeds, this.fetches);
    for (const name of this.fetches) if (name.startsWith("next:")) this.put(name.slice(5), results[name]!);
    return results;
  }

  protected put(name: string, value: OrtTensor): void {
    const old = this.state[name];
    this.state[name] = value;
    if (old?.location === "gpu-buffer") old.dispose();
  }

  dispose(): void {
    for (const value of Object.values(this.state)) if (value.location === "gpu-buffer") value.dispose();
    this.state = {};
  }
}

async function run(
  session: OrtSession,
  feeds: OrtValues,
  fetches: readonly string[] | Record<string, OrtTensor | null>,
): Promise<OrtValues> {
  try {
    return (await session.run(feeds, fetches as Record<string, OrtTensor | null>)) as OrtValues;
  } catch (thrown) {
    throw explain(thrown, "the device");
  }
}

/** A graph that gives its inputs back. */
function copies(states: readonly StepState[]): Graph {
  const g = new Builder("copies");
  for (const { name, dtype, dims } of states) if (isFloat(dtype) && name !== "t") g.output(g.input(name, dtype, dims), `copy:${name}`);
  return g.graph;
}

/** The evaluate graph with the parameters that are trained as inputs of the same names. */
function parametersAsInputs(graph: Graph, states: readonly StepState[]): Graph {
  const copy = graph.clone();
  for (const { name } of states) if (copy.initializers.has(name)) copy.initializerToInput(name);
  return copy;
}

function twin(value: OrtTensor): OrtTensor {
  const data = value.data as Float32Array;
  return new OrtTensor(value.type as "float32", data.slice(), value.dims);
}

function ortTensor(value: Tensor): OrtTensor {
  return new OrtTensor(value.dtype as "float32", value.data as Float32Array, value.dims);
}

function ownTensor(value: OrtTensor): Tensor {
  return { dtype: value.type as DType, dims: value.dims, data: value.data } as Tensor; // the runtime's types are ours by name
}

function toOrt(feeds: Record<string, Tensor>): OrtValues {
  return Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, ortTensor(value)]));
}

function fromOrt(values: OrtValues): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, ownTensor(value)]));
}

function infos(metadata: readonly OrtSession.ValueMetadata[]): ValueInfo[] {
  return metadata.map((m) => {
    if (!m.isTensor)
      throw new AppError("modelInvalid", `'${m.name}' is not a tensor.`, "Use a model whose inputs and outputs are tensors.", {
        value: m.name,
      });
    return { name: m.name, dtype: m.type as DType, dims: m.shape };
  });
}

function missing(name: string): AppError {
  return new AppError("shapeMismatch", `The input '${name}' is missing.`, "Give a tensor for every input.", { value: name });
}

/** The runtime's words as an error of ours. */
export function explain(thrown: unknown, device: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (/bad_alloc|failed to allocate|out of memory|OutOfMemory/i.test(message))
    return new AppError(
      "outOfMemory",
      "There is not enough memory for this model and batch.",
      "Use a smaller batch or a smaller model.",
      { device },
      thrown,
    );
  if (/Invalid (rank|dimension)|Got invalid dimensions|Unexpected input data type|Invalid Feed/i.test(message))
    return new AppError(
      "shapeMismatch",
      `The data does not fit the model: ${message}`,
      "Check the inputs' types and shapes.",
      { device },
      thrown,
    );
  if (/Load model|INVALID_GRAPH|INVALID_PROTOBUF|ShapeInferenceError|NOT_IMPLEMENTED|TypeInferenceError/i.test(message))
    return new AppError("modelInvalid", `The model cannot be run: ${message}`, "Export it again with a current tool.", { device }, thrown);
  return new AppError("deviceFailed", `${device} failed: ${message}`, "Use another device, or try again.", { device }, thrown);
}
