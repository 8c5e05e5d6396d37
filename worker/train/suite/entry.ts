// What a net of the suite is, and what it is built with: its graph, its batch, and weights that depend on the seed and their name alone.
import { Builder, type Value } from "../../ops/builder.ts";
import { type Init, type Net, openNet } from "../../models/layers.ts";
import { Random } from "../../random.ts";
import { float32, int64, sizeOf, type Tensor } from "../../tensor.ts";

export interface Entry<S extends object = object> {
  title: string;
  /** As it is timed, and small enough for a test to run it in a moment. */
  full: S;
  small: S;
  /** Adds the net to the graph; the loss. */
  build(net: SuiteNet, sizes: S): Value;
}

export const entry = <S extends object>(it: Entry<S>): Entry => it as unknown as Entry; // sizes come from the entry itself

export class SuiteNet implements Net {
  readonly g: Builder;
  readonly training = true;
  /** The batch, by input name. */
  readonly feeds: Record<string, Tensor> = {};
  /** Names of all weights, those that stay among them. */
  readonly drawn = new Set<string>();
  readonly #net: Net;
  readonly #seed: number;

  constructor(name: string, seed: number) {
    this.g = new Builder(name);
    this.#seed = seed;
    this.#net = openNet(this.g, { training: true, seed });
  }

  weight(name: string, dims: readonly number[], init: Init): Value {
    this.drawn.add(name);
    return this.#net.weight(name, dims, init);
  }

  /** Weights that stay as they are. */
  fixed(name: string, dims: readonly number[], init: Init): Value {
    const values = new Float32Array(sizeOf(dims));
    init(values, new Random(this.#seed, name));
    return this.kept(name, float32(dims, values));
  }

  kept(name: string, tensor: Tensor): Value {
    this.drawn.add(name);
    return this.g.constant(tensor, name);
  }

  /** An input of bell-shaped numbers. */
  floats(name: string, dims: readonly number[]): Value {
    const random = new Random(this.#seed, `feed ${name}`);
    this.feeds[name] = float32(
      dims,
      Float32Array.from({ length: sizeOf(dims) }, () => random.normal()),
    );
    return this.g.input(name, "float32", dims);
  }

  /** An input of whole numbers from 0 to below `below`. */
  ids(name: string, dims: readonly number[], below: number): Value {
    const random = new Random(this.#seed, `feed ${name}`);
    this.feeds[name] = int64(
      dims,
      Array.from({ length: sizeOf(dims) }, () => Math.floor(random.uniform() * below)),
    );
    return this.g.input(name, "int64", dims);
  }
}

export const filled =
  (value: number): Init =>
  (values) =>
    void values.fill(value);

/** Mean of -log softmax(scores)[label] over all rows. Scores (…, C), labels (…). */
export function crossEntropy({ g }: Net, scores: Value, labels: Value): Value {
  const flat = scores.dims.length > 2;
  return g.op("SoftmaxCrossEntropyLoss", flat ? [g.reshape(scores, [-1, scores.dims.at(-1)!]), g.reshape(labels, [-1])] : [scores, labels]);
}
