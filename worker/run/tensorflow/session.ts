// A training session on TensorFlow: variables for what changes, TensorFlow's gradients of the forward graph, TensorFlow's optimizer.
// Dropout's masks are those of every other device (passes/dropout.ts).
import type { Variable } from "@tensorflow/tfjs-core";
import { AppError } from "../../../ipc/error.ts";
import type { Graph } from "../../onnx/graph.ts";
import { trainedBatchNorm, withRunning } from "../../passes/batchNorm.ts";
import { repeatableDropout } from "../../passes/dropout.ts";
import { float32, int64, type Tensor } from "../../tensor.ts";
import type { TrainingPlan, TrainingSession } from "../engine.ts";
import { required, runProgram } from "./inference.ts";
import type { Tf, TfTensor } from "./op.ts";
import { openUpdate, type Slope, type Update } from "./optimizers.ts";
import { Program } from "./program.ts";
import { States } from "./states.ts";
import { fromTf, toTf } from "./values.ts";

interface Parts {
  forward: Program;
  evaluate: Program | undefined;
  states: States;
  parameters: ReadonlyMap<string, Variable>;
  /** Running statistics by state, and the output that each becomes. */
  running: ReadonlyMap<string, string>;
  update: Update;
}

/** Of a step that is taken in parts (train/parts.ts): where in the batch a part begins, and how many rows that has. */
const places = ["part:from", "part:of"] as const;

export class TfTraining implements TrainingSession {
  readonly #tf: Tf;
  readonly #plan: TrainingPlan;
  readonly #parts: Parts;
  /** Gradients of the parts of a step so far. */
  #sums: readonly Slope[] = [];

  private constructor(tf: Tf, plan: TrainingPlan, parts: Parts) {
    this.#tf = tf;
    this.#plan = plan;
    this.#parts = parts;
  }

  /** @throws operatorUnknown, modelInvalid: what TensorFlow cannot do of the graphs */
  static async open(tf: Tf, plan: TrainingPlan, judge: Graph | undefined): Promise<TfTraining> {
    const part = plan.inParts ? { batch: String(plan.forward.inputs[0]?.dims[0]), from: places[0], of: places[1] } : undefined;
    const statistics = withRunning(repeatableDropout(plan.forward, { t: "t", seed: "seed", part }));
    const graph = trainedBatchNorm(statistics.graph, { unbiased: true });
    const running = new Map(statistics.running.filter((r) => !plan.trained.includes(r.name)).map((r) => [r.name, r.value]));
    requireOutputs(graph, [plan.loss.from, ...plan.keep]);
    graph.setOutputs([...new Set([plan.loss.from, ...plan.keep, ...running.values()])]);
    graph.prune();
    const forward = new Program(tf, graph, new Set(["t", "seed", ...places]));
    const evaluate = judge && new Program(tf, judge);
    const states = new States(tf);
    try {
      const initial = (name: string) => plan.forward.initializers.get(name)!;
      const parameters = new Map(plan.trained.map((name) => [name, states.add(name, initial(name), true)]));
      for (const name of running.keys()) states.add(name, initial(name));
      states.addHere("t", float32([], [1]));
      const update = await openUpdate(tf, plan, parameters, states);
      if (graph.inputs.some((i) => i.name === "seed")) states.addHere("seed", int64([], [plan.seed]));
      return new TfTraining(tf, plan, { forward, evaluate, states, parameters, running, update });
    } catch (thrown) {
      states.dispose();
      throw thrown;
    }
  }

  async step(batch: Record<string, Tensor>, lr: number): Promise<Record<string, Tensor>> {
    const tf = this.#tf;
    const { forward, states, parameters, running, update } = this.#parts;
    const results: Record<string, Tensor> = {};
    const last = batch["part:last"]?.data[0] !== 0;
    tf.tidy(() => {
      const given = states.given();
      for (const { name } of this.#plan.forward.inputs) given.set(name, { device: toTf(tf, required(batch, name), name) });
      for (const name of places) if (batch[name]) given.set(name, { here: batch[name] });
      const after = new Map<string, TfTensor>();
      const { grads } = tf.variableGrads(() => {
        const out = forward.run(given);
        const { loss, keep } = this.#plan;
        const told = [[loss.name, loss.from], ...keep.map((name) => [name, name])] as [string, string][];
        for (const [name, from] of told) results[name] = fromTf(out.get(from)!, forward.graph.info(from)!.dtype);
        for (const [name, output] of running) after.set(name, tf.keep(tf.clone(out.get(output)!)));
        return tf.reshape(out.get(loss.from)!, []) as never;
      }, [...parameters.values()]);
      // Zeros where the loss does not depend on a parameter.
      const slopes = [...parameters].map(([name, p]): Slope => ({ name, tensor: grads[p.name] ?? tf.zerosLike(p) }));
      const share = batch["part:share"]?.data[0] as number | undefined;
      if (share === undefined) update.apply(slopes, lr);
      else {
        const before = this.#sums;
        const sums = slopes.map(({ name, tensor }, i): Slope => {
          const own = tf.mul(tensor, share);
          return { name, tensor: before[i] ? tf.add(before[i].tensor, own) : own };
        });
        for (const { tensor } of before) tensor.dispose();
        this.#sums = last ? [] : sums.map(({ name, tensor }) => ({ name, tensor: tf.keep(tensor) }));
        if (last) update.apply(sums, lr);
      }
      for (const [name, value] of after) {
        states.assign(name, value);
        value.dispose();
      }
    });
    if (last) states.count();
    return results;
  }

  async evaluate(batch: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    return runProgram(this.#tf, this.#parts.evaluate, batch, this.#parts.states.given());
  }

  async read(): Promise<Map<string, Tensor>> {
    return this.#parts.states.read();
  }

  async write(states: Map<string, Tensor>): Promise<void> {
    this.#parts.states.write(states);
  }

  async dispose(): Promise<void> {
    const { forward, evaluate, states, update } = this.#parts;
    for (const { tensor } of this.#sums) tensor.dispose();
    update.dispose();
    forward.dispose();
    evaluate?.dispose();
    states.dispose();
  }
}

function requireOutputs(graph: Graph, names: readonly string[]): void {
  const known = graph.outputs.map((o) => o.name);
  const missing = names.find((name) => !known.includes(name));
  if (missing !== undefined)
    throw new AppError("modelInvalid", `The graph has no output '${missing}'.`, `Name one of its outputs: ${known.join(", ")}.`, {
      value: missing,
    });
}
