import { expect, test } from "vitest";
import { Attrs } from "../ops/op.ts";
import { evaluate, type Partial } from "./partial.ts";

const vector = (...items: Partial["items"]): Partial => ({ dtype: "int64", dims: [items.length], items });
const of = (type: string, ...x: Partial[]) => evaluate(type, x, new Attrs(type, {}))?.items;

test("extremes of whole numbers", () => {
  expect(of("Max", vector(0, 1, 4), vector(2, 2, 0))).toEqual([2, 2, 4]);
  expect(of("Min", vector(0, 1, 4), vector(2, 2, 0))).toEqual([0, 1, 0]);
  expect(of("ReduceMax", vector(3, 7, 5))).toEqual([7]);
  expect(of("ReduceMin", vector(3, 7, 5))).toEqual([3]);
});

test("extremes of a length with itself", () => {
  expect(of("Max", vector("B"), vector("B"))).toEqual(["B"]);
  expect(of("Max", vector("B"), vector("T"))).toBeUndefined();
});
