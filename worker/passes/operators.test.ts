// Every operator of ONNX is in the table, made of others while it is read, or refused in words: none is forgotten. The list comes from
// test/references/operators.py.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { Graph } from "../onnx/graph.ts";
import { operators } from "../ops/index.ts";
import type { Op } from "../ops/op.ts";
import { loweredTypes } from "./attention.ts";
import { classicTypes } from "./classic.ts";
import { normalize } from "./normalize.ts";
import { runPasses } from "./pass.ts";
import { refused } from "./refused.ts";
import { listTypes } from "./sequences.ts";
import { controlTypes } from "./unroll.ts";
import { upgradedTypes } from "./upgrade.ts";

const list = JSON.parse(readFileSync(new URL("../../test/references/operators.json", import.meta.url), "utf8")) as Record<string, number[]>;
const table = new Set(Object.entries(operators as Record<string, Op>).map(([type, { domain }]) => (domain ? `${domain}.${type}` : type)));
const made = new Set([...loweredTypes, ...listTypes, ...controlTypes, ...classicTypes, ...upgradedTypes()]);

test.each(Object.keys(list))("%s", (name) => {
  const places = [table.has(name), made.has(name), Object.hasOwn(refused, name)];
  expect(
    places.some((p) => p),
    "it is in the table, made of others, or refused",
  ).toBe(true);
  if (places[2]) expect(places.slice(0, 2), "what is refused is nowhere else").toEqual([false, false]);
  else if (table.has(name)) {
    const { grad } = (operators as Record<string, Op>)[name.replace("ai.onnx.ml.", "")]!;
    expect(grad === "none" || typeof grad === "function" || grad.forbidden.length > 10).toBe(true);
  }
});

test("what is refused says so, with the node", () => {
  for (const [full, why] of Object.entries(refused)) {
    const [domain, type] = full.startsWith("ai.onnx.ml.") ? ["ai.onnx.ml", full.slice(11)] : ["", full];
    expect(list[full], full).toBeDefined();
    const graph = new Graph("refused");
    graph.addInput({ name: "x", dtype: "float32", dims: [2, 2] });
    graph.addNode({ type, domain, name: "odd", inputs: ["x"], outputs: ["y"] });
    graph.addOutput({ name: "y", dtype: "float32", dims: [] });
    let thrown: unknown;
    try {
      runPasses(graph, normalize());
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(AppError);
    expect((thrown as AppError).exitCode).toBe(3);
    expect((thrown as AppError).message).toContain(`'odd' (${type} of float32[2, 2]): ${full} cannot be used: ${why}`);
  }
});
