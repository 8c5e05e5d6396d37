// A step graph by TensorFlow's operations: a whole step with gradients that were made before, or an optimizer alone.
import type { Graph } from "../../onnx/graph.ts";
import { dtypeCode } from "../../onnx/proto.ts";
import { float32, type Tensor } from "../../tensor.ts";
import type { StepGraph, TrainingSession } from "../engine.ts";
import { required, runProgram } from "./inference.ts";
import type { Tf, TfTensor } from "./op.ts";
import { type Given, Program } from "./program.ts";
import { States } from "./states.ts";
import { fromTf, toTf } from "./values.ts";

export class StepProgram {
  readonly #program: Program;
  readonly #states: States;
  readonly #next: string[];

  /** States that are not there yet are added. @throws what Program throws */
  constructor(tf: Tf, step: StepGraph, states: States) {
    const here = new Set(["t", "seed", "lr", ...reckoned(step)]);
    this.#program = new Program(tf, step.graph, here);
    this.#states = states;
    const outputs = new Set(step.graph.outputs.map((o) => o.name));
    this.#next = step.states.map((s) => s.name).filter((name) => name !== "t" && outputs.has(`next:${name}`));
    for (const { name, initial } of step.states)
      if (!states.has(name)) {
        if (here.has(name)) states.addHere(name, initial);
        else states.add(name, initial);
      }
  }

  /** One run, within a tidy: the states become what they are next, all but the step count. */
  advance(batch: ReadonlyMap<string, Given>, lr: number): Map<string, TfTensor> {
    const out = this.#program.run(new Map([...this.#states.given(), ...batch, ["lr", { here: float32([], [lr]) }]]));
    for (const name of this.#next) this.#states.assign(name, out.get(`next:${name}`)!);
    return out;
  }

  dispose(): void {
    this.#program.dispose();
  }
}

/** Scalar states that an optimizer reckons with in float64, which the device does not have. */
function reckoned({ graph, states }: StepGraph): string[] {
  const scalars = new Set(states.filter((s) => !s.dims.length && s.name !== "t").map((s) => s.name));
  const wide = graph.nodes.filter((n) => n.type === "Cast" && n.attrs["to"]?.value === dtypeCode("float64"));
  return wide.map((n) => n.inputs[0]!).filter((name) => scalars.has(name));
}

/** A training session on a finished step: its gradients are those in the graph, by TensorFlow's operations. */
export class TfStepTraining implements TrainingSession {
  readonly #tf: Tf;
  readonly #step: StepGraph;
  readonly #program: StepProgram;
  readonly #states: States;
  readonly #evaluate: Program | undefined;

  /** @throws operatorUnknown, modelInvalid: what TensorFlow cannot do of the graphs */
  constructor(tf: Tf, step: StepGraph, evaluate: Graph | undefined) {
    this.#tf = tf;
    this.#step = step;
    this.#states = new States(tf);
    this.#evaluate = evaluate && new Program(tf, evaluate);
    this.#program = new StepProgram(tf, step, this.#states);
  }

  async step(batch: Record<string, Tensor>, lr: number): Promise<Record<string, Tensor>> {
    const tf = this.#tf;
    const results: Record<string, Tensor> = {};
    tf.tidy(() => {
      const given = this.#step.inputs.map(({ name }): [string, Given] => [name, { device: toTf(tf, required(batch, name), name) }]);
      const out = this.#program.advance(new Map(given), lr);
      for (const name of this.#step.outputs) results[name] = fromTf(out.get(name)!, this.#step.graph.info(name)!.dtype);
    });
    this.#states.count();
    return results;
  }

  async evaluate(batch: Record<string, Tensor>): Promise<Record<string, Tensor>> {
    return runProgram(this.#tf, this.#evaluate, batch, this.#states.given());
  }

  async read(): Promise<Map<string, Tensor>> {
    return this.#states.read();
  }

  async write(states: Map<string, Tensor>): Promise<void> {
    this.#states.write(states);
  }

  async dispose(): Promise<void> {
    this.#program.dispose();
    this.#evaluate?.dispose();
    this.#states.dispose();
  }
}
