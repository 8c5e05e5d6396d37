// TensorFlow as an engine: the same forward graph by TensorFlow's operations, gradients and optimizers; a step that is made already, with
// gradients of ours in it, by TensorFlow's operations alone. The package is an optional one
// (npm run setup:tensorflow); nothing else imports it. It has no fallback by node: a graph with an operator that TensorFlow.js does not have
// is refused before it runs.
import { createRequire } from "node:module";
import type { Graph } from "../onnx/graph.ts";
import { check } from "../onnx/check.ts";
import { decodeModel } from "../onnx/proto.ts";
import { inferGraph } from "../ops/infer.ts";
import { readGraph } from "../formats/onnx.ts";
import type { Engine, InferenceSession, ModelPath, StepGraph, TrainingPlan, TrainingSession } from "./engine.ts";
import { runProgram } from "./tensorflow/inference.ts";
import type { Tf } from "./tensorflow/op.ts";
import { Program } from "./tensorflow/program.ts";
import { TfTraining } from "./tensorflow/session.ts";
import { TfStepTraining } from "./tensorflow/stepProgram.ts";

/** The package that is loaded: TensorFlow's own, or another with the same operations (tests name @tensorflow/tfjs). */
export const tensorflowPackage = (): string => process.env["PADDOCK_TENSORFLOW"] || "@tensorflow/tfjs-node-gpu";

const require = createRequire(import.meta.url);

/** Whether the package is there; it may still not load. */
export function hasTensorFlow(): boolean {
  try {
    require.resolve(tensorflowPackage());
    return true;
  } catch {
    return false;
  }
}

/** The package, loaded and ready. Throws what loading it throws. */
export async function loadTensorFlow(): Promise<Tf & { version?: { tfjs?: string } }> {
  // tfjs-node 4.22 calls functions that newer versions of Node have left out.
  const util = require("node:util") as { isNullOrUndefined?: unknown; isArray?: unknown };
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= (value: unknown) => Array.isArray(value);
  const tf = require(tensorflowPackage()) as Tf & { version?: { tfjs?: string } };
  tf.enableProdMode(); // no advice on the console, no second check of every value
  await tf.ready();
  return tf;
}

/** What runs the operations, in words: its backend, and whether that found a GPU where it says so. */
export function describeTensorFlow(tf: Tf & { version?: { tfjs?: string } }): string {
  const { isUsingGpuDevice: gpu } = tf.backend() as { isUsingGpuDevice?: boolean };
  const where = gpu === undefined ? "" : gpu ? ", on the GPU" : ", on the processor: it found no GPU";
  return `TensorFlow.js ${tf.version?.tfjs ?? ""} with the backend '${tf.getBackend()}'${where}`;
}

export class TfEngine implements Engine {
  readonly id = "tensorflow";
  readonly #tf: Tf;
  readonly #open = new Set<{ dispose(): Promise<void> }>();

  constructor(tf: Tf) {
    this.#tf = tf;
  }

  async load(graph: Graph | Uint8Array | ModelPath): Promise<InferenceSession> {
    const whole = graph instanceof Uint8Array ? read(graph) : "path" in graph ? readGraph(graph.path) : graph;
    const program = new Program(this.#tf, whole);
    const session: InferenceSession = {
      inputs: [...whole.inputs],
      outputs: [...whole.outputs],
      run: async (feeds) => runProgram(this.#tf, program, feeds),
      dispose: async () => {
        if (this.#open.delete(session)) program.dispose();
      },
    };
    this.#open.add(session);
    return session;
  }

  async train(training: TrainingPlan | StepGraph, evaluate: Graph | undefined): Promise<TrainingSession> {
    const session =
      "graph" in training ? new TfStepTraining(this.#tf, training, evaluate) : await TfTraining.open(this.#tf, training, evaluate);
    const own: TrainingSession = {
      step: (feeds, lr) => session.step(feeds, lr),
      evaluate: (feeds) => session.evaluate(feeds),
      read: () => session.read(),
      write: (states) => session.write(states),
      dispose: async () => {
        if (this.#open.delete(own)) await session.dispose();
      },
    };
    this.#open.add(own);
    return own;
  }

  async dispose(): Promise<void> {
    for (const session of [...this.#open]) await session.dispose();
  }
}

function read(bytes: Uint8Array): Graph {
  const graph = decodeModel(bytes);
  check(graph);
  inferGraph(graph);
  return graph;
}
