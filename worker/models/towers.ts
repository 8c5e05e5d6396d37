// Two towers for recommending among many items: what somebody has becomes a vector, the sum of its items' vectors over the root of their
// number; each item that might follow has a vector of its own and a bias; what fits is their product. Trained by a softmax over sampled items whose
// chance of being drawn is taken off, https://doi.org/10.1145/3298689.3346996 ; no user has weights, so that one who was never
// seen is answered by what they have. Letters: B users, H items had, C candidates, I items, D numbers of a vector.
import type { Graph } from "../onnx/graph.ts";
import { Builder } from "../ops/builder.ts";
import { normal, openNet, zeros } from "./layers.ts";

export interface TowerSpec {
  items: number;
  /** D */
  size: number;
  seed: number;
  /** How strongly what a batch uses is pulled to zero. */
  decay: number;
}

/**
 * Inputs had (B, H) int64, mix (B, 1, H) float32: 1/√h for what is had, 0 for padding; among (C) int64 the candidates, chance (1, C) float32 the
 * logarithm of how likely each is among them; wanted (B, C) float32, what followed. Outputs `loss` (lowered) and `shown`, the cross-entropy.
 */
export function towerTraining({ items, size, seed, decay }: TowerSpec): Graph {
  const g = new Builder("towers");
  const net = openNet(g, { training: true, seed });
  const std = normal(0.1);
  const had = g.input("had", "int64", ["B", "H"]);
  const mix = g.input("mix", "float32", ["B", 1, "H"]);
  const among = g.input("among", "int64", ["C"]);
  const chance = g.input("chance", "float32", [1, "C"]);
  const wanted = g.input("wanted", "float32", ["B", "C"]);
  const owned = g.gather(net.weight("had.vectors", [items, size], std), had); // (B, H, D)
  const user = g.reshape(g.matmul(mix, owned), ["B", size]);
  const vectors = g.gather(net.weight("item.vectors", [items, size], std), among); // (C, D)
  const bias = g.transpose(g.gather(net.weight("item.bias", [items, 1], zeros), among)); // (1, C)
  const logits = g.sub(g.add(g.matmul(user, g.transpose(vectors)), bias), chance); // (B, C)
  const each = g.reduceSum(g.mul(g.logSoftmax(logits), wanted), { axes: [1], keepdims: false }); // (B)
  const shown = g.neg(g.reduceMean(each, { keepdims: false }));
  const pull = g.add(
    g.reduceMean(g.reduceSum(g.square(user), { axes: [1] }), { keepdims: false }),
    g.reduceMean(g.reduceSum(g.square(vectors), { axes: [1] }), { keepdims: false }),
  );
  g.output(g.add(shown, g.mul(pull, decay)), "loss");
  g.output(shown, "shown");
  return g.graph;
}
