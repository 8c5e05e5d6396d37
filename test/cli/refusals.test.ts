// What cannot be differentiated, and step files that are none, through the command line: exit code 3, the node, its operator, what to do.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { Graph } from "../../worker/onnx/graph.ts";
import { ModelProtoSchema, NodeProtoSchema } from "../../worker/onnx/gen/onnx_pb.ts";
import { encodeModel } from "../../worker/onnx/proto.ts";
import { Builder, type Value } from "../../worker/ops/builder.ts";
import { root } from "../shared.ts";
import { home, paddock } from "./setUp.ts";

const mlp = join(root, "test/references/models/mlp.ts.13.onnx");
const path = (name: string) => join(home, name);

/** loss = mean(f(x · w)), the node of f called "odd". */
function model(name: string, f: (g: Builder, h: Value) => Value): string {
  const g = new Builder("made");
  const h = g.mul(g.input("x", "float32", ["B", 3]), g.parameter("w", [3], Float32Array.of(1, 2, 3)));
  g.output(g.reduceMean(f(g, h), { keepdims: false }), "loss");
  writeFileSync(path(name), encodeModel(g.graph));
  return path(name);
}

/** The same with an Abs whose node is changed in the file. */
function foreign(name: string, type: string, domain: string): string {
  const file = fromBinary(ModelProtoSchema, readFileSync(model(name, (g, h) => g.abs(h))));
  const at = file.graph!.node.findIndex((n) => n.opType === "Abs");
  const { input, output } = file.graph!.node[at]!;
  file.graph!.node[at] = create(NodeProtoSchema, { opType: type, domain, name: "odd", input, output });
  file.graph!.valueInfo = [];
  if (domain) file.opsetImport.push({ ...file.opsetImport[0]!, domain, version: 1n });
  writeFileSync(path(name), toBinary(ModelProtoSchema, file));
  return path(name);
}

/** A Loop that runs as often as an input says. */
function loop(name: string): string {
  const body = new Graph("body");
  for (const [input, dtype] of [
    ["i", "int64"],
    ["go", "bool"],
    ["a", "float32"],
  ] as const)
    // prettier-ignore
    body.addInput({ name: input, dtype, dims: input === "a" ? ["B", 3] : [] });
  body.addNode({ type: "Tanh", inputs: ["a"], outputs: ["a2"] });
  body.addOutput({ name: "go", dtype: "bool", dims: [] });
  body.addOutput({ name: "a2", dtype: "float32", dims: ["B", 3] });
  const graph = new Graph("loop");
  graph.addInput({ name: "x", dtype: "float32", dims: ["B", 3] });
  graph.addInput({ name: "rounds", dtype: "int64", dims: [] });
  graph.addInitializer("w", { dtype: "float32", dims: [3], data: Float32Array.of(1, 2, 3) }, { trainable: true });
  graph.addNode({ type: "Mul", inputs: ["x", "w"], outputs: ["h"] });
  const attrs = { body: { type: "graph" as const, value: body } };
  graph.addNode({ type: "Loop", name: "odd", inputs: ["rounds", "", "h"], outputs: ["y"], attrs });
  graph.addNode({ type: "ReduceMean", inputs: ["y"], outputs: ["loss"], attrs: { keepdims: { type: "int", value: 0 } } });
  graph.addOutput({ name: "loss", dtype: "float32", dims: [] });
  writeFileSync(path(name), encodeModel(graph));
  return path(name);
}

describe("what cannot be differentiated says the node, its operator, its shapes, and what to do", () => {
  const cases: [string, () => string, string, RegExp][] = [
    [
      "an operator whose gradient must not be asked for",
      () =>
        model("compress.onnx", (g, h) =>
          g.op("Compress", [h, g.greater(g.parameter("keep", [3], Float32Array.of(1, 0, 1)), 0.5)], { axis: 1 }),
        ),
      "gradientMissing",
      /^Compress 'Compress' \(float32\[B, 3\], bool\[3\]\) has no gradient: how many slices it keeps/,
    ],
    [
      "an operator that there is not",
      () => foreign("unknown.onnx", "Frobnicate", ""),
      "operatorUnknown",
      /'odd' \(Frobnicate of float32\[B, 3\]\).*not known/,
    ],
    [
      "an operator of somebody's own",
      () => foreign("custom.onnx", "Abs", "my.domain"),
      "operatorUnknown",
      /'odd' \(Abs of float32\[B, 3\]\).*my\.domain\.Abs/,
    ],
    [
      "a Loop whose rounds only the run decides",
      () => loop("loop.onnx"),
      "gradientMissing",
      /'odd' \(Loop of int64\[\], –, float32\[B, 3\]\).*trip count is known only when the graph runs/,
    ],
  ];
  test.each(cases)("%s", async (_, make, code, words) => {
    const file = make();
    const step = ["train-step", file, "--loss", "loss", "--optimizer", "sgd", "--out", path("no.onnx"), "--json"];
    const grad = ["grad", file, "--loss", "loss", "--out", path("no.onnx"), "--json"];
    for (const args of [grad, step]) {
      const { code: exit, json } = await paddock(args);
      expect(exit).toBe(3);
      const error = json["error"] as { code: string; message: string; hint: string };
      expect(error.code).toBe(code);
      expect(error.message.replace(`${file}: `, "")).toMatch(words);
      expect(error.hint.length).toBeGreaterThan(10);
    }
  });

  test("without --json the same words go to stderr", async () => {
    const { code, stdout, stderr } = await paddock(["grad", loop("plain.onnx"), "--loss", "loss", "--out", path("no.onnx")]);
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(/'odd'[^]*--dim/);
  });
});

describe("bench on what is no sound step", () => {
  const step = path("refused.step.onnx");
  beforeAll(async () => {
    const args = ["train-step", mlp, "--loss", "loss", "--optimizer", "sgd", "--out", step, "--json"];
    expect((await paddock(args)).code).toBe(0);
  });
  const changed = (name: string, change: (file: ReturnType<typeof read>) => void): string => {
    const file = read();
    change(file);
    writeFileSync(path(name), toBinary(ModelProtoSchema, file));
    return path(name);
  };
  const read = () => fromBinary(ModelProtoSchema, readFileSync(step));
  const cases: [string, () => string][] = [
    ["cut off", () => (writeFileSync(path("half.onnx"), readFileSync(step).subarray(0, 900)), path("half.onnx"))],
    ["a circle", () => changed("circle.onnx", ({ graph }) => void (graph!.node.find((n) => n.input.length)!.input[0] = graph!.node.at(-1)!.output[0]!))],
    ["an operator that there is not", () => changed("odd.onnx", ({ graph }) => void (graph!.node.at(-1)!.opType = "Frobnicate"))],
    ["a state of 2^40 numbers", () => changed("vast.onnx", ({ graph }) => {
      for (const value of [...graph!.input, ...graph!.output]) {
        const type = value.type!.value;
        if (/5\.bias$/.test(value.name) && type.case === "tensorType") type.value.shape!.dim[0]!.value = { case: "dimValue", value: 2n ** 40n };
      }
    })],
    ["an input of the wrong type", () => changed("typed.onnx", ({ graph }) => {
      const type = graph!.input[0]!.type!.value;
      if (type.case === "tensorType") type.value.elemType = 8;
    })],
    ["a length that does not fit", () => changed("short.onnx", ({ graph }) => {
      const type = graph!.input.find((i) => i.name === "x")!.type!.value;
      if (type.case === "tensorType") type.value.shape!.dim[1]!.value = { case: "dimValue", value: 4n };
    })],
  ]; // prettier-ignore
  test.each(cases)("%s: exit code 3", async (_, make) => {
    const { code, json } = await paddock(["bench", make(), "--steps", "2", "--json"]);
    expect([code, (json["error"] as { message: string }).message]).toEqual([3, expect.stringMatching(/\w{4}/)]);
  });
});
