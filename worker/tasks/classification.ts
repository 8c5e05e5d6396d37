// One of C classes a row. Loss: softmax cross-entropy. The members of an ensemble are trained each for itself and answer with their mean
// probability; its logarithm is given out as logits, since softmax(log p) = p.
import type { Value } from "../ops/builder.ts";
import { float32 } from "../tensor.ts";
import { classificationMetrics, weightedLogLoss } from "./metrics.ts";
import { meanLoss, meanOfMembers, type Task } from "./task.ts";

export const classification: Task = {
  truth: "classes",
  metric: "accuracy",
  outputs: (target) => target.classes?.length ?? 2,

  losses(g, raw, y, { members, classWeights } = {}) {
    const classes = raw.dims.at(-1) as number;
    const hot = g.oneHot(y, classes); // (B, C)
    // A class that counts for more: its rows' losses are multiplied, by weights whose mean over the rows is 1.
    const weights = classWeights && g.gather(g.constant(float32([classes], Float32Array.from(classWeights))), y); // (B)
    // As (1, B) beside (K, B): for one member, ONNX Runtime 1.30 takes (1, 1) · (B) for (B).
    const counted = (losses: Value): Value =>
      weights ? g.mul(losses, losses.dims.length === 2 ? g.unsqueeze(weights, [0]) : weights) : losses;
    const logs = g.logSoftmax(raw, { axis: -1 }); // (K, B, C)
    const picked = g.reduceSum(g.mul(logs, hot), { axes: [-1], keepdims: false }); // (K, B): log p of the right class
    const loss = meanLoss(g, counted(g.neg(picked)), members);
    if (raw.dims.length < 3) return { loss, shown: loss };
    const mean = g.squeeze(meanOfMembers(g, g.unsqueeze(g.exp(picked), [2]), members), [1]); // (B)
    return { loss, shown: meanLoss(g, counted(g.neg(g.log(g.max(mean, 1e-7))))) };
  },

  together(g, raw, members) {
    if (raw.dims.length < 3) return raw;
    const mean = meanOfMembers(g, g.softmax(raw, { axis: -1 }), members); // (B, C)
    return g.log(g.max(mean, 1e-30)); // (B, C)
  },

  answers(joined, y) {
    const classes = joined.dims[1]!;
    const logits = joined.data as Float32Array;
    const predicted = new Float32Array(logits.length);
    for (let from = 0; from < logits.length; from += classes) {
      let most = -Infinity;
      for (let c = 0; c < classes; c++) most = Math.max(most, logits[from + c]!);
      let sum = 0;
      for (let c = 0; c < classes; c++) sum += Math.exp(logits[from + c]! - most);
      for (let c = 0; c < classes; c++) predicted[from + c] = Math.exp(logits[from + c]! - most) / sum;
    }
    return { predicted, truth: Int32Array.from(y.data as ArrayLike<bigint | number>, Number) };
  },

  judge(answers, target) {
    const m = classificationMetrics(answers.predicted, answers.truth as Int32Array, this.outputs(target));
    return { loss: target.classWeights ? weightedLogLoss(answers, target.classWeights) : m["logLoss"]!, metric: m["accuracy"]! };
  },

  metrics: (answers, target) => classificationMetrics(answers.predicted, answers.truth as Int32Array, classification.outputs(target)),
};
