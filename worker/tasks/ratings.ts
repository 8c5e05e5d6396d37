// Ratings: a number a pair, judged by its root mean squared error. Answers stay within the ratings that were given.
import type { Tensor } from "../tensor.ts";
import { regressionMetrics } from "./metrics.ts";
import { regression } from "./regression.ts";
import type { Target, Task } from "./task.ts";

export function ratings(range: { min: number; max: number }): Task {
  return {
    ...regression,
    metric: "rmse",

    answers(joined: Tensor, y: Tensor, target: Target) {
      const answers = regression.answers(joined, y, target);
      return { ...answers, predicted: answers.predicted.map((v) => Math.min(range.max, Math.max(range.min, v))) };
    },

    judge(answers, target) {
      const { std } = target.targetScale ?? { std: 1 };
      const { rmse = 0 } = regressionMetrics(answers.predicted, answers.truth);
      return { loss: (rmse / std) ** 2, metric: rmse };
    },
  };
}
