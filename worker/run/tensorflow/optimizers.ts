// TensorFlow's own optimizers, with their moments as states under our names. Theirs differ from ours in places:
//   adam, adamw   the same formula; adamw is TensorFlow's Adam after p has shrunk by lr · decay, as TensorFlow.js has no AdamW
//   sgd, momentum, nesterov   the same
//   rmsprop       the root is taken of v + ε² where ours adds ε to the root; the momentum (state `scaled`) has the learning rate in it
//   adagrad       the root is taken of v + 1e-7, which cannot be chosen
// Refused: nadam, radam, lamb, lion, adafactor, muon, schedulefree, which TensorFlow.js does not have, and centred rmsprop, in which it
// subtracts ε where it should be added and so gives NaN.
import type { Optimizer, Variable } from "@tensorflow/tfjs-core";
import { AppError } from "../../../ipc/error.ts";
import type { TrainingPlan } from "../engine.ts";
import type { Tf, TfTensor } from "./op.ts";

export interface Named {
  name: string;
  tensor: TfTensor;
}

export interface Update {
  /** The live moments, by the names that their states have. */
  readonly moments: ReadonlyMap<string, Variable>;
  /** Moves the parameters. Within a tidy. @param t counts from 1 */
  apply(gradients: Named[], lr: number, t: number): void;
  dispose(): void;
}

/** What TensorFlow.js keeps to itself: the rate, and Adam's powers of β, which it multiplies step by step. */
interface Inner {
  learningRate: number;
  accBeta1?: Variable;
  accBeta2?: Variable;
}

/** TensorFlow's optimizer for ours, and the names of its moments in the order in which it lists them. */
function choose(tf: Tf, { optimizer: o, asked }: TrainingPlan): { made: Optimizer; moments: string[] } {
  const refuse = (why: string, hint: string) =>
    new AppError("usage", `The TensorFlow engine cannot train with ${o.name}: ${why}.`, hint, { optimizer: o.name });
  switch (o.name) {
    case "sgd":
      return { made: tf.train.sgd(1), moments: [] };
    case "momentum":
    case "nesterov":
      return { made: tf.train.momentum(1, o.momentum, o.name === "nesterov"), moments: ["m"] };
    case "adam":
    case "adamw":
      return { made: tf.train.adam(1, o.beta1, o.beta2, o.eps), moments: ["m", "v"] };
    case "rmsprop":
      if (o.centered) throw refuse("centred, its formula gives NaN there", "Leave centered out, or use another device.");
      return { made: tf.train.rmsprop(1, o.beta2, o.momentum, o.eps ** 2), moments: ["v", "scaled"] };
    case "adagrad":
      if (asked.includes("eps")) throw refuse("its eps is always 1e-7 there", "Leave eps out, or use another device.");
      return { made: tf.train.adagrad(1, 1), moments: ["v"] };
    default:
      throw refuse(
        "TensorFlow.js does not have it",
        "Choose sgd, momentum, nesterov, rmsprop, adagrad, adam or adamw, or use another device.",
      );
  }
}

/** @throws usage for an optimizer or a setting that TensorFlow.js does not have */
export async function openUpdate(tf: Tf, plan: TrainingPlan, parameters: ReadonlyMap<string, Variable>): Promise<Update> {
  if (plan.accumulate > 1 || plan.lossScale !== undefined)
    throw new AppError(
      "usage",
      "The TensorFlow engine does not add up gradients over steps, and scales no loss.",
      "Train with a larger batch in place of accumulation, or use another device.",
    );
  const { made, moments: names } = choose(tf, plan);
  const inner = made as unknown as Inner; // protected in its types; nothing else sets the rate of adam, rmsprop and adagrad
  const order = names.flatMap((moment) => [...parameters].map(([p, variable]) => ({ name: `${p}:${moment}`, variable })));
  if (order.length) {
    const zeros = order.map(({ name, variable }) => ({ name, tensor: tf.zeros(variable.shape) }));
    const count = tf.scalar(0, "int32");
    await made.setWeights([{ name: "iter", tensor: count }, ...zeros]);
    for (const { tensor } of [...zeros, { tensor: count }]) tensor.dispose();
  }
  const [count, ...live] = await made.getWeights();
  count!.tensor.dispose();
  const moments = new Map(order.map(({ name }, i) => [name, live[i]!.tensor as Variable]));
  const { weightDecay, l2, beta1, beta2 } = plan.optimizer;

  return {
    moments,
    apply(gradients, lr, t) {
      if ("setLearningRate" in made) (made as { setLearningRate(lr: number): void }).setLearningRate(lr);
      else inner.learningRate = lr;
      // From t rather than by multiplication, so that a resumed run has the bits of an unbroken one.
      inner.accBeta1?.assign(tf.scalar(beta1 ** t));
      inner.accBeta2?.assign(tf.scalar(beta2 ** t));
      const decays = (name: string) => plan.decays(name);
      const bent = gradients.map(({ name, tensor }) => {
        const p = parameters.get(name)!;
        return { name: p.name, tensor: l2 && decays(name) ? tf.add(tensor, tf.mul(p, l2)) : tensor };
      });
      if (weightDecay) for (const [name, p] of parameters) if (decays(name)) p.assign(tf.mul(p, 1 - lr * weightDecay));
      made.applyGradients(bent);
    },
    dispose: () => made.dispose(),
  };
}
