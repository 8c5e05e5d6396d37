// Softmax and the normalisations: statistics along axes, then every element by them.
import type { Builder, Value } from "./builder.ts";
import { type Op, op, type View } from "./op.ts";
import { normal, offGrid, positive, type SampleSpec } from "./samples.ts";
import { axisOf, like, mismatch, sameType } from "./shapes.ts";

const soft = (slope: (g: Builder, dy: Value, y: Value, axes: number[]) => Value): Op =>
  op({
    arity: 1,
    infer([x], { attrs }) {
      axisOf(attrs.int("axis", -1), x.dims.length);
      return like(x);
    },
    grad: (g, { y: [y], dy: [dy], attrs }) => [slope(g, dy, y, [attrs.int("axis", -1)])],
    samples: [[normal(3, 4)], { inputs: [normal(2, 3, 4)], attrs: { axis: 1 } }],
  });

const shapes: SampleSpec[] = [
  { inputs: [normal(3, 4), positive(4), normal(4)] },
  { inputs: [normal(2, 3, 4), positive(3, 4), normal(3, 4)], attrs: { axis: 1, epsilon: 1e-3 } },
  { inputs: [normal(3, 4), positive(4)] },
  { inputs: [normal(3, 4), positive(4), normal(4)], outputs: 3, float32: true },
];

export const normalisations = {
  Softmax: soft((g, dy, y, axes) => {
    const p = g.mul(dy, y);
    return g.sub(p, g.mul(y, g.reduceSum(p, { axes }))); // y (dy - Σ dy y)
  }),
  LogSoftmax: soft((g, dy, y, axes) => g.sub(dy, g.mul(g.exp(y), g.reduceSum(dy, { axes })))), // dy - softmax · Σ dy

  /** y = (x - mean) / √(variance + ε) · scale + bias over the axes from `axis` on; also mean and 1/√. https://arxiv.org/abs/1607.06450 */
  LayerNormalization: op({
    arity: [2, 3],
    infer([x, scale], { attrs, outputs }) {
      const axis = axisOf(attrs.int("axis", -1), x.dims.length);
      sameType(x, scale);
      if (scale.dims.length > x.dims.length - axis) throw mismatch("its scale has more axes than are normalised.");
      const stats = { dtype: "float32" as const, dims: x.dims.map((d, i) => (i < axis ? d : 1)) };
      return [like(x), stats, stats].slice(0, outputs);
    },
    grad(g, view) {
      const { x, dy, has, wants, flows } = view;
      const { hat, inverse, axes } = standard(g, view);
      const dHat = g.mul(dy[0], x[1]);
      // dx = (dĥ - mean(dĥ) - ĥ · mean(dĥ ĥ)) / σ
      const centred = g.sub(g.sub(dHat, g.reduceMean(dHat, { axes })), g.mul(hat, g.reduceMean(g.mul(dHat, hat), { axes })));
      let dx = g.mul(centred, inverse);
      const n = g.count(x[0], axes);
      if (flows(1)) dx = g.add(dx, g.div(g.cast(dy[1], x[0].dtype), n)); // the mean as an output
      if (flows(2)) dx = g.sub(dx, g.mul(g.div(g.mul(g.cast(dy[2], x[0].dtype), g.square(inverse)), n), hat)); // 1/σ as an output
      return [
        wants(0) ? dx : null,
        wants(1) ? g.mul(dy[0], hat) : null, // the walk sums it over the rows
        has(2) ? dy[0] : null,
      ];
    },
    samples: shapes,
  }),

  /** y = x / √(mean(x²) + ε) · scale over the axes from `axis` on. Imported ones are made of plain operators (passes/attention.ts). https://arxiv.org/abs/1910.07467 */
  RMSNormalization: op({
    since: 23,
    arity: 2,
    infer([x, scale], { attrs }) {
      const axis = axisOf(attrs.int("axis", -1), x.dims.length);
      if (scale.dims.length > x.dims.length - axis) throw mismatch("its scale has more axes than are normalised.");
      return { dtype: scale.dtype, dims: x.dims };
    },
    grad(g, { x: [x, scale], dy: [dy], attrs, wants }) {
      const axes = [...x.dims.keys()].slice(axisOf(attrs.int("axis", -1), x.dims.length));
      const inverse = g.reciprocal(g.sqrt(g.add(g.reduceMean(g.square(x), { axes }), attrs.float("epsilon", 1e-5))));
      const hat = g.mul(x, inverse);
      const dHat = g.mul(dy, scale);
      // dx = (dĥ - ĥ · mean(dĥ ĥ)) / √
      const dx = g.mul(g.sub(dHat, g.mul(hat, g.reduceMean(g.mul(dHat, hat), { axes }))), inverse);
      return [wants(0) ? dx : null, wants(1) ? g.mul(dy, hat) : null]; // the walk sums it over the rows
    },
    samples: [
      { inputs: [normal(3, 4), positive(4)], float32: true },
      { inputs: [normal(2, 3, 4), positive(3, 4)], attrs: { axis: 1, epsilon: 1e-3 }, float32: true },
    ],
  }),

  /** x / (Σ |x|ᵖ)^(1/p) along an axis, p 1 or 2. */
  LpNormalization: op({
    arity: 1,
    infer([x], { attrs }) {
      axisOf(attrs.int("axis", -1), x.dims.length);
      return like(x);
    },
    grad(g, { x: [x], y: [y], dy: [dy], attrs }) {
      const axes = [attrs.int("axis", -1)];
      const one = attrs.int("p", 2) === 1;
      const norm = one ? g.reduceSum(g.abs(x), { axes }) : g.sqrt(g.reduceSum(g.square(x), { axes }));
      const along = g.reduceSum(g.mul(dy, y), { axes });
      return [g.div(g.sub(dy, g.mul(one ? g.sign(x) : y, along)), norm)]; // (dy - y Σ dy y) / ‖x‖
    },
    samples: [[normal(2, 4)], { inputs: [offGrid(2, 3, 2)], attrs: { axis: 1, p: 1 } }],
  }),
} satisfies Record<string, Op>;

/** The standardised x, 1/σ, and the axes; from the node's own outputs where it gives them. */
function standard(g: Builder, { x: [x], y, attrs, outputs }: View): { hat: Value; inverse: Value; axes: number[] } {
  const axis = axisOf(attrs.int("axis", -1), x.dims.length);
  const axes = [...x.dims.keys()].slice(axis);
  const given = outputs === 3;
  const centred = g.sub(x, given ? g.cast(y[1], x.dtype) : g.reduceMean(x, { axes }));
  const inverse = given
    ? g.cast(y[2], x.dtype)
    : g.reciprocal(g.sqrt(g.add(g.reduceMean(g.square(centred), { axes }), attrs.float("epsilon", 1e-5))));
  return { hat: g.mul(centred, inverse), inverse, axes };
}
