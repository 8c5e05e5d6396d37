// An optimizer by itself, as a graph: for engines that have gradients of their own but not this optimizer.
import { Builder, type Value } from "../ops/builder.ts";
import type { Graph } from "../onnx/graph.ts";
import type { Tensor } from "../tensor.ts";

/** What the gradient of a parameter is called among the inputs. */
export const slopeName = (parameter: string): string => `grad:${parameter}`;

/**
 * A forward graph of the same parameters whose inputs are gradients, `grad:<p>`, and whose loss is Σ p · grad:<p>, so that its own gradients
 * are these inputs: the training step of this graph is an update, with all that a step can do (clipping, accumulation, decay).
 */
export function linearised(forward: Graph, trained: readonly string[]): Graph {
  const g = new Builder("update");
  const terms = trained.map((name): Value => {
    const { dims, data } = forward.initializers.get(name) as Tensor<"float32">;
    const p = g.parameter(name, dims, data);
    return g.reduceSum(g.mul(p, g.input(slopeName(name), "float32", dims)), { keepdims: false });
  });
  g.output(terms.length ? terms.reduce((a, b) => g.add(a, b)) : g.scalar(0), "loss");
  return g.graph;
}
