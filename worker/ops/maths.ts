// One input, element by element: y has the shape of x.
import { dtypeOf } from "../onnx/proto.ts";
import { AppError } from "../../ipc/error.ts";
import { bools, type DType, isFloat, toNumbers } from "../tensor.ts";
import type { Builder, Value } from "./builder.ts";
import { type Gradient, none, type Op, op } from "./op.ts";
import { between, fixed, list, normal, offGrid, positive, type Sample } from "./samples.ts";
import { like, sameType } from "./shapes.ts";

/** A smooth function of one input; `slope` gives dy · f'(x). */
export function smooth(slope: (g: Builder, dy: Value, x: Value, y: Value) => Value, samples: Sample[]): Op {
  return op({ arity: 1, infer: ([x]) => like(x), grad: (g, { x: [x], y: [y], dy: [dy] }) => [slope(g, dy, x, y)], samples });
}

/** Less than the root of any number of the type but 0, and large enough that 1 over it is finite. */
const leastRoot = (dtype: DType): number => (dtype === "float64" ? 1e-160 : dtype === "float16" ? 1e-4 : 1e-20);

const flat = (grad: Gradient = none): Op => op({ arity: 1, infer: ([x]) => like(x), grad, samples: [[offGrid(2, 3)]] });
const asks = (samples: Sample[]): Op => op({ arity: 1, infer: ([x]) => ({ dtype: "bool", dims: x.dims }), grad: none, samples });

export const maths = {
  Abs: smooth((g, dy, x) => g.mul(dy, g.sign(x)), [[offGrid(2, 3)]]),
  Neg: smooth((g, dy) => g.neg(dy), [{ inputs: [normal(2, 3)], step: 1 }]),
  Exp: smooth((g, dy, _, y) => g.mul(dy, y), [[normal(2, 3)]]),
  Log: smooth((g, dy, x) => g.div(dy, x), [[positive(2, 3)]]),
  /** 1 / 2√x; at 0 large instead of infinite, so that norms and distances of 0 have the gradient 0 and not NaN. */
  Sqrt: smooth((g, dy, _, y) => g.div(g.mul(dy, 0.5), g.max(y, leastRoot(y.dtype))), [[positive(2, 3)]]),
  Reciprocal: smooth((g, dy, _, y) => g.neg(g.mul(dy, g.square(y))), [[positive(2, 3)]]), // -1 / x²
  Sin: smooth((g, dy, x) => g.mul(dy, g.cos(x)), [[normal(2, 3)]]),
  Cos: smooth((g, dy, x) => g.neg(g.mul(dy, g.sin(x))), [[normal(2, 3)]]),
  Tan: smooth((g, dy, _, y) => g.mul(dy, g.add(g.square(y), 1)), [[between(-1, 1)(2, 3)]]),
  Asin: smooth((g, dy, x) => g.div(dy, g.sqrt(g.sub(1, g.square(x)))), [[between(-0.9, 0.9)(2, 3)]]), // 1 / √(1 - x²)
  Acos: smooth((g, dy, x) => g.neg(g.div(dy, g.sqrt(g.sub(1, g.square(x))))), [[between(-0.9, 0.9)(2, 3)]]),
  Atan: smooth((g, dy, x) => g.div(dy, g.add(g.square(x), 1)), [[normal(2, 3)]]),
  Sinh: smooth((g, dy, x) => g.mul(dy, g.op("Cosh", [x])), [[normal(2, 3)]]),
  Cosh: smooth((g, dy, x) => g.mul(dy, g.op("Sinh", [x])), [[between(-1.5, 1.5)(2, 3)]]),
  Asinh: smooth((g, dy, x) => g.div(dy, g.sqrt(g.add(g.square(x), 1))), [[normal(2, 3)]]),
  Acosh: smooth((g, dy, x) => g.div(dy, g.sqrt(g.sub(g.square(x), 1))), [[between(1.5, 3)(2, 3)]]),
  Atanh: smooth((g, dy, x) => g.div(dy, g.sub(1, g.square(x))), [[between(-0.7, 0.7)(2, 3)]]),
  Erf: smooth((g, dy, x) => g.mul(g.mul(dy, 2 / Math.sqrt(Math.PI)), g.exp(g.neg(g.square(x)))), [[normal(2, 3)]]), // 2/√π · exp(-x²)
  Identity: smooth((_, dy) => dy, [{ inputs: [normal(2, 3)], step: 1 }]),
  Sign: flat(),
  Floor: flat(),
  Ceil: flat(),
  Round: flat(),
  Not: op({ arity: 1, infer: ([x]) => like(x), grad: none, samples: [[list([0, 1], [2], "bool")]] }),
  IsNaN: asks([[normal(2, 3)]]),
  IsInf: asks([[normal(2, 3)]]),

  /** x as another type; from text, what reads as a number. */
  Cast: op({
    arity: 1,
    infer: ([x], { attrs }) => ({ dtype: dtypeOf(attrs.int("to"), "Cast"), dims: x.dims }),
    grad: (g, { x: [x], y: [y], dy: [dy] }) => [isFloat(x.dtype) && isFloat(y.dtype) ? g.cast(dy, x.dtype) : null],
    samples: [
      { inputs: [normal(2, 3)], attrs: { to: 1 } },
      { inputs: [normal(2, 3)], attrs: { to: 7 } },
    ],
  }),

  /** min(max(x, low), high); either bound may be missing. At a bound the gradient goes to x, as it does for PyTorch's clamp; not so for 0 and 6, which are its ReLU6. */
  Clip: op({
    arity: [1, 3],
    infer([x, low, high], call) {
      sameType(...[x, low, high].filter((_, i) => call.has(i)));
      return like(x);
    },
    grad(g, { x: [x, low, high], dy: [dy], has, wants }) {
      const bounded = [low, high].map((v, i) => (has(i + 1) ? g.graph.initializers.get(v.name) : undefined));
      const relu6 = bounded.map((v) => v && toNumbers(v)[0]).join() === "0,6";
      const below = has(1) ? (relu6 ? g.lessOrEqual(x, low) : g.less(x, low)) : undefined;
      const above = has(2) ? (relu6 ? g.greaterOrEqual(x, high) : g.greater(x, high)) : undefined;
      const outside = below && above ? g.or(below, above) : (below ?? above);
      return [
        outside ? g.where(outside, 0, dy) : dy,
        below && wants(1) ? g.where(below, dy, 0) : null,
        above && wants(2) ? g.where(above, dy, 0) : null,
      ];
    },
    samples: [[offGrid(3, 4), fixed([-1]), fixed([1.5])], { inputs: [offGrid(3, 4), undefined, fixed([0])] }, [offGrid(3, 4)]],
  }),

  /**
   * Zeroes a share of the elements and scales up the others, where its training flag says so; else nothing. What it drew is in its mask, so the
   * gradient asks for that (passes/outputs.ts). What a training step puts in its place is in passes/dropout.ts.
   */
  Dropout: op({
    arity: [1, 3],
    random: true,
    infer: ([x], { outputs }) => (outputs > 1 ? [like(x), { dtype: "bool", dims: x.dims }] : like(x)),
    grad(g, { x: [x, ratio, training], y, dy: [dy], has, constant, outputs }) {
      const flag = has(2) ? constant(2) : bools([], [false]);
      if (flag && !flag.data[0]) return [dy, null, null];
      if (outputs < 2)
        throw new AppError(
          "gradientMissing",
          "what it draws is kept nowhere.",
          "Give it its second output, the mask, or fix its seed in a step.",
        );
      const kept = g.div(dy, has(1) ? g.sub(1, g.cast(ratio, x.dtype)) : g.scalar(0.5, x.dtype));
      const dx = g.where(y[1], kept, g.scalar(0, x.dtype)); // dy · mask / (1 - ratio)
      return [flag ? dx : g.where(training, dx, dy), null, null];
    },
    samples: [[normal(2, 3)]],
  }),
} satisfies Record<string, Op>;
