// ONNX Runtime as an engine. Its run() blocks this process for as long as it takes, and ending a thread in mid-run aborts, so sessions live
// in a process of their own. This folder is the only place that imports it.
import { availableParallelism } from "node:os";
import { InferenceSession as OrtSession } from "onnxruntime-node";
import { refuseTelemetry } from "../telemetry.ts";
import type { Graph } from "../onnx/graph.ts";
import { encodeParted } from "../onnx/proto.ts";
import { Builder } from "../ops/builder.ts";
import { blocked } from "../passes/lowerings/blocked.ts";
import { runPasses } from "../passes/pass.ts";
import { isFloat, sizeOf, type Tensor } from "../tensor.ts";
import { blockSize } from "./blockSize.ts";
import { leftToCpu } from "./leftToCpu.ts";
import type { Engine, InferenceSession, ModelPath, StepGraph, StepState, TrainingPlan, TrainingSession } from "./engine.ts";
import { FirstRun } from "./fallbacks.ts";
import { inPlace } from "./inPlace.ts";
import { explain, fromOrt, infos, run, toOrt } from "./onnxTensors.ts";
import { CpuTraining, DeviceTraining, isSized } from "./onnxTraining.ts";
import { apart, fed, sharedConstants } from "./shared.ts";
import { withList } from "./uncopied.ts";

// Also where this is used without the worker's entry, as in tests and benches: before the runtime first starts, which is not when it is loaded.
refuseTelemetry();

/** Devices whose tensors ONNX Runtime can leave where they are between runs. */
const keepsState = new Set(["webgpu"]);

/** A net with fewer parameters is not worth a second thread: its operators end before another thread has begun. */
const oneThread = 50_000;

/** All processors, 8 at most: beyond that, steps of this size gain nothing. The same net gets the same count, so the same bits. */
export function threadCount(): number {
  return Math.min(8, Math.max(1, availableParallelism()));
}

/** How many processors a net of so many parameters gets where nothing else is said. */
export const usualThreads = (parameters: number): number => (parameters < oneThread ? 1 : threadCount());

/**
 * Threads wait busily for the next operator, for 50 µs at most, and never between runs. Against threads that sleep at once a step takes 0.87 of
 * the time in six of the suite's nets (bench/waiting.ts, 2 cores), as with any longer wait; where two other programs want both processors it
 * takes 1.12 to 1.21, and 1.3 to 1.8 with the runtime's own wait of a millisecond and more.
 */
const waits = { force_spinning_stop: "1", intra_op: { allow_spinning: "1", spin_duration_us: "50" } };

export class OrtEngine implements Engine {
  readonly id: string;
  readonly #threads: number | undefined;
  readonly #waits: object;
  readonly #open = new Set<{ dispose(): Promise<void> }>();

  /** @param options.waits how threads wait for work, in the runtime's own words under `session`: for benches */
  constructor(id: string, options: { threads?: number; waits?: object } = {}) {
    this.id = id;
    this.#threads = options.threads;
    this.#waits = options.waits ?? waits;
  }

  async load(graph: Graph | Uint8Array | ModelPath, { shared = false } = {}): Promise<InferenceSession> {
    const fixed = shared && "nodes" in graph ? this.#shared(graph) : new Map<string, Tensor>();
    const session = await this.#session("nodes" in graph ? fed(graph, fixed) : graph);
    const constants = Object.fromEntries([...fixed].map(([name, value]) => [name, toOrt(value)]));
    const own: InferenceSession = {
      inputs: infos(session.inputMetadata).filter(({ name }) => !fixed.has(name)),
      outputs: infos(session.outputMetadata),
      run: async (feeds) => {
        const values = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, toOrt(value)]));
        const results = await run(session, { ...values, ...constants }, session.outputNames, this.id);
        return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromOrt(value)]));
      },
      dispose: () => this.#release(own, session),
    };
    this.#open.add(own);
    return own;
  }

  async train(training: TrainingPlan | StepGraph, evaluate: Graph | undefined): Promise<TrainingSession> {
    const step = "graph" in training ? training : training.step();
    const stays = keepsState.has(this.id);
    const locations = step.graph.outputs.map(
      ({ name }) => [name, stays && name.startsWith("next:") && name !== "next:t" ? "gpu-buffer" : "cpu"] as const,
    );
    const size = step.states.reduce((sum, s) => sum + (s.name.includes(":") ? 0 : sizeOf(s.dims)), 0);
    const threads = this.#threads ?? usualThreads(size);
    const open = (graph: Graph, more: OrtSession.SessionOptions = {}, written = false) =>
      this.#session(graph, { intraOpNumThreads: threads, ...more }, written);
    const names = step.states.map((s) => s.name);
    const laid = await inBlocks(step.graph, this.id);
    const { graph: placed, single } = stays ? { graph: laid, single: new Set<string>() } : inPlace(laid, names);
    const fixed = this.#shared(placed);
    const graph = fed(placed, fixed);
    const first = this.id === "cpu" ? undefined : new FirstRun();
    const sessions = {
      device: this.id,
      step: await open(
        graph,
        { ...(stays ? { preferredOutputLocation: Object.fromEntries(locations) } : {}), ...first?.options },
        !stays && isSized(step),
      ),
      evaluate: evaluate && (await open(fed(await inBlocks(parametersAsInputs(evaluate, step.states), this.id), fixed))),
      copy: stays ? await open(copies(step.states)) : undefined,
    };
    const loop = stays ? new DeviceTraining(step, sessions) : new CpuTraining(step, sessions, single, fixed);
    const own: TrainingSession = {
      fallbacks: first ? undefined : [],
      async step(feeds, lr) {
        const results = await loop.step(feeds, lr);
        own.fallbacks ??= first!.end(sessions.step);
        return results;
      },
      evaluate: (feeds) => loop.evaluate(feeds),
      read: () => loop.read(),
      write: async (states) => loop.write(states),
      dispose: async () => {
        if (!this.#open.has(own)) return;
        loop.dispose();
        first?.dispose();
        await this.#release(own, sessions.step, sessions.evaluate, sessions.copy);
      },
    };
    this.#open.add(own);
    return own;
  }

  async dispose(): Promise<void> {
    for (const session of [...this.#open]) await session.dispose();
  }

  /** Other devices keep constants where they compute: fed, they would go there with each run. */
  #shared(graph: Graph): ReadonlyMap<string, Tensor> {
    return this.id === "cpu" ? sharedConstants(graph) : new Map<string, Tensor>();
  }

  /** @param written whether runs write their results where they are told (`withList`) */
  async #session(graph: Graph | Uint8Array | ModelPath, more: OrtSession.SessionOptions = {}, written = false): Promise<OrtSession> {
    const { graph: whole, names } = graph instanceof Uint8Array || "path" in graph ? { graph, names: [] } : leftToCpu(graph, this.id);
    const { file, beside } = fileOf(whole);
    const own = names.length ? { name: this.id, forceCpuNodeNames: names } : this.id;
    try {
      const model = written && file instanceof Uint8Array ? withList(file) : file;
      return await OrtSession.create(model as string, {
        executionProviders: this.id === "cpu" ? ["cpu"] : [own, "cpu"],
        intraOpNumThreads: this.#threads ?? threadCount(),
        interOpNumThreads: 1,
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        // One block planned for all of a run lies beside what the first run took: 1.1 to 1.3 times the memory in seven nets, and no faster.
        enableMemPattern: false,
        logSeverityLevel: 3,
        extra: { session: this.#waits },
        ...(beside.length ? { externalData: beside } : {}),
        ...more,
      });
    } catch (thrown) {
      throw explain(thrown, this.id);
    }
  }

  async #release(own: { dispose(): Promise<void> }, ...sessions: (OrtSession | undefined)[]): Promise<void> {
    if (!this.#open.delete(own)) return;
    for (const session of sessions) await session?.release();
  }
}

/** What a session is made of: bytes or a path, and the constants beside it. */
function fileOf(graph: Graph | Uint8Array | ModelPath): { file: Uint8Array | string; beside: { path: string; data: Uint8Array }[] } {
  if (graph instanceof Uint8Array) return { file: graph, beside: [] };
  if ("path" in graph) return { file: graph.path, beside: [] };
  const { model, beside } = encodeParted(graph, apart);
  return { file: model, beside: [...beside].map(([path, data]) => ({ path, data })) };
}

/** On the CPU, convolutions whose weights change go by the runtime's blocked layout. */
async function inBlocks(graph: Graph, device: string): Promise<Graph> {
  if (device !== "cpu" || !graph.nodes.some((node) => node.type === "Conv" || node.type === "ConvTranspose")) return graph;
  const size = await blockSize();
  return size ? runPasses(graph, blocked(size)) : graph;
}

/** A graph that gives the states back. */
function copies(states: readonly StepState[]): Graph {
  const g = new Builder("copies");
  for (const { name, dtype, dims } of states) if (isFloat(dtype) && name !== "t") g.output(g.input(name, dtype, dims), `copy:${name}`);
  return g.graph;
}

/** The evaluate graph with the parameters that are trained as inputs of the same names. */
function parametersAsInputs(graph: Graph, states: readonly StepState[]): Graph {
  const copy = graph.clone();
  copy.initializersToInputs(states.map((s) => s.name).filter((name) => copy.initializers.has(name)));
  return copy;
}
