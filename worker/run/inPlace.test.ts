import { expect, test } from "vitest";
import { Builder } from "../ops/builder.ts";
import { writtenOver } from "./inPlace.ts";

test("a state is written over when all that reads it comes before its new value, whatever the order", () => {
  const g = new Builder("step");
  const [p, m, x, s] = ["p", "m", "x", "s"].map((name) => g.input(name, "float32", [2])) as [never, never, never, never];
  const m2 = g.add(g.mul(m, 0.9), g.mul(x, p));
  g.output(m2, "next:m");
  g.output(g.sub(g.mul(p, 0.5), m2), "next:p");
  g.output(g.exp(p), "other"); // reads p at any time
  g.output(g.add(s, 1), "next:s"); // reads s while it writes
  expect([...writtenOver(g.graph, ["p", "m", "s", "absent"])]).toEqual(["m"]);
});
