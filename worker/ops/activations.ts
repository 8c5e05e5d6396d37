// Activations: one input, element by element. At a kink the slope from the left is taken, as PyTorch does.
import type { Builder, Value } from "./builder.ts";
import { smooth } from "./maths.ts";
import { none, type Op, op } from "./op.ts";
import { distinct, fixed, normal, offGrid, type Sample } from "./samples.ts";
import { broadcast, like, sameType } from "./shapes.ts";

type Slope = (g: Builder, dy: Value, x: Value, y: Value, float: (name: string, fallback: number) => number) => Value;

/** An activation with float attributes. */
function shaped(slope: Slope, samples: Sample[]): Op {
  const grad: Op["grad"] = (g, { x: [x], y: [y], dy: [dy], attrs }) => [slope(g, dy, x, y, (name, value) => attrs.float(name, value))];
  return op({ arity: 1, infer: ([x]) => like(x), grad, samples });
}

const bent: Sample[] = [[offGrid(2, 5)]];

export const activations = {
  Relu: smooth((g, dy, x, y) => g.mul(dy, g.cast(g.greater(y, 0), x.dtype)), bent), // measured: a third of the time of Sign, half of Where
  Sigmoid: smooth((g, dy, _, y) => g.mul(dy, g.mul(y, g.sub(1, y))), [[normal(2, 5)]]), // y(1 - y)
  Tanh: smooth((g, dy, _, y) => g.mul(dy, g.sub(1, g.square(y))), [[normal(2, 5)]]), // 1 - y²
  Softplus: smooth((g, dy, x) => g.mul(dy, g.sigmoid(x)), [[normal(2, 5)]]),
  Softsign: smooth((g, dy, x) => g.div(dy, g.square(g.add(g.abs(x), 1))), bent), // 1 / (1 + |x|)²

  LeakyRelu: shaped(
    (g, dy, x, _, f) => g.where(g.greater(x, 0), dy, g.mul(dy, f("alpha", 0.01))),
    [...bent, { inputs: [offGrid(2, 5)], attrs: { alpha: 0.3 } }],
  ),
  /** x, or α(eˣ - 1) below 0. */
  Elu: shaped(
    (g, dy, x, y, f) => g.where(g.greater(x, 0), dy, g.mul(dy, g.add(y, f("alpha", 1)))),
    [...bent, { inputs: [offGrid(2, 5)], attrs: { alpha: 0.7 } }],
  ),
  /** γx, or γα(eˣ - 1) below 0. https://arxiv.org/abs/1706.02515 */
  Selu: shaped((g, dy, x, y, f) => {
    const gamma = f("gamma", 1.0507010221481323);
    const alpha = f("alpha", 1.6732631921768188);
    return g.where(g.greater(x, 0), g.mul(dy, gamma), g.mul(dy, g.add(y, gamma * alpha)));
  }, bent),
  /** x, or α(e^(x/α) - 1) below 0. */
  Celu: shaped(
    (g, dy, x, _, f) => g.where(g.greater(x, 0), dy, g.mul(dy, g.exp(g.mul(x, 1 / f("alpha", 1))))),
    [{ inputs: [offGrid(2, 5)], attrs: { alpha: 1.5 } }],
  ),
  /** x above α, else 0. */
  ThresholdedRelu: shaped(
    (g, dy, x, _, f) => g.where(g.greater(x, f("alpha", 1)), dy, 0),
    [...bent, { inputs: [offGrid(2, 5)], attrs: { alpha: 0.5 } }],
  ),
  /** x - bias above λ, x + bias below -λ, else 0. */
  Shrink: shaped(
    (g, dy, x, _, f) => g.where(g.greater(g.abs(x), f("lambd", 0.5)), dy, 0),
    [{ inputs: [offGrid(2, 5)], attrs: { lambd: 1, bias: 0.25 } }, ...bent],
  ),
  /** x, or slope · x below 0; the slope broadcasts. */
  PRelu: op({
    arity: 2,
    infer([x, slope]) {
      sameType(x, slope);
      broadcast(x.dims, slope.dims);
      return like(x);
    },
    grad(g, { x: [x, slope], dy: [dy], wants }) {
      const above = g.greater(x, 0);
      return [wants(0) ? g.where(above, dy, g.mul(dy, slope)) : null, wants(1) ? g.where(above, 0, g.mul(dy, x)) : null];
    },
    samples: [
      [offGrid(2, 3, 4), normal(3, 1)],
      [offGrid(2, 5), fixed([0.25], [1])],
    ],
  }),
  /** 1 at the largest along an axis (the first of equals), else 0. */
  Hardmax: op({
    arity: 1,
    infer: ([x]) => like(x),
    grad: none,
    samples: [[distinct(2, 3)], { inputs: [distinct(2, 3)], attrs: { axis: 0 } }],
  }),
  /** αx + β between 0 and 1. */
  HardSigmoid: shaped(
    (g, dy, _, y, f) => g.where(g.and(g.greater(y, 0), g.less(y, 1)), g.mul(dy, f("alpha", 0.2)), 0),
    [[offGrid(2, 5)], { inputs: [offGrid(2, 5)], attrs: { alpha: 1, beta: 0.4 } }],
  ),
  /** x · HardSigmoid(x, 1/6, 1/2). */
  HardSwish: smooth((g, dy, x) => {
    const inner = g.add(g.mul(x, 1 / 3), 0.5);
    return g.mul(dy, g.where(g.lessOrEqual(x, -3), 0, g.where(g.greaterOrEqual(x, 3), 1, inner)));
  }, bent),
  /** x · tanh(softplus(x)). */
  Mish: smooth(
    (g, dy, x) => {
      const t = g.tanh(g.softplus(x));
      return g.mul(dy, g.add(t, g.mul(g.mul(x, g.sigmoid(x)), g.sub(1, g.square(t))))); // t + xσ(x)(1 - t²)
    },
    [[normal(2, 5)]],
  ),

  /** x · Φ(x), or its tanh form. https://arxiv.org/abs/1606.08415 */
  Gelu: op({
    arity: 1,
    infer: ([x]) => like(x),
    grad(g, { x: [x], dy: [dy], attrs }) {
      if (attrs.string("approximate", "none") === "tanh") {
        const k = Math.sqrt(2 / Math.PI);
        const square = g.square(x);
        const t = g.tanh(g.mul(g.mul(x, k), g.add(g.mul(square, 0.044715), 1))); // tanh k(x + 0.044715x³)
        const inner = g.mul(g.add(g.mul(square, 3 * 0.044715), 1), k);
        return [g.mul(dy, g.mul(g.add(g.add(t, 1), g.mul(g.mul(x, inner), g.sub(1, g.square(t)))), 0.5))];
      }
      const cdf = g.mul(g.add(g.erf(g.mul(x, Math.SQRT1_2)), 1), 0.5);
      const pdf = g.mul(g.exp(g.mul(g.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return [g.mul(dy, g.add(cdf, g.mul(x, pdf)))]; // Φ(x) + xφ(x)
    },
    samples: [[normal(2, 5)], { inputs: [normal(2, 5)], attrs: { approximate: "tanh" } }],
  }),
} satisfies Record<string, Op>;
