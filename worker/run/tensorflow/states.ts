// What a training carries from step to step, by the names of a step graph's states: variables on the device, and here what the step count
// and the seed decide.
import type { Variable } from "@tensorflow/tfjs-core";
import { AppError } from "../../../ipc/error.ts";
import { copyTensor, type Tensor, toNumbers } from "../../tensor.ts";
import type { Tf, TfTensor } from "./op.ts";
import type { Given } from "./program.ts";
import { fromTf, toTf } from "./values.ts";

type Place = { variable: Variable; own: boolean } | { here: Tensor };

let opened = 0;

export class States {
  readonly #tf: Tf;
  /** TensorFlow.js knows variables by name, in the whole process. */
  readonly #prefix = `paddock${++opened}`;
  readonly #places = new Map<string, Place>();

  constructor(tf: Tf) {
    this.#tf = tf;
  }

  has(name: string): boolean {
    return this.#places.has(name);
  }

  /** A float32 state on the device. */
  add(name: string, initial: Tensor, trainable = false): Variable {
    const value = toTf(this.#tf, initial, name);
    const variable = this.#tf.variable(value, trainable, `${this.#prefix}/${name}`);
    value.dispose();
    this.#places.set(name, { variable, own: true });
    return variable;
  }

  /** A state that another made and disposes. */
  adopt(name: string, variable: Variable): void {
    this.#places.set(name, { variable, own: false });
  }

  addHere(name: string, initial: Tensor): void {
    this.#places.set(name, { here: copyTensor(initial) });
  }

  /** The states in the order in which they were added, as a run is given them. */
  given(): Map<string, Given> {
    return new Map(
      [...this.#places].map(([name, place]) => [name, "here" in place ? { here: place.here } : { device: place.variable as TfTensor }]),
    );
  }

  /** A new value, within a tidy. */
  assign(name: string, value: TfTensor): void {
    const place = this.#places.get(name)!;
    if ("here" in place) this.#places.set(name, { here: fromTf(value, place.here.dtype) });
    else place.variable.assign(value as never);
  }

  /** The step count goes on by one. */
  count(): void {
    this.addHere("t", { dtype: "float32", dims: [], data: Float32Array.of(this.t + 1) });
  }

  get t(): number {
    return toNumbers((this.#places.get("t") as { here: Tensor }).here)[0]!;
  }

  /** Copies of all of them. */
  read(): Map<string, Tensor> {
    return new Map(
      [...this.#places].map(([name, place]) => [name, "here" in place ? copyTensor(place.here) : fromTf(place.variable, "float32")]),
    );
  }

  /** @throws shapeMismatch for a state that is not there, or of another type or shape; then none is written */
  write(states: ReadonlyMap<string, Tensor>): void {
    for (const [name, value] of states) {
      const place = this.#places.get(name);
      const [dtype, dims] = !place ? [] : "here" in place ? [place.here.dtype, place.here.dims] : ["float32", place.variable.shape];
      if (dtype !== value.dtype || dims?.join() !== value.dims.join())
        throw new AppError(
          "shapeMismatch",
          `The state '${name}' of type ${value.dtype}[${value.dims.join(", ")}] does not fit this training step.`,
          "Use a checkpoint of the same model, optimizer and device.",
          { state: name },
        );
    }
    this.#tf.tidy(() => {
      for (const [name, value] of states) {
        const place = this.#places.get(name)!;
        if ("here" in place) this.addHere(name, value);
        else place.variable.assign(toTf(this.#tf, value, name) as never);
      }
    });
  }

  dispose(): void {
    for (const place of this.#places.values()) if ("variable" in place && place.own) place.variable.dispose();
    this.#places.clear();
  }
}
