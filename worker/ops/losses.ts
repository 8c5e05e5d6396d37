// Losses as one operator.
import type { Dim } from "../onnx/graph.ts";
import { type Op, op } from "./op.ts";
import { ids, normal, positive } from "./samples.ts";
import { like, mismatch } from "./shapes.ts";

export const losses = {
  /**
   * The weights are settings of the loss: they get no gradient.
   * -w[label] · log softmax(scores)[label], by row, their weighted mean or their sum; labels equal to ignore_index count for nothing.
   * Scores (N, C) or (N, C, d…), labels (N) or (N, d…), weights (C).
   */
  SoftmaxCrossEntropyLoss: op({
    arity: [2, 3],
    infer([scores, labels], { attrs, outputs }) {
      if (scores.dims.length < 2 || labels.dims.length !== scores.dims.length - 1)
        throw mismatch("its labels must have one axis less than its scores.");
      const loss: readonly Dim[] = attrs.string("reduction", "mean") === "none" ? labels.dims : [];
      return [like(scores, loss), like(scores)].slice(0, outputs);
    },
    grad(g, { x: [scores, labels, weights], y, dy: [dy, dyLog], attrs, has, flows, outputs }) {
      const reduction = attrs.string("reduction", "mean");
      const classes = scores.dims[1]!;
      if (typeof classes === "string") throw mismatch("the number of classes must be known.");
      const hot = g.oneHot(labels, classes, { axis: 1, dtype: scores.dtype });
      const target = has(2) ? g.mul(hot, g.reshape(weights, [1, classes, ...scores.dims.slice(2).map(() => 1)])) : hot;
      const counted = attrs.has("ignore_index")
        ? g.mul(target, g.cast(g.not(g.equal(g.unsqueeze(labels, [1]), attrs.int("ignore_index"))), scores.dtype))
        : target;
      const log = outputs > 1 ? y[1] : g.logSoftmax(scores, { axis: 1 });
      const weight = g.reduceSum(counted, { axes: [1] }); // (N, 1, d…): the row's own weight
      const p = g.exp(log);
      const slope = g.sub(g.mul(p, weight), counted); // w (softmax - one-hot)
      const up =
        reduction === "none" ? g.unsqueeze(dy, [1]) : reduction === "sum" ? dy : g.div(dy, g.reduceSum(weight, { keepdims: false }));
      const dx = g.mul(slope, up);
      if (!flows(1)) return [dx, null, null];
      return [g.add(dx, g.sub(dyLog, g.mul(p, g.reduceSum(dyLog, { axes: [1] })))), null, null];
    },
    samples: [
      [normal(4, 3), ids([0, 2, 1, 2])],
      { inputs: [normal(4, 3), ids([0, 2, 1, 2]), { ...positive(3), constant: true }] },
      { inputs: [normal(4, 3), ids([0, 2, 1, 2])], attrs: { reduction: "sum", ignore_index: 2 } },
      { inputs: [normal(2, 3, 2), ids([0, 2, 1, 1], [2, 2])], attrs: { reduction: "none" } },
      { inputs: [normal(4, 3), ids([0, 2, 1, 2]), { ...positive(3), constant: true }], attrs: { ignore_index: 0 }, outputs: 2 },
    ],
  }),
} satisfies Record<string, Op>;
