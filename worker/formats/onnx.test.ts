// The gate: data files beside a model and where they may not be, functions, sparse tensors, operator sets old and new.
import { create, toBinary } from "@bufbuild/protobuf";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ModelProtoSchema } from "../onnx/gen/onnx_pb.ts";
import { AppError } from "../../ipc/error.ts";
import { toNumbers } from "../tensor.ts";
import { readModel } from "./onnx.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-onnx-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const info = (name: string, ...dims: (number | string)[]) => ({
  name,
  type: {
    value: {
      case: "tensorType" as const,
      value: {
        elemType: 1,
        shape: {
          dim: dims.map((d) => ({
            value: typeof d === "number" ? { case: "dimValue" as const, value: BigInt(d) } : { case: "dimParam" as const, value: d },
          })),
        },
      },
    },
  },
});

let files = 0;
/** @param graph, more fields of GraphProto and ModelProto, plainly */
function model(graph: object, more: object = {}, version = 13): string {
  const path = join(folder, `m${files++}.onnx`);
  const proto = create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: "", version: BigInt(version) }], ...more, graph });
  writeFileSync(path, toBinary(ModelProtoSchema, proto));
  return path;
}

function refusal(path: string): AppError {
  try {
    readModel(path);
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error("it was read");
}

describe("data in other files", () => {
  writeFileSync(join(folder, "w.bin"), new Uint8Array(new Float32Array([9, 1, 2, 3]).buffer));
  mkdirSync(join(folder, "parts"));
  writeFileSync(join(folder, "parts", "w.bin"), new Uint8Array(new Float32Array([4, 5, 6]).buffer));
  symlinkSync(join(folder, "w.bin"), join(folder, "link.bin"));
  symlinkSync(join(folder, "parts"), join(folder, "linked"));
  const kept = (entries: Record<string, string>) =>
    model({
      node: [{ opType: "Add", input: ["x", "w"], output: ["y"] }],
      input: [info("x", "B", 3)],
      output: [info("y", "B", 3)],
      initializer: [
        {
          name: "w",
          dims: [3n],
          dataType: 1,
          dataLocation: 1,
          externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
        },
      ],
    });

  test("beside the model, from an offset, in a folder", () => {
    const weights = (path: string) => toNumbers(readModel(path).initializers.get("w")!);
    expect(weights(kept({ location: "w.bin", offset: "4", length: "12" }))).toEqual([1, 2, 3]);
    expect(weights(kept({ location: "./parts/w.bin" }))).toEqual([4, 5, 6]);
  });

  test.each([
    ["absolute", join(folder, "w.bin"), {}],
    ["upwards", "../w.bin", {}],
    ["upwards in the middle", "parts/../w.bin", {}],
    ["upwards, Windows' way", "..\\w.bin", {}],
    ["a drive", "C:\\w.bin", {}],
    ["a link", "link.bin", {}],
    ["through a linked folder", "linked/w.bin", {}],
    ["missing", "gone.bin", {}],
    ["a folder", "parts", {}],
    ["nameless", "", {}],
    ["beyond the end", "w.bin", { offset: "8" }],
    ["of another length", "w.bin", { length: "8" }],
    ["before the beginning", "w.bin", { offset: "-4" }],
    ["at no number", "w.bin", { offset: "4e0" }],
    ["at a huge offset", "w.bin", { offset: "9999999999999999999" }],
  ])("%s: refused", (_, location, more) => {
    expect(refusal(kept({ location, ...more })).exitCode).toBe(3);
  });
});

test("sparse tensors, tensors larger than their data, strange kinds are refused before anything is made of them", () => {
  const body = { node: [{ opType: "Relu", input: ["x"], output: ["y"] }], input: [info("x", 3)], output: [info("y", 3)] };
  expect(refusal(model({ ...body, sparseInitializer: [{ dims: [3n] }] })).message).toContain("sparse");
  expect(refusal(model({ ...body, initializer: [{ name: "w", dims: [1n << 40n], dataType: 1, rawData: new Uint8Array(4) }] })).code).toBe(
    "modelInvalid",
  );
  expect(refusal(model({ ...body, initializer: [{ name: "w", dims: [-1n], dataType: 1 }] })).code).toBe("modelInvalid");
  expect(refusal(model({ ...body, initializer: [{ name: "w", dims: [1n], dataType: 99, rawData: new Uint8Array(4) }] })).code).toBe(
    "modelInvalid",
  );
});

test("element types that an operator does not take, or that do not agree, are refused by name", () => {
  const node = (opType: string) => [{ opType, name: "odd", input: ["x", "w"], output: ["y"] }];
  const ids = { name: "w", dims: [1n], dataType: 1, rawData: new Uint8Array(4) };
  const gather = refusal(model({ node: node("Gather"), input: [info("x", 3)], output: [info("y", 1)], initializer: [ids] }));
  expect(gather.message).toMatch(/'odd'.*its input 1 cannot be float32; it takes int32, int64/);
  const whole = { name: "w", dims: [1n], dataType: 7, rawData: new Uint8Array(8) };
  const add = refusal(model({ node: node("Add"), input: [info("x", 3)], output: [info("y", 3)], initializer: [whole] }));
  expect(add.message).toMatch(/'odd'.*its inputs must have one type, not float32 and int64/);
});

test("operator sets before 7 and after 23 are refused, and what would come of it is said", () => {
  const body = { node: [{ opType: "Relu", input: ["x"], output: ["y"] }], input: [info("x", 3)], output: [info("y", 3)] };
  expect(refusal(model(body, {}, 6)).message).toContain("version 6");
  expect(refusal(model(body, {}, 24)).message).toContain("version 24");
  expect(readModel(model(body, {}, 7)).nodes.map((n) => n.type)).toEqual(["Relu"]);
});

describe("functions of the model's own", () => {
  const call = { opType: "Twice", domain: "mine", name: "call", input: ["x"], output: ["y"] };
  const body = { node: [call], input: [info("x", 3)], output: [info("y", 3)] };
  const sets = [
    { domain: "", version: 13n },
    { domain: "mine", version: 1n },
  ];
  const twice = { name: "Twice", domain: "mine", input: ["a"], output: ["b"], opsetImport: sets };

  test("are unfolded, in one another, with attributes passed on", () => {
    const leaky = { opType: "LeakyRelu", input: ["a"], output: ["b"], attribute: [{ name: "alpha", refAttrName: "slope", type: 1 }] };
    const inner = { name: "Leak", domain: "mine", input: ["a"], output: ["b"], attribute: ["slope"], opsetImport: sets, node: [leaky] };
    const uses = (input: string, output: string, f: number) => ({
      opType: "Leak",
      domain: "mine",
      input: [input],
      output: [output],
      attribute: [{ name: "slope", type: 1, f }],
    });
    const path = model(body, { opsetImport: sets, functions: [{ ...twice, node: [uses("a", "t", 0.5), uses("t", "b", 0.25)] }, inner] });
    const graph = readModel(path);
    expect(graph.nodes.map((n) => [n.type, n.attrs["alpha"]?.value])).toEqual([
      ["LeakyRelu", 0.5],
      ["LeakyRelu", 0.25],
    ]);
    expect(graph.outputs.map((o) => o.name)).toEqual(["y"]);
  });

  test("that call themselves, or unfold without end, are refused", () => {
    const node = [{ opType: "Twice", domain: "mine", input: ["a"], output: ["b"] }];
    expect(refusal(model(body, { opsetImport: sets, functions: [{ ...twice, node }] })).message).toContain("calls itself");
    // Each calls the next ten times: 10^12 nodes.
    const chain = Array.from({ length: 12 }, (_, i) => ({
      ...twice,
      name: i === 0 ? "Twice" : `F${i}`,
      node: Array.from({ length: 10 }, (_, k) => ({
        opType: i === 11 ? "Relu" : `F${i + 1}`,
        domain: i === 11 ? "" : "mine",
        input: [k ? `t${k - 1}` : "a"],
        output: [k === 9 ? "b" : `t${k}`],
      })),
    }));
    expect(refusal(model(body, { opsetImport: sets, functions: chain })).message).toContain("more than 200000 nodes");
  });
});
