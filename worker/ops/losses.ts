// Losses as one operator.
import type { Dim } from "../onnx/graph.ts";
import type { Builder, Value } from "./builder.ts";
import { type Attrs, type Op, op } from "./op.ts";
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
      const counted = countedLabels(g, { scores, labels, weights: has(2) ? weights : undefined, attrs });
      const log = outputs > 1 ? y[1] : g.logSoftmax(scores, { axis: 1 });
      const weight = g.reduceSum(counted, { axes: [1] }); // (N, 1, d…): the row's own weight
      const p = g.exp(log);
      const slope = g.sub(g.mul(p, weight), counted); // w (softmax - one-hot)
      const dx = g.mul(slope, upstream(g, attrs, dy, weight));
      if (!flows(1)) return [dx, null, null];
      return [g.add(dx, g.sub(dyLog, g.mul(p, g.reduceSum(dyLog, { axes: [1] })))), null, null];
    },
    samples: [
      [normal(4, 3), ids([0, 2, 1, 2])],
      { inputs: [normal(4, 3), ids([0, 2, 1, 2]), { ...positive(3), constant: true }] },
      { inputs: [normal(4, 3), ids([0, 2, 1, 2])], attrs: { reduction: "sum", ignore_index: 2 } },
      { inputs: [normal(2, 3, 2), ids([0, 2, 1, 1], [2, 2])], attrs: { reduction: "none" } },
      { inputs: [normal(2, 3, 2), ids([0, -100, 1, 1], [2, 2])], attrs: { ignore_index: -100 } },
      { inputs: [normal(4, 3), ids([0, 2, 1, 2]), { ...positive(3), constant: true }], attrs: { ignore_index: 0 }, outputs: 2 },
    ],
  }),

  /** The same of scores that are log probabilities already: -w[label] · scores[label]. */
  NegativeLogLikelihoodLoss: op({
    arity: [2, 3],
    infer([scores, labels], { attrs }) {
      if (scores.dims.length < 2 || labels.dims.length !== scores.dims.length - 1)
        throw mismatch("its labels must have one axis less than its scores.");
      return like(scores, attrs.string("reduction", "mean") === "none" ? labels.dims : []);
    },
    grad(g, { x: [scores, labels, weights], dy: [dy], attrs, has }) {
      const counted = countedLabels(g, { scores, labels, weights: has(2) ? weights : undefined, attrs });
      return [g.neg(g.mul(counted, upstream(g, attrs, dy, g.reduceSum(counted, { axes: [1] })))), null, null];
    },
    samples: [
      { inputs: [normal(4, 3), ids([0, 2, 1, 2])], step: 1 },
      { inputs: [normal(4, 3), ids([0, 2, 1, 2]), { ...positive(3), constant: true }], attrs: { ignore_index: 0 }, step: 1 },
      { inputs: [normal(2, 3, 2), ids([0, 2, 1, 1], [2, 2])], attrs: { reduction: "none" }, step: 1 },
      { inputs: [normal(2, 3, 2), ids([0, -1, 1, 1], [2, 2])], attrs: { reduction: "sum", ignore_index: -1 }, step: 1 },
    ],
  }),
} satisfies Record<string, Op>;

/** Each row's label as one-hot along axis 1, times its class's weight; 0 for labels that count for nothing. */
function countedLabels(
  g: Builder,
  { scores, labels, weights, attrs }: { scores: Value; labels: Value; weights: Value | undefined; attrs: Attrs },
): Value {
  const classes = scores.dims[1]!;
  const whole = g.cast(labels, "int64");
  const ones = scores.dims.slice(2).map(() => 1);
  const hot =
    typeof classes === "number"
      ? g.oneHot(whole, classes, { axis: 1, dtype: scores.dtype })
      : g.cast(
          g.equal(g.unsqueeze(whole, [1]), g.assume(g.reshape(numbersTo(g, scores, 1), [-1, ...ones]), [classes, ...ones])),
          scores.dtype,
        );
  const target = weights ? g.mul(hot, g.reshape(weights, [1, -1, ...ones])) : hot;
  if (!attrs.has("ignore_index")) return target;
  return g.mul(target, g.cast(g.not(g.equal(g.unsqueeze(labels, [1]), attrs.int("ignore_index"))), scores.dtype));
}

/** 0, 1, … as many as an axis is long. */
function numbersTo(g: Builder, x: Value, axis: number): Value {
  const length = g.squeeze(g.op("Shape", [x], { start: axis, end: axis + 1 }), [0]);
  return g.op("Range", [g.scalar(0, "int64"), length, g.scalar(1, "int64")]);
}

/** What comes to each row; `weight` (N, 1, d…) is the row's own. */
function upstream(g: Builder, attrs: Attrs, dy: Value, weight: Value): Value {
  const reduction = attrs.string("reduction", "mean");
  return reduction === "none" ? g.unsqueeze(dy, [1]) : reduction === "sum" ? dy : g.div(dy, g.reduceSum(weight, { keepdims: false }));
}
