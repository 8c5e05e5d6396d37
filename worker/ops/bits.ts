// Whole numbers, bit by bit. Nothing here is differentiable.
import { none, type Op, op } from "./op.ts";
import { ids, type Sample } from "./samples.ts";
import { broadcast, like, sameType } from "./shapes.ts";

const two = (samples: Sample[]): Op =>
  op({
    arity: 2,
    infer([a, b]) {
      sameType(a, b);
      return like(a, broadcast(a.dims, b.dims));
    },
    grad: none,
    samples,
  });

const whole: Sample[] = [[ids([6, 5, 255], [3], "int32"), ids([3], [1], "int32")]];

export const bits = {
  /** a · 2ᵇ, or a / 2ᵇ, of unsigned numbers. */
  BitShift: two([{ inputs: [ids([6, 5, 255], [3], "uint8"), ids([1, 2, 3], [3], "uint8")], attrs: { direction: "RIGHT" } }]),
  BitwiseAnd: two(whole),
  BitwiseOr: two(whole),
  BitwiseXor: two(whole),
  BitwiseNot: op({ arity: 1, infer: ([x]) => like(x), grad: none, samples: [[ids([6, 5], [2], "int32")]] }),
} satisfies Record<string, Op>;
