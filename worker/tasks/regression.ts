// A number a row. The network learns the standardised target by squared error; what is shown is in the target's own unit.
import { regressionMetrics } from "./metrics.ts";
import { meanLoss, meanOfMembers, type Target, type Task } from "./task.ts";

const scaleOf = (target: Target) => target.targetScale ?? { mean: 0, std: 1 };

export const regression: Task = {
  truth: "values",
  metric: "r2",
  outputs: () => 1,

  losses(g, raw, y, { members } = {}) {
    const squares = g.squeeze(g.square(g.sub(raw, y)), [-1]); // (K, B, 1) - (B, 1) → (K, B)
    const loss = meanLoss(g, squares, members);
    if (raw.dims.length < 3) return { loss, shown: loss };
    return { loss, shown: g.reduceMean(g.square(g.sub(meanOfMembers(g, raw, members), y)), { keepdims: false }) };
  },

  together: meanOfMembers,

  answers(joined, y, target) {
    const { mean, std } = scaleOf(target);
    return {
      predicted: Float32Array.from(joined.data as Float32Array, (v) => v * std + mean),
      truth: Float64Array.from(y.data as Float32Array, (v) => v * std + mean),
    };
  },

  judge(answers, target) {
    const { std } = scaleOf(target);
    const m = regressionMetrics(answers.predicted, answers.truth);
    return { loss: (m["rmse"]! / std) ** 2, metric: m["r2"]! };
  },

  metrics: (answers) => regressionMetrics(answers.predicted, answers.truth),
};
