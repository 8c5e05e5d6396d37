import { expect, test } from "vitest";
import { Builder, type Value } from "../ops/builder.ts";
import { inPlace } from "./inPlace.ts";

const inputs = (g: Builder, ...names: string[]): Value[] => names.map((name) => g.input(name, "float32", [256, 256]));

test("a state is written over when all that reads it leads to its new value, through views too", () => {
  const g = new Builder("step");
  const [p, m, s, q, x] = inputs(g, "p", "m", "s", "q", "x") as [Value, Value, Value, Value, Value];
  const m2 = g.add(g.mul(m, 0.9), g.matmul(x, p));
  g.output(m2, "next:m");
  g.output(g.matmul(s, x), "next:s"); // reads s as it writes
  g.op("Add", [p, m2], {}, { names: ["next:p"] }); // element by element
  g.graph.addOutput(g.value("next:p"));
  g.output(g.matmul(g.transpose(q), x), "other"); // reads q at any time
  g.output(g.matmul(q, x), "next:q");
  const { graph, single } = inPlace(g.graph, ["p", "m", "s", "q", "absent"]);
  expect([...single].sort()).toEqual(["m", "p"]);
  expect(graph).toBe(g.graph);
});

test("the update of a large parameter waits for the way back", () => {
  const g = new Builder("step");
  const [p, x] = inputs(g, "p", "x") as [Value, Value];
  const rate = g.input("lr", "float32", []);
  const small = g.input("small", "float32", [2]);
  const dy = g.tanh(g.matmul(x, p));
  g.output(g.matmul(dy, g.transpose(p)), "dx");
  g.output(g.mul(small, 3), "other");
  g.output(g.sub(g.mul(p, 0.5), g.mul(g.matmul(g.transpose(x), dy), rate)), "next:p");
  g.output(g.sub(g.mul(small, 0.5), rate), "next:small");
  const { graph, single } = inPlace(g.graph, ["p", "small"]);
  expect([...single]).toEqual(["p"]);
  const wait = graph.nodes.find((n) => n.type === "Concat")!;
  const waiter = graph.nodes.find((n) => n.inputs.includes(wait.outputs[0]!))!;
  expect(waiter.type).toBe("Mul");
  expect(graph.producer(graph.producer(graph.producer(wait.inputs[1]!)!.inputs[0]!)!.inputs[0]!)?.type).toBe("MatMul"); // dx
  expect(graph.nodes.length).toBe(g.graph.nodes.length + 4);
  expect(g.graph.nodes.some((n) => n.type === "Concat")).toBe(false);
});
