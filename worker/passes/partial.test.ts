import { expect, test } from "vitest";
import { Attrs } from "../ops/op.ts";
import { evaluate, type Partial } from "./partial.ts";

const list = (items: Partial["items"]): Partial => ({ dtype: "int64", dims: [items.length], items });

test("the larger and the smaller of two lengths, of which one may be a name", () => {
  const of = (type: string, a: Partial, b: Partial) => evaluate(type, [a, b], new Attrs(type, {}))?.items;
  expect(of("Max", list([2, 7]), list([3, 5]))).toEqual([3, 7]);
  expect(of("Min", list([2, 7]), list([3, 5]))).toEqual([2, 5]);
  expect(of("Max", list(["B"]), list(["B"]))).toEqual(["B"]);
  expect(of("Max", list(["B"]), list([3]))).toBeUndefined();
});
