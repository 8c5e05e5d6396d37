// How the parameters move: by TensorFlow's own optimizers, with their moments as states under our names, or by ours where TensorFlow.js has
// none. Theirs differ from ours in places:
//   sgd, momentum, nesterov, adam   the same formula
//   adamw     TensorFlow's Adam after p has shrunk by lr · decay, as TensorFlow.js has no AdamW
//   rmsprop   the root is taken of v + ε² where ours adds ε to the root; the momentum (state `scaled`) has the learning rate in it
//   adagrad   the root is taken of v + 1e-7
// All others, settings that theirs does not know (an eps for adagrad; centred rmsprop, where it subtracts ε and so gives NaN), accumulation and
// loss scaling: the optimizer's graph (train/optimizer.ts), by TensorFlow's operations.
import type { Optimizer, Variable } from "@tensorflow/tfjs-core";
import type { OptimizerChoice, TrainingPlan } from "../engine.ts";
import type { Tf, TfTensor } from "./op.ts";
import { StepProgram } from "./stepProgram.ts";
import type { States } from "./states.ts";

/** The gradient of a parameter. */
export interface Slope {
  name: string;
  tensor: TfTensor;
}

export interface Update {
  /** Moves the parameters. Within a tidy; the step count is not moved. */
  apply(slopes: readonly Slope[], lr: number): void;
  dispose(): void;
}

interface Own {
  make(tf: Tf, o: OptimizerChoice): Optimizer;
  /** In the order in which it lists them. */
  moments: readonly string[];
  /** The settings that it knows. */
  knows: readonly string[];
}

const common = ["name", "weightDecay", "l2"];
const adam: Own = {
  make: (tf, o) => tf.train.adam(1, o.beta1, o.beta2, o.eps),
  moments: ["m", "v"],
  knows: ["beta1", "beta2", "eps"],
};
const own: Partial<Record<OptimizerChoice["name"], Own>> = {
  sgd: { make: (tf) => tf.train.sgd(1), moments: [], knows: [] },
  momentum: { make: (tf, o) => tf.train.momentum(1, o.momentum), moments: ["m"], knows: ["momentum"] },
  nesterov: { make: (tf, o) => tf.train.momentum(1, o.momentum, true), moments: ["m"], knows: ["momentum"] },
  rmsprop: {
    make: (tf, o) => tf.train.rmsprop(1, o.beta2, o.momentum, o.eps ** 2),
    moments: ["v", "scaled"],
    knows: ["beta2", "eps", "momentum"],
  },
  adagrad: { make: (tf) => tf.train.adagrad(1, 1), moments: ["v"], knows: [] },
  adam,
  adamw: adam,
};

/** TensorFlow's optimizer for a plan, where it has one that does all of it. */
export function ownOptimizer({ optimizer, asked, accumulate, lossScale }: TrainingPlan): Own | undefined {
  const found = own[optimizer.name];
  const all = asked.every((setting) => [...common, ...(found?.knows ?? [])].includes(setting));
  return found && all && accumulate === 1 && lossScale === undefined ? found : undefined;
}

/** @param parameters the variables by our names, which are states already; the moments become states here */
export async function openUpdate(tf: Tf, plan: TrainingPlan, parameters: ReadonlyMap<string, Variable>, states: States): Promise<Update> {
  const found = ownOptimizer(plan);
  if (found) return openOwn(tf, plan, found, parameters, states);
  const program = new StepProgram(tf, plan.update("tensorflow"), states);
  return {
    apply: (slopes, lr) => void program.advance(new Map(slopes.map(({ name, tensor }) => [`grad:${name}`, { device: tensor }])), lr),
    dispose: () => program.dispose(),
  };
}

/** What TensorFlow.js keeps to itself: the rate, and Adam's powers of β, which it multiplies step by step. */
interface Inner {
  learningRate: number;
  accBeta1?: Variable;
  accBeta2?: Variable;
}

async function openOwn(
  tf: Tf,
  plan: TrainingPlan,
  { make, moments }: Own,
  parameters: ReadonlyMap<string, Variable>,
  states: States,
): Promise<Update> {
  const made = make(tf, plan.optimizer);
  const inner = made as unknown as Inner; // protected in its types; nothing else sets the rate of adam, rmsprop and adagrad
  const order = moments.flatMap((moment) => [...parameters].map(([p, variable]) => ({ name: `${p}:${moment}`, variable })));
  if (order.length) {
    const zeros = order.map(({ name, variable }) => ({ name, tensor: tf.zeros(variable.shape) }));
    const count = tf.scalar(0, "int32");
    await made.setWeights([{ name: "iter", tensor: count }, ...zeros]);
    for (const { tensor } of [...zeros, { tensor: count }]) tensor.dispose();
  }
  const [count, ...live] = await made.getWeights();
  count!.tensor.dispose();
  order.forEach(({ name }, i) => states.adopt(name, live[i]!.tensor as Variable));
  const { weightDecay, l2, beta1, beta2 } = plan.optimizer;

  return {
    apply(slopes, lr) {
      if ("setLearningRate" in made) (made as { setLearningRate(lr: number): void }).setLearningRate(lr);
      else inner.learningRate = lr;
      // From t rather than by multiplication, so that a resumed run has the bits of an unbroken one.
      inner.accBeta1?.assign(tf.scalar(beta1 ** states.t));
      inner.accBeta2?.assign(tf.scalar(beta2 ** states.t));
      const bent = clipped(tf, plan, slopes).map(({ name, tensor }) => {
        const p = parameters.get(name)!;
        return { name: p.name, tensor: l2 && plan.decays(name) ? tf.add(tensor, tf.mul(p, l2)) : tensor };
      });
      if (weightDecay) for (const [name, p] of parameters) if (plan.decays(name)) p.assign(tf.mul(p, 1 - lr * weightDecay));
      made.applyGradients(bent);
    },
    dispose: () => made.dispose(),
  };
}

/** The gradients kept within bounds, as train/clip.ts does. */
function clipped(tf: Tf, { clipNorm, clipValue }: TrainingPlan, slopes: readonly Slope[]): readonly Slope[] {
  const bounded = clipValue === undefined ? slopes : slopes.map(({ name, tensor }) => ({ name, tensor: tf.clipByValue(tensor, -clipValue, clipValue) })); // prettier-ignore
  if (clipNorm === undefined || !bounded.length) return bounded;
  const norm = tf.sqrt(bounded.map(({ tensor }) => tf.sum(tf.square(tensor))).reduce((a, b) => tf.add(a, b)));
  const factor = tf.minimum(tf.div(clipNorm, tf.add(norm, 1e-6)), 1);
  return bounded.map(({ name, tensor }) => ({ name, tensor: tf.mul(tensor, factor) }));
}
