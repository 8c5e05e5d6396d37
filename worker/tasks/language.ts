// Language models: which token comes next, judged by how surprised the model is by text that it has not seen. Answers are sums of -log p a row, in
// nats, and their truth how many tokens that is, so that a mean over rows is one over tokens.
import type { Task } from "./task.ts";

/** Label of a token that is not learned. */
export const unlearned = -100;

/** Perplexities beyond this are told as this. */
const most = 1e9;

export const language: Task = {
  truth: "values",
  metric: "perplexity",
  outputs: () => 1,

  /** @param raw logits (N, V)   @param y labels (N) int64 */
  losses(g, raw, y) {
    const loss = g.op("SoftmaxCrossEntropyLoss", [raw, y], { ignore_index: unlearned, reduction: "mean" });
    return { loss, shown: g.identity(loss) };
  },

  together: (_, raw) => raw,

  weight: (y) => total(y.data as ArrayLike<number>),

  /** @param joined sums (B, 1)   @param y counts (B, 1) */
  answers: (joined, y) => ({
    predicted: joined.data as Float32Array,
    truth: Float64Array.from(y.data as ArrayLike<number>),
  }),

  judge({ predicted, truth }) {
    const loss = total(predicted) / Math.max(1, total(truth));
    return { loss, metric: Math.min(most, Math.exp(loss)) };
  },

  metrics(answers, target) {
    const { loss, metric } = language.judge(answers, target);
    return { loss, perplexity: metric };
  },
};

const total = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
};

/** Bits that a byte of text takes when it is packed by a model of this loss: the same whatever the tokens. */
export const bitsPerByte = (loss: number, bytesPerToken: number): number => loss / Math.LN2 / bytesPerToken;
