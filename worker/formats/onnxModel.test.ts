import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { TableProfile, TableTask } from "../../ipc/types.ts";
import { decodeModel } from "../onnx/proto.ts";
import type { Builder } from "../ops/builder.ts";
import { exportTableModel, inputNames, type TableEncoding } from "./onnxModel.ts";
import { readCard } from "./modelCard.ts";

/** Columns of numbers as they are, side by side. */
function encode(g: Builder, encoding: TableEncoding) {
  const columns = encoding.encoders.map(({ column }) => g.input(column, "float32", ["n", 1]));
  const x = g.concat(columns, { axis: 1 });
  return { x, codes: x };
}

function profileOf(names: string[]): TableProfile {
  return {
    kind: "table",
    file: "t.csv",
    bytes: 1,
    rows: 10,
    columns: names.map((name) => ({
      name,
      type: "number",
      missing: 0,
      distinct: 5,
      min: 0,
      max: 9,
      quartiles: [1, 2.5, 7],
      examples: ["1"],
    })),
    problems: [],
    dialect: { delimiter: ",", quote: '"', header: true, encoding: "utf-8" },
    targets: [],
    preview: [],
    fingerprint: "f00d",
  };
}

/** logits or value: weights over the inputs, made inside a scope whose names are as hostile as columns can be. */
function make(
  columns: string[],
  task: TableTask,
  options: { classes?: string[]; weights: number[]; targetScale?: { mean: number; std: number } },
) {
  const { weights, ...rest } = options;
  return exportTableModel({
    encoding: { target: "y", task, encoders: columns.map((column) => ({ kind: "number" as const, column })), ...rest },
    encode,
    net: (g, { x }) => g.matmul(x, g.parameter("h0.weight", [columns.length, weights.length / columns.length], Float32Array.from(weights))),
    profile: profileOf([...columns, "y"]),
    test: { metric: "accuracy", value: 0.75 },
    model: "line",
    metadata: { note: "hello" },
  });
}

const session = (bytes: Uint8Array) => ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 });
const column = (...values: number[]) => new ort.Tensor("float32", values, [values.length, 1]);

describe("a table model as a file", () => {
  test("classification answers with label and probabilities", async () => {
    const bytes = make(["a", "b c"], "classification", { classes: ["不", "yes, no", '"'], weights: [1, 0, -1, 0, 2, 0] });
    const s = await session(bytes);
    expect(s.inputNames).toEqual(["a", "b c"]);
    expect(s.outputNames).toEqual(["label", "probabilities"]);
    const out = await s.run({ a: column(3, 0, -5), "b c": column(0, 4, 1) });
    expect(out["label"]!.data).toEqual(["不", "yes, no", '"']);
    expect(out["label"]!.dims).toEqual([3]);
    expect(out["probabilities"]!.dims).toEqual([3, 3]);
    const first = [...(out["probabilities"]!.data as Float32Array)].slice(0, 3);
    expect(first.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(first[0]).toBeCloseTo(Math.exp(3) / (Math.exp(3) + 1 + Math.exp(-3)), 6);
  });

  test("regression answers in the target's own unit, as exact as float32 is", async () => {
    const bytes = make(["a"], "regression", { weights: [1], targetScale: { mean: 1_600_000_000, std: 86_400.5 } });
    const out = await (await session(bytes)).run({ a: column(0, 1, -1.5) });
    expect(out["value"]!.dims).toEqual([3]);
    expect([...(out["value"]!.data as Float32Array)]).toEqual([0, 1, -1.5].map((z) => Math.fround(z * 86_400.5 + 1_600_000_000)));
  });

  test("the same run gives the same bytes, whose metadata tell everything", () => {
    const bytes = make(["a"], "classification", { classes: ["no", "yes"], weights: [1, 2] });
    expect(make(["a"], "classification", { classes: ["no", "yes"], weights: [1, 2] })).toEqual(bytes);
    const graph = decodeModel(bytes);
    const all = Object.fromEntries(graph.metadata);
    expect(all).toMatchObject({ classes: '["no","yes"]', fingerprint: "f00d", target: "y", task: "classification", note: "hello" });
    expect(JSON.parse(all["test"]!)).toEqual({ metric: "accuracy", value: 0.75 });
    expect(all["licence"]).toMatch(/from scratch/);
    expect(readCard(graph, "model.onnx")).toMatchObject({
      task: "classification",
      fields: [{ name: "a", type: "number", min: 0, max: 9, example: "2.5" }],
      columns: ["a", "y"],
      header: true,
      model: "line",
    });
    expect([...graph.opsets]).toEqual([["", 21]]);
  });

  test("columns named as outputs, parameters and inner values are all served", async () => {
    const names = [
      "label",
      "probabilities",
      "x",
      "h0.weight",
      "classes",
      "column.0",
      "output.label",
      "MatMul",
      "Softmax",
      "ArgMax",
      "c",
      "",
      "a b",
      'q"',
      "列",
      "n",
    ];
    const weights = names.flatMap((_, i) => [i + 1, 0]);
    const s = await session(make(names, "classification", { classes: ["p", "q"], weights }));
    expect(s.inputNames).toEqual(["label_", "probabilities_", ...names.slice(2, 11), "_", ...names.slice(12)]);
    expect(s.outputNames).toEqual(["label", "probabilities"]);
    for (let hot = 0; hot < names.length; hot++) {
      const out = await s.run(Object.fromEntries(s.inputNames.map((name, i) => [name, column(i === hot ? 1 : 0)])));
      expect((out["probabilities"]!.data as Float32Array)[0], names[hot]).toBeCloseTo(1 / (1 + Math.exp(-(hot + 1))), 5);
    }
    const card = readCard(decodeModel(make(names, "classification", { classes: ["p", "q"], weights })), "model.onnx");
    expect(card.inputs.map(({ column }) => column)).toEqual(names);
  });

  test("a column called value is only moved where there is an output of that name", () => {
    expect(inputNames(["value", "label"], ["value"])).toEqual(["value_", "label"]);
    expect(inputNames(["value", "value_", "value"], ["value"])).toEqual(["value__", "value_", "value___"]);
    expect(inputNames(["a", "a", "a_"], [])).toEqual(["a", "a__", "a_"]);
    expect(inputNames(["a\0b", "\ud800", "__proto__"], [])).toEqual(["a\uFFFDb", "\uFFFD", "__proto___"]);
  });
});

describe("a card is read as a stranger's word", () => {
  const good = () => decodeModel(make(["a"], "classification", { classes: ["no", "yes"], weights: [1, 2] }));
  const card = (graph: ReturnType<typeof good>) => JSON.parse(graph.metadata.get("paddock")!) as Record<string, unknown>;

  test.each([
    ["no card", (g: ReturnType<typeof good>) => g.metadata.delete("paddock"), /says nothing/],
    ["no JSON", (g: ReturnType<typeof good>) => g.metadata.set("paddock", "{"), /not JSON/],
    [
      "a wrong field",
      (g: ReturnType<typeof good>) => g.metadata.set("paddock", JSON.stringify({ ...card(g), task: "magic" })),
      /wrong at task/,
    ],
    ["an input too many", (g: ReturnType<typeof good>) => g.addInput({ name: "z", dtype: "float32", dims: ["n", 1] }), /2 inputs/],
    [
      "another kind",
      (g: ReturnType<typeof good>) =>
        g.metadata.set("paddock", JSON.stringify({ ...card(g), inputs: [{ input: "a", column: "a", kind: "date" }] })),
      /not string/,
    ],
    [
      "too few classes",
      (g: ReturnType<typeof good>) => g.metadata.set("paddock", JSON.stringify({ ...card(g), classes: ["no"] })),
      /with 1 columns/,
    ],
    [
      "another task",
      (g: ReturnType<typeof good>) => g.metadata.set("paddock", JSON.stringify({ ...card(g), task: "regression" })),
      /no output 'value'/,
    ],
  ])("%s", (_, spoil, message) => {
    const graph = good();
    spoil(graph);
    expect(() => readCard(graph, "model.onnx")).toThrow(message);
  });
});
