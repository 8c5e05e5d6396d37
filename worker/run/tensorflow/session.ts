// A training session on TensorFlow: variables for what changes, TensorFlow's gradients of the forward graph, TensorFlow's optimizer.
// Dropout's masks are those of every other device (passes/dropout.ts).
import type { Variable } from "@tensorflow/tfjs-core";
import { AppError } from "../../../ipc/error.ts";
import type { Graph } from "../../onnx/graph.ts";
import { repeatableDropout } from "../../passes/dropout.ts";
import { float32, int64, type Tensor } from "../../tensor.ts";
import type { TrainingPlan, TrainingSession } from "../engine.ts";
import type { Tf, TfTensor } from "./op.ts";
import { type Named, openUpdate, type Update } from "./optimizers.ts";
import { type Given, Program } from "./program.ts";
import { fromTf, toTf } from "./values.ts";

let sessions = 0;

export class TfTraining implements TrainingSession {
  readonly #tf: Tf;
  readonly #plan: TrainingPlan;
  readonly #forward: Program;
  readonly #evaluate: Program | undefined;
  readonly #parameters: ReadonlyMap<string, Variable>;
  /** Running statistics by state, and the output that each becomes. */
  readonly #running: ReadonlyMap<string, { variable: Variable; output: string }>;
  readonly #update: Update;
  readonly #inputs: readonly string[];
  #t = float32([], [1]);
  #seed: Tensor<"int64"> | undefined;

  private constructor(tf: Tf, plan: TrainingPlan, parts: Parts) {
    this.#tf = tf;
    this.#plan = plan;
    this.#forward = parts.forward;
    this.#evaluate = parts.evaluate;
    this.#parameters = parts.parameters;
    this.#running = parts.running;
    this.#update = parts.update;
    this.#inputs = plan.forward.inputs.map((i) => i.name);
    if (parts.forward.graph.inputs.some((i) => i.name === "seed")) this.#seed = int64([], [plan.seed]);
  }

  /** @throws operatorUnknown, modelInvalid, usage: what TensorFlow cannot do of the graph or the optimizer */
  static async open(tf: Tf, plan: TrainingPlan, evaluate: Graph | undefined): Promise<TfTraining> {
    const graph = repeatableDropout(plan.forward, { t: "t", seed: "seed" });
    const statistics = runningStatistics(graph);
    const wanted = [plan.loss.from, ...plan.keep];
    for (const name of wanted)
      if (!graph.outputs.some((o) => o.name === name))
        throw new AppError("modelInvalid", `The graph has no output '${name}'.`, `Name one of its outputs: ${graph.outputs.map((o) => o.name).join(", ")}.`, { value: name }); // prettier-ignore
    graph.setOutputs([...new Set([...wanted, ...statistics.values()])]);
    graph.prune();
    const forward = new Program(tf, graph);
    const judge = evaluate && new Program(tf, evaluate);
    const prefix = `paddock${++sessions}`;
    const variable = (name: string, trainable: boolean) => {
      const initial = toTf(tf, plan.forward.initializers.get(name)!, name);
      const made = tf.variable(initial, trainable, `${prefix}/${name}`);
      initial.dispose();
      return made;
    };
    const parameters = new Map(plan.trained.map((name) => [name, variable(name, true)]));
    for (const name of plan.trained) statistics.delete(name);
    const running = new Map([...statistics].map(([name, output]) => [name, { variable: variable(name, false), output }]));
    try {
      const update = await openUpdate(tf, plan, parameters);
      return new TfTraining(tf, plan, { forward, evaluate: judge, parameters, running, update });
    } catch (thrown) {
      for (const v of [...parameters.values(), ...[...running.values()].map((r) => r.variable)]) v.dispose();
      throw thrown;
    }
  }

  async step(batch: Record<string, Tensor>, lr: number): Promise<Record<string, Tensor>> {
    const tf = this.#tf;
    const t = this.#t.data[0]!;
    const results: Record<string, Tensor> = {};
    tf.tidy(() => {
      const given = this.#given();
      given.set("t", { here: this.#t });
      if (this.#seed) given.set("seed", { here: this.#seed });
      for (const name of this.#inputs) given.set(name, { device: toTf(tf, required(batch, name), name) });
      const statistics = new Map<Variable, TfTensor>();
      const { grads } = tf.variableGrads(() => {
        const out = this.#forward.run(given);
        const info = (name: string) => this.#forward.graph.info(name)!.dtype;
        results[this.#plan.loss.name] = fromTf(out.get(this.#plan.loss.from)!, info(this.#plan.loss.from));
        for (const name of this.#plan.keep) results[name] = fromTf(out.get(name)!, info(name));
        for (const { variable, output } of this.#running.values()) statistics.set(variable, tf.keep(tf.clone(out.get(output)!)));
        return tf.reshape(out.get(this.#plan.loss.from)!, []) as never;
      }, [...this.#parameters.values()]);
      this.#update.apply(this.#clipped(grads), lr, t);
      for (const [variable, value] of statistics) {
        variable.assign(value);
        value.dispose();
      }
    });
    this.#t = float32([], [t + 1]);
    return results;
  }

  async evaluate(batch: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    const program = this.#evaluate;
    if (!program) throw new AppError("internal", "This training session has no graph to evaluate.", "Give one when it is opened.");
    const own = this.#given();
    return runProgram(this.#tf, program, (name) => own.get(name) ?? { device: toTf(this.#tf, required(batch, name), name) }, own);
  }

  async read(): Promise<Map<string, Tensor>> {
    const states = new Map<string, Tensor>();
    for (const [name, variable] of this.#variables()) states.set(name, fromTf(variable, "float32"));
    states.set("t", float32([], [this.#t.data[0]!]));
    if (this.#seed) states.set("seed", int64([], this.#seed.data.slice()));
    return states;
  }

  async write(states: Map<string, Tensor>): Promise<void> {
    const variables = this.#variables();
    for (const [name, value] of states) {
      const [dtype, dims] = name === "t" ? ["float32", []] : name === "seed" && this.#seed ? ["int64", []] : ["float32", variables.get(name)?.shape]; // prettier-ignore
      if (!dims || dtype !== value.dtype || dims.join() !== value.dims.join())
        throw new AppError(
          "shapeMismatch",
          `The state '${name}' of type ${value.dtype}[${value.dims.join(", ")}] does not fit this training step.`,
          "Use a checkpoint of the same model, optimizer and device.",
          { state: name },
        );
    }
    this.#tf.tidy(() => {
      for (const [name, value] of states) {
        if (name === "t") this.#t = float32([], [Number(value.data[0])]);
        else if (name === "seed") this.#seed = int64([], [Number(value.data[0])]);
        else variables.get(name)!.assign(toTf(this.#tf, value, name) as never);
      }
    });
  }

  async dispose(): Promise<void> {
    this.#update.dispose();
    this.#forward.dispose();
    this.#evaluate?.dispose();
    for (const variable of [...this.#parameters.values(), ...[...this.#running.values()].map((r) => r.variable)]) variable.dispose();
  }

  /** Every state that is a variable, in the order of a step graph's. */
  #variables(): Map<string, Variable> {
    const running = [...this.#running].map(([name, { variable }]) => [name, variable] as const);
    return new Map([...this.#parameters, ...running, ...this.#update.moments]);
  }

  #given(): Map<string, Given> {
    const running = [...this.#running].map(([name, { variable }]) => [name, { device: variable as TfTensor }] as const);
    return new Map<string, Given>([...[...this.#parameters].map(([name, device]) => [name, { device }] as const), ...running]);
  }

  /** The gradients under our names, kept within bounds as train/clip.ts does; zeros where the loss does not depend on a parameter. */
  #clipped(found: Record<string, TfTensor>): Named[] {
    const tf = this.#tf;
    const { clipNorm, clipValue } = this.#plan;
    let grads = [...this.#parameters].map(([name, p]): Named => ({ name, tensor: found[p.name] ?? tf.zerosLike(p) }));
    if (clipValue !== undefined) grads = grads.map(({ name, tensor }) => ({ name, tensor: tf.clipByValue(tensor, -clipValue, clipValue) }));
    if (clipNorm === undefined || !grads.length) return grads;
    const squares = grads.map(({ tensor }) => tf.sum(tf.square(tensor)));
    const norm = tf.sqrt(squares.reduce((a, b) => tf.add(a, b)));
    const factor = tf.minimum(tf.div(clipNorm, tf.add(norm, 1e-6)), 1);
    return grads.map(({ name, tensor }) => ({ name, tensor: tf.mul(tensor, factor) }));
  }
}

interface Parts {
  forward: Program;
  evaluate: Program | undefined;
  parameters: ReadonlyMap<string, Variable>;
  running: ReadonlyMap<string, { variable: Variable; output: string }>;
  update: Update;
}

function required(batch: Record<string, Tensor>, name: string): Tensor {
  const value = batch[name];
  if (value) return value;
  throw new AppError("shapeMismatch", `The input '${name}' is missing.`, "Give a tensor for every input.", { value: name });
}

/** Runs a program and copies its outputs. @param input what an input of the graph is given */
export function runProgram(
  tf: Tf,
  program: Program,
  input: (name: string) => Given,
  more: ReadonlyMap<string, Given> = new Map(),
): Record<string, Tensor> {
  let results: Record<string, Tensor> = {};
  tf.tidy(() => {
    const given = new Map([...more, ...program.graph.inputs.map(({ name }) => [name, input(name)] as const)]);
    const out = program.run(given);
    results = Object.fromEntries(program.graph.outputs.map(({ name, dtype }) => [name, fromTf(out.get(name)!, dtype)]));
  });
  return results;
}

/** Batch normalisations in training: the initializers that hold a running mean or variance, and the values that these become. */
function runningStatistics(graph: Graph): Map<string, string> {
  const found = new Map<string, string>();
  for (const node of graph.nodes) {
    if (node.type !== "BatchNormalization" || node.domain !== "" || !node.attrs["training_mode"]?.value) continue;
    for (const i of [1, 2]) {
      const [name, output] = [node.inputs[i + 2]!, node.outputs[i]];
      if (output && graph.initializers.has(name) && !found.has(name)) found.set(name, output);
    }
  }
  return found;
}
