// Ratings by factors: r(u, i) = mean + b_u + c_i + p_u · q_i, two towers whose meeting is a product.
// Matrix factorization with biases, https://doi.org/10.1109/MC.2009.263 ; with a user and an item alone it is the factorization machine of
// second order, https://doi.org/10.1109/ICDM.2010.127 . Row 0 of every table is for who was never seen: all zeros, so that the
// mean and the other side's bias remain. Letters: B batch, U users, I items, D factors.
import type { Graph } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";
import type { Tensor } from "../tensor.ts";
import { type Init, type Net, normal, openNet, zeros } from "./layers.ts";

export interface FactorSpec {
  users: number;
  items: number;
  /** Length of a factor. */
  size: number;
  /** How strongly what a batch uses is pulled to zero. */
  decay: number;
  seed: number;
}

/** Small first values: the biases learn first. Row 0 stays zero, as no row of training uses it. */
const start: (size: number) => Init = (size) => (values, random) => {
  normal(0.05)(values, random);
  values.fill(0, 0, size);
};

/** Standardised ratings, and what they were made of: codes (B) int64, 0 for unknown → (B, 1). */
function meet(net: Net, { users, items, size }: FactorSpec, { user, item }: { user: Value; item: Value }) {
  const { g } = net;
  const p = g.gather(net.weight("user.factors", [users + 1, size], start(size)), user); // (B, D)
  const q = g.gather(net.weight("item.factors", [items + 1, size], start(size)), item); // (B, D)
  const b = g.gather(net.weight("user.bias", [users + 1, 1], zeros), user); // (B, 1)
  const c = g.gather(net.weight("item.bias", [items + 1, 1], zeros), item); // (B, 1)
  const together = g.reduceSum(g.mul(p, q), { axes: [1] }); // (B, 1)
  return { rating: g.add(g.add(b, c), together), used: [p, q, b, c] };
}

const codes = (g: Builder) => ({ user: g.input("user", "int64", ["B"]), item: g.input("item", "int64", ["B"]) });

/** Inputs user, item (B) int64 and y (B, 1) float32, standardised; outputs `loss` (lowered) and `shown`, the squared error. */
export function factorTraining(spec: FactorSpec): Graph {
  const g = new Builder("training");
  const { rating, used } = meet(openNet(g, { training: true, seed: spec.seed }), spec, codes(g));
  const y = g.input("y", "float32", ["B", 1]);
  const shown = g.reduceMean(g.square(g.sub(rating, y)), { keepdims: false });
  const sizes = used.map((x) => g.reduceSum(g.square(x), { axes: [1] })); // (B, 1) each
  const pull = g.reduceMean(
    sizes.reduce((sum, x) => g.add(sum, x)),
    { keepdims: false },
  );
  g.output(g.add(shown, g.mul(pull, spec.decay)), "loss");
  g.output(shown, "shown");
  return g.graph;
}

/** Output `answer` (B, 1), standardised. */
export function factorAnswering(spec: FactorSpec): Graph {
  const g = new Builder("answering");
  g.output(meet(openNet(g, { training: false, seed: spec.seed }), spec, codes(g)).rating, "answer");
  return g.graph;
}

/** The trained network in a graph of the caller's: (B, 1), standardised. */
export function factorNet(g: Builder, spec: FactorSpec, inputs: { user: Value; item: Value }, given: ReadonlyMap<string, Tensor>): Value {
  return meet(openNet(g, { training: false, seed: spec.seed, given }), spec, inputs).rating;
}
