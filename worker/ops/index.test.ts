import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { gradients } from "../train/gradient.ts";
import { Builder } from "./builder.ts";
import { operator, operators } from "./index.ts";

const isEntry = (value: unknown): boolean => typeof value === "object" && value !== null && "infer" in value && "samples" in value;

test("every family in this folder is in the table", async () => {
  const files = readdirSync(new URL(".", import.meta.url)).filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts"));
  for (const file of files) {
    const exported = Object.values((await import(`./${file}`)) as Record<string, unknown>);
    for (const family of exported) {
      if (typeof family !== "object" || family === null || !Object.values(family).some(isEntry)) continue;
      for (const [name, entry] of Object.entries(family)) expect(operators[name as keyof typeof operators], `${file}: ${name}`).toBe(entry);
    }
  }
});

function refused(body: () => unknown): AppError {
  try {
    body();
  } catch (thrown) {
    return thrown as AppError;
  }
  throw new Error("nothing was refused");
}

test("an unknown operator is refused by name", () => {
  expect(refused(() => operator("Frobnicate", "com.example"))).toMatchObject({
    code: "operatorUnknown",
    data: { operator: "com.example.Frobnicate" },
  });
  expect(refused(() => operator("toString"))).toMatchObject({ code: "operatorUnknown" });
});

test("shapes that do not fit are refused with the operator and both shapes", () => {
  const g = new Builder();
  const a = g.input("a", "float32", ["B", 3]);
  const error = refused(() => g.matmul(a, g.input("b", "float32", [4, 2])));
  expect(error.code).toBe("shapeMismatch");
  expect(error.message).toContain("MatMul(a: float32[B, 3], b: float32[4, 2])");
  expect(refused(() => g.add(a, g.input("n", "int64", ["B", 3]))).message).toContain("float32 and int64");
  expect(refused(() => g.op("MatMul", [a])).message).toContain("MatMul takes 2 inputs, not 1");
});

test("a gradient that must not be asked for says why", () => {
  const g = new Builder();
  const p = g.parameter("p", [3], new Float32Array(3));
  const loss = g.reduceSum(g.dropout(p, 0.5), { keepdims: false });
  expect(refused(() => gradients(g, loss, ["p"]))).toMatchObject({ code: "gradientMissing", data: { operator: "Dropout" } });
});

test("what the loss does not depend on gets zeros; equal nodes and scalars are made once", () => {
  const g = new Builder();
  const p = g.parameter("p", [3], new Float32Array(3));
  g.parameter("q", [2], new Float32Array(2));
  expect(g.relu(p)).toBe(g.relu(p));
  expect(g.scalar(0.5)).toBe(g.scalar(0.5));
  expect(g.mul(p, 1)).toBe(p);
  const found = gradients(g, g.reduceSum(p, { keepdims: false }), ["p", "q"]);
  expect(found.get("q")!.dims).toEqual([2]);
});

test("symbolic lengths go through shapes", () => {
  const g = new Builder();
  const x = g.input("x", "float32", ["B", "T", 6]);
  expect(g.reshape(x, [-1, 6]).dims).toEqual(["B*T", 6]);
  expect(g.reshape(g.reshape(x, [-1, 6]), [-1, 2, 3]).dims).toEqual(["B*T", 2, 3]);
  expect(g.transpose(x, [2, 0, 1]).dims).toEqual([6, "B", "T"]);
  expect(g.concat([x, x], { axis: 2 }).dims).toEqual(["B", "T", 12]);
  expect(g.matmul(x, g.swapLast(x)).dims).toEqual(["B", "T", "T"]);
});
