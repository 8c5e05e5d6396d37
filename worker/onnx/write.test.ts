// What is written is what the protocol buffers' own library writes of the same message.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { madeStep } from "../train/suite/time.ts";
import { suite } from "../train/suite/index.ts";
import { Builder } from "../ops/builder.ts";
import { float32, strings, tensor } from "../tensor.ts";
import { ModelProtoSchema } from "./gen/onnx_pb.ts";
import type { Graph } from "./graph.ts";
import { backward, BackwardWriter } from "./wire.ts";
import { encodeListOutput, encodeModel } from "./write.ts";

const again = (bytes: Uint8Array) => toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes));
const same = (bytes: Uint8Array) => expect(Buffer.from(bytes).equals(Buffer.from(again(bytes)))).toBe(true);

for (const name of Object.keys(suite)) test(`the training step of ${name}`, () => same(encodeModel(madeStep(name, 0, true).step.graph)));

test("every kind of attribute, of element and of length", () => {
  const g = new Builder("ä kind of everything 中");
  const x = g.input("x", "float32", ["B", 3, "?a|b"]);
  const inner = new Builder("inner");
  inner.output(inner.op("Neg", [inner.input("i", "float32", [])]), "o");
  const attrs = {
    none: { type: "int", value: 0 },
    minus: { type: "int", value: -1 },
    far: { type: "int", value: -Infinity },
    large: { type: "int", value: 2 ** 52 + 1 },
    zero: { type: "float", value: 0 },
    minusZero: { type: "float", value: -0 },
    half: { type: "float", value: 0.5 },
    word: { type: "string", value: "é" },
    empty: { type: "string", value: "" },
    numbers: { type: "ints", value: [0, 127, 128, 16_384, -5] },
    nothing: { type: "ints", value: [] },
    reals: { type: "floats", value: [1, -2.5, Infinity] },
    words: { type: "strings", value: ["", "a", "中文"] },
    text: { type: "tensor", value: strings([2], ["", "ж"]) },
    bits: { type: "tensor", value: tensor("uint8", [0, 2], new Uint8Array(0)) },
    graph: { type: "graph", value: inner.graph },
  } as const;
  const graph: Graph = g.graph;
  graph.addNode({ type: "Odd", domain: "some.domain", name: "", inputs: ["x", "", "k"], outputs: ["y"], attrs });
  graph.addInitializer("k", float32([2], [1, 2]));
  graph.addInitializer("words", strings([1], ["w"]));
  graph.metadata.set("key", "");
  graph.metadata.set("中", "value");
  graph.initial.set("x", float32([], [3]));
  graph.opsets.set("some.domain", 0);
  same(encodeModel(graph));
  expect(x.name).toBe("x");
});

test("a list before a model", () => same(encodeListOutput("nothing")));

test("room is made as it is needed", () => {
  const w = new BackwardWriter(0);
  const parts = Array.from({ length: 300 }, (_, i) => "x".repeat(i));
  backward(parts, (text) => w.message(7, () => w.message(1, () => w.string(2, text))));
  expect(w.result().length).toBe(w.length);
  expect(fromBinary(ModelProtoSchema, w.result()).graph!.node.map((node) => node.output[0] ?? "")).toEqual(parts);
});
