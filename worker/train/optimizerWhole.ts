// Parts that look at a parameter as a whole: its norm, its rows and columns, its singular values. Each takes one parameter at a time.
import type { Builder, Value } from "../ops/builder.ts";
import { sizeOf } from "../tensor.ts";
import type { Settings } from "./optimizerSettings.ts";
import { average, type Part, power } from "./optimizerParts.ts";

const norm = (g: Builder, x: Value): Value => g.sqrt(g.op("ReduceSumSquare", [x], { keepdims: 0 }));

/** Adam's direction with the decay in it, made as long as the parameter. https://arxiv.org/abs/1904.00962 */
export const trusted =
  ({ beta1, beta2, eps }: Settings): Part =>
  (g, u, at) => {
    const m = average(g, "m", beta1, u, at);
    const v = average(g, "v", beta2, g.square(u), at);
    const hat = (x: Value, beta: number) => g.mul(x, g.cast(g.reciprocal(g.sub(1, power(g, beta, at.t))), x.dtype));
    const adam = g.div(hat(m, beta1), g.add(g.sqrt(hat(v, beta2)), eps));
    const r = at.decay ? g.add(adam, g.mul(at.p, at.decay)) : adam;
    const [long, wanted] = [norm(g, r), norm(g, at.p)];
    const ratio = g.where(g.greater(g.mul(long, wanted), 0), g.div(wanted, g.max(long, 1e-30)), 1);
    return g.mul(r, g.mul(at.lr, ratio));
  };

/** Second moments of a matrix kept as those of its rows and columns; steps relative to the parameter's size. https://arxiv.org/abs/1804.04235 */
export const factored =
  ({ beta2Decay, eps, eps2, threshold }: Settings): Part =>
  (g, u, at) => {
    const dims = u.dims as readonly number[];
    const t = g.cast(at.t, "float64");
    const share = g.cast(g.pow(t, g.scalar(beta2Decay, "float64")), u.dtype); // 1-β₂ of step t
    const mix = (name: string, x: Value) => {
      const old = at.memory(name);
      const next = g.add(old, g.mul(g.sub(x, old), share));
      at.keep(name, next);
      return next;
    };
    const square = g.square(u);
    let spread: Value;
    if (dims.length > 1) {
      const rows = mix("r", g.reduceMean(square, { axes: [-1] }));
      const columns = mix("c", g.reduceMean(square, { axes: [-2] }));
      spread = g.div(g.matmul(rows, columns), g.max(g.reduceMean(rows, { axes: [-2] }), eps));
    } else spread = mix("v", square);
    const update = g.div(u, g.sqrt(g.max(spread, eps * eps)));
    const root = Math.sqrt(sizeOf(dims));
    const rate = g.min(at.lr, g.cast(g.reciprocal(g.sqrt(t)), at.lr.dtype));
    const size = g.max(g.div(norm(g, at.p), root), eps2);
    return g.mul(update, g.div(g.mul(rate, size), g.max(g.div(norm(g, update), root * threshold), 1)));
  };

/** Newton and Schulz's iteration for the nearest matrix whose singular values are about 1; coefficients of Jordan. */
const coefficients = [3.4445, -4.775, 2.0315] as const;

/**
 * The nearest number of 8 bits of mantissa, as bfloat16 has it: x (2¹⁶ + 1) rounded, less its difference from x (Veltkamp's splitting). Plain
 * arithmetic, as WebGPU has no bfloat16; the same bits as two casts, at the same cost, on the CPU.
 */
function rounded(g: Builder, x: Value): Value {
  const c = g.mul(x, 2 ** 16 + 1);
  return g.sub(c, g.sub(c, x));
}

/**
 * Momentum of a matrix made orthogonal. https://kellerjordan.github.io/posts/muon, https://arxiv.org/abs/2502.16982. Every product is
 * rounded where PyTorch's is, which iterates in bfloat16: updates of small matrices are PyTorch's to the bit; larger ones differ by the order of
 * sums alone. After 20 steps of a net 64-512-128-10 parameters are 1.4e-4 from PyTorch's (4e-4 by float32 throughout), as PyTorch's own
 * are 1.2e-4 apart between processors with and without bfloat16 instructions (test/references/steps.py).
 */
export const orthogonal =
  ({ momentum, nesterov, nsSteps, eps, adjustLr }: Settings): Part =>
  (g, u, at) => {
    const m = average(g, "m", momentum, u, at);
    const ahead = nesterov ? g.add(g.mul(u, 1 - momentum), g.mul(m, momentum)) : m;
    const [rows, columns] = u.dims as [number, number];
    const tall = rows > columns;
    const [a, b, c] = coefficients;
    let x = rounded(g, tall ? g.swapLast(ahead) : ahead);
    x = rounded(g, g.div(x, g.max(rounded(g, norm(g, x)), eps)));
    for (let i = 0; i < nsSteps; i++) {
      const gram = rounded(g, g.matmul(x, g.swapLast(x)));
      const polynomial = rounded(g, g.add(g.mul(gram, b), g.mul(g.matmul(gram, gram), c)));
      x = rounded(g, g.add(g.mul(x, a), g.matmul(polynomial, x)));
    }
    const scale = adjustLr === "original" ? Math.sqrt(Math.max(1, rows / columns)) : 0.2 * Math.sqrt(Math.max(rows, columns));
    return g.mul(tall ? g.swapLast(x) : x, g.mul(at.lr, scale));
  };
