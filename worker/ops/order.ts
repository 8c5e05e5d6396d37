// Elements by their rank or place: the largest, those above a diagonal, a sequence from its end.
import { dtypeOf } from "../onnx/proto.ts";
import { forbidden, none, type Op, op } from "./op.ts";
import { distinct, ids, list, normal } from "./samples.ts";
import { axisOf, known, like, mismatch } from "./shapes.ts";

export const order = {
  /** The k largest (or smallest) along an axis, and where they stood. */
  TopK: op({
    arity: 2,
    infer([x], call) {
      const axis = axisOf(call.attrs.int("axis", -1), x.dims.length);
      const k = call.constant(1) ? known(call, 1, "count")[0]! : call.symbol();
      const dims = x.dims.map((d, i) => (i === axis ? k : d));
      return [like(x, dims), { dtype: "int64", dims }];
    },
    grad: (g, { x: [x], y: [, at], dy: [dy], attrs }) => [
      g.op("ScatterElements", [g.zerosLike(x), at, dy], { axis: attrs.int("axis", -1) }),
      null,
    ],
    samples: [
      { inputs: [distinct(2, 5), list([2])], outputs: 2 },
      { inputs: [distinct(4, 2), list([3])], attrs: { axis: 0, largest: 0 }, outputs: 2 },
    ],
  }),

  /** The part above (upper 1) or below a diagonal of each matrix; the rest is 0. */
  Trilu: op({
    arity: [1, 2],
    infer([x]) {
      if (x.dims.length < 2) throw mismatch("it needs matrices.");
      return like(x);
    },
    grad: (g, { x: [, k], dy: [dy], attrs, has }) => [g.op("Trilu", [dy, has(1) ? k : undefined], { upper: attrs.int("upper", 1) }), null],
    samples: [
      { inputs: [normal(3, 4)], step: 1 },
      { inputs: [normal(2, 3, 3), list([-1], [])], attrs: { upper: 0 }, step: 1 },
    ],
  }),

  /** 1 on a diagonal, else 0, in the shape of x. */
  EyeLike: op({
    arity: 1,
    infer: ([x], { attrs }) => ({ dtype: attrs.has("dtype") ? dtypeOf(attrs.int("dtype"), "EyeLike") : x.dtype, dims: x.dims }),
    grad: none,
    samples: [{ inputs: [normal(2, 3)], attrs: { k: 1 } }],
  }),

  /** The first lengths[b] steps of each sequence from the end to the start; the rest stays. */
  ReverseSequence: op({
    arity: 2,
    infer: ([x]) => like(x),
    grad: (g, { x: [, lengths], dy: [dy], attrs }) => [
      g.op("ReverseSequence", [dy, lengths], { batch_axis: attrs.int("batch_axis", 1), time_axis: attrs.int("time_axis", 0) }),
      null,
    ],
    samples: [
      { inputs: [normal(4, 2, 3), ids([4, 2])], step: 1 },
      { inputs: [normal(2, 4), ids([3, 1])], attrs: { batch_axis: 0, time_axis: 1 }, step: 1 },
    ],
  }),

  /** The slices whose flag is set; how many, only the run tells. */
  Compress: op({
    arity: 2,
    infer([x], call) {
      if (!call.attrs.has("axis")) return like(x, [call.symbol()]);
      const axis = axisOf(call.attrs.int("axis"), x.dims.length);
      return like(
        x,
        x.dims.map((d, i) => (i === axis ? call.symbol() : d)),
      );
    },
    grad: forbidden("how many slices it keeps is known only when it runs; use Where or Gather"),
    samples: [{ inputs: [normal(2, 3), ids([1, 0, 1], [3], "bool")], attrs: { axis: 1 } }, [normal(2, 3), ids([1, 0, 1], [3], "bool")]],
  }),
  /** Where x is not 0, one column a place. */
  NonZero: op({
    arity: 1,
    infer: ([x], call) => ({ dtype: "int64", dims: [x.dims.length, call.symbol()] }),
    grad: none,
    samples: [[normal(2, 3)]],
  }),
  /** Values that differ, where each first stood, which one each is, and how often each comes. */
  Unique: op({
    arity: 1,
    infer([x], call) {
      const n = call.symbol();
      const whole = (length: string) => ({ dtype: "int64" as const, dims: [length] });
      const axis = call.attrs.has("axis") ? axisOf(call.attrs.int("axis"), x.dims.length) : undefined;
      const values = axis === undefined ? [n] : x.dims.map((d, i) => (i === axis ? n : d));
      return [like(x, values), whole(n), whole(call.symbol()), whole(n)].slice(0, call.outputs);
    },
    grad: forbidden("how many values it keeps is known only when it runs"),
    samples: [{ inputs: [normal(4)], outputs: 4 }],
  }),
} satisfies Record<string, Op>;
