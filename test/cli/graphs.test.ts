// grad, train-step and bench on files that PyTorch wrote, on hostile ones, and on what cannot be differentiated.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { root } from "../shared.ts";
import { home, paddock } from "./setUp.ts";
import { Builder } from "../../worker/ops/builder.ts";
import { encodeModel } from "../../worker/onnx/proto.ts";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, StringStringEntryProtoSchema, TensorProto_DataLocation } from "../../worker/onnx/gen/onnx_pb.ts";

const mlp = join(root, "test/references/models/mlp.ts.13.onnx");
const path = (name: string) => join(home, name);

function write(name: string, build: (g: Builder) => void): string {
  const g = new Builder("made");
  build(g);
  writeFileSync(path(name), encodeModel(g.graph));
  return path(name);
}

test("a step that computes activations again, and one in mixed precision, run like any other", async () => {
  const first: Record<string, number> = {};
  for (const [name, ...flags] of [
    ["plain"],
    ["again", "--recompute", "2"],
    ["auto", "--recompute"],
    ["mixed", "--precision", "mixed"],
  ] as const) {
    const out = path(`${name}.step.onnx`);
    const made = await paddock(["train-step", mlp, "--loss", "loss", "--optimizer", "adam", ...flags, "--out", out, "--json"]);
    expect([name, made.code, made.stderr]).toEqual([name, 0, ""]);
    if (name === "mixed") expect(made.json["states"]).toContainEqual(expect.objectContaining({ name: "loss:scale", initial: 65536 }));
    const { code, json } = await paddock(["bench", out, "--steps", "3", "--json"]);
    expect([name, code, json["fallbacks"]]).toEqual([name, 0, []]);
    first[name] = (json["losses"] as number[])[2]!;
  }
  // The runtime may fuse otherwise where less is remembered; this processor computes float16 in float32.
  for (const name of ["again", "auto", "mixed"]) expect(Math.abs(first[name]! / first["plain"]! - 1), name).toBeLessThan(1e-6);
  const { code, json } = await paddock([
    "train-step",
    mlp,
    "--loss",
    "loss",
    "--optimizer",
    "adam",
    "--recompute",
    "1",
    "--out",
    path("no.onnx"),
    "--json",
  ]);
  expect([code, JSON.stringify(json)]).toEqual([2, expect.stringContaining("whole number from 2")]);
});

describe("grad", () => {
  test("every float initializer, its lengths still symbolic", async () => {
    const out = path("grad.onnx");
    const { code, json, stderr } = await paddock(["grad", mlp, "--loss", "loss", "--out", out, "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(json).toMatchObject({ loss: "loss", inputs: [{ name: "x", dtype: "float32", shape: ["batch", 5] }, { name: "y" }] });
    const outputs = json["outputs"] as { name: string; shape: unknown }[];
    expect(outputs[0]).toEqual({ name: "loss", dtype: "float32", shape: [] });
    expect(outputs).toContainEqual({ name: "grad:body.0.weight", dtype: "float32", shape: [16, 5] });
    const session = await InferenceSession.create(out);
    expect(session.outputNames).toEqual(outputs.map((o) => o.name));
    await session.release();
  });

  test("with respect to an input, at a fixed length", async () => {
    const { json } = await paddock([
      "grad",
      mlp,
      "--loss",
      "loss",
      "--wrt",
      "x,body.0.bias",
      "--dim",
      "batch=3",
      "--out",
      path("x.onnx"),
      "--json",
    ]);
    expect((json["outputs"] as { name: string }[]).slice(1)).toEqual([
      { name: "grad:x", dtype: "float32", shape: [3, 5] },
      { name: "grad:body.0.bias", dtype: "float32", shape: [16] },
    ]);
  });

  test.each([
    ["no such output", mlp, ["--loss", "lost"], 3, /no output 'lost'/],
    ["no such name", mlp, ["--loss", "loss", "--wrt", "nobody"], 3, /nobody/],
    ["an input of whole numbers", mlp, ["--loss", "loss", "--wrt", "y"], 3, /int64/],
    ["no such length", mlp, ["--loss", "loss", "--dim", "bach=3"], 2, /bach/],
    ["a flag that is no size", mlp, ["--loss", "loss", "--dim", "batch"], 2, /batch=4/],
    ["no file", "nowhere.onnx", ["--loss", "loss"], 3, /nowhere/],
  ])("%s", async (_, model, args, exit, words) => {
    const { code, json } = await paddock(["grad", model, ...args, "--out", path("no.onnx"), "--json"]);
    expect(code).toBe(exit);
    expect(JSON.stringify(json["error"])).toMatch(words);
  });

  test("a loss that is no scalar is refused with its shape", async () => {
    const model = write("where.onnx", (g) => {
      const x = g.input("x", "float32", ["B", 3]);
      const w = g.parameter("w", [3, 2], new Float32Array(6).fill(0.5));
      g.output(g.reduceMean(g.matmul(x, w), { keepdims: false }), "loss");
      g.output(g.matmul(x, w), "rows");
    });
    const { code, json } = await paddock(["grad", model, "--loss", "rows", "--out", path("no.onnx"), "--json"]);
    expect(code).toBe(3);
    expect(json["error"]).toMatchObject({ code: "shapeMismatch", message: expect.stringContaining("[B, 2]") });
  });
});

describe("hostile files end in exit code 3", () => {
  /** The MLP with its first weights kept in another file. */
  function external(name: string, location: string): string {
    const model = fromBinary(ModelProtoSchema, readFileSync(mlp));
    const weights = model.graph!.initializer[0]!;
    weights.rawData = new Uint8Array();
    weights.floatData = [];
    weights.dataLocation = TensorProto_DataLocation.EXTERNAL;
    weights.externalData = [create(StringStringEntryProtoSchema, { key: "location", value: location })];
    writeFileSync(path(name), toBinary(ModelProtoSchema, model));
    return path(name);
  }
  const bytes = readFileSync(mlp);

  test.each([
    ["cut off", () => bytes.subarray(0, bytes.length / 2)],
    ["noise", () => Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 37) % 251))],
    ["empty", () => Buffer.alloc(0)],
    ["text", () => Buffer.from("not a model at all")],
  ])("%s", async (name, make) => {
    writeFileSync(path(`${name}.onnx`), make());
    const { code, json } = await paddock(["grad", path(`${name}.onnx`), "--loss", "loss", "--out", path("no.onnx"), "--json"]);
    expect(code).toBe(3);
    expect(JSON.stringify(json["error"])).toContain(`${name}.onnx`);
  });

  test("data beside the model is read; data elsewhere, or through a link, is not", async () => {
    const model = fromBinary(ModelProtoSchema, bytes);
    mkdirSync(path("parts"), { recursive: true });
    writeFileSync(path("parts/w.bin"), Buffer.from(model.graph!.initializer[0]!.rawData));
    const run = async (file: string) => {
      const { code, json } = await paddock([
        "train-step",
        file,
        "--loss",
        "loss",
        "--optimizer",
        "sgd",
        "--out",
        path("ext.onnx"),
        "--json",
      ]);
      return [code, JSON.stringify(json["error"] ?? {})] as const;
    };
    expect((await run(external("good.onnx", "parts/w.bin")))[0]).toBe(0);
    symlinkSync(path("parts/w.bin"), path("link.bin"));
    for (const location of ["../w.bin", "link.bin"]) {
      const [code, error] = await run(external("bad.onnx", location));
      expect(code, location).toBe(3);
      expect(error, location).toContain(location);
    }
  });
});

describe("train-step and bench", () => {
  test("the step is what was promised, and its file runs alone", async () => {
    const out = path("step.onnx");
    const args = ["train-step", mlp, "--loss", "loss", "--optimizer", "adam", "--lr", "0.05", "--out", out, "--json"];
    const { code, json, stderr } = await paddock(args);
    expect([code, stderr]).toEqual([0, ""]);
    const inputs = (json["inputs"] as { name: string }[]).map((i) => i.name);
    expect(inputs.slice(0, 7)).toEqual(["x", "y", "lr", "t", "body.0.weight", "body.0.weight:m", "body.0.weight:v"]);
    const outputs = (json["outputs"] as { name: string }[]).map((i) => i.name);
    expect(outputs[0]).toBe("loss");
    expect(new Set(outputs.slice(1))).toEqual(new Set(inputs.filter((i) => !["x", "y", "lr"].includes(i)).map((i) => `next:${i}`)));
    expect(json["hyperparameters"]).toEqual({ lr: 0.05, weightDecay: 0, l2: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, amsgrad: false });
    expect(json["states"]).toContainEqual({ name: "t", dtype: "float32", shape: [], next: "next:t", initial: 1 });
    expect(json["states"]).toContainEqual({
      name: "body.0.weight",
      dtype: "float32",
      shape: [16, 5],
      next: "next:body.0.weight",
      initial: { initializer: "body.0.weight" },
    });

    const bench = await paddock(["bench", out, "--steps", "12", "--seed", "3", "--json"]);
    expect(bench.code).toBe(0);
    const { losses, stepMs, device, peakMemoryBytes } = bench.json as unknown as {
      losses: number[];
      stepMs: Record<string, number>;
      device: string;
      peakMemoryBytes: number;
    };
    expect(device).toBe("cpu");
    expect(losses).toHaveLength(12);
    expect(losses[11]!).toBeLessThan(losses[0]! * 0.8);
    expect(stepMs["p10"]!).toBeLessThanOrEqual(stepMs["median"]!);
    expect(peakMemoryBytes).toBeGreaterThan(1e7);
    expect((await paddock(["bench", out, "--steps", "12", "--seed", "3", "--json"])).json["losses"]).toEqual(losses);
  });

  test("trains only what is named; the file is one that any runtime can step", async () => {
    const out = path("two.onnx");
    await paddock(["train-step", mlp, "--loss", "loss", "--optimizer", "sgd", "--wrt", "body.5.bias", "--out", out, "--json"]);
    const session = await InferenceSession.create(out);
    expect(session.inputNames).toEqual(["x", "y", "lr", "t", "body.5.bias"]);
    const feeds = {
      x: new Tensor("float32", new Float32Array(10).fill(0.5), [2, 5]),
      y: new Tensor("int64", BigInt64Array.of(0n, 2n), [2]),
      lr: new Tensor("float32", [0.1], []),
      t: new Tensor("float32", [1], []),
      "body.5.bias": new Tensor("float32", [0, 0, 0], [3]),
    };
    const result = await session.run(feeds);
    expect(Object.keys(result)).toEqual(["loss", "next:body.5.bias", "next:t"]);
    expect(Number(result["next:t"]!.data[0])).toBe(2);
    await session.release();
  });

  test("a model that is no step, a device that is none", async () => {
    expect((await paddock(["bench", mlp, "--json"])).code).toBe(3);
    expect((await paddock(["bench", path("step.onnx"), "--device", "abacus", "--json"])).code).toBe(2);
    expect((await paddock(["train-step", mlp, "--loss", "loss", "--optimizer", "guess", "--out", path("n.onnx"), "--json"])).code).toBe(2);
  });

  test("the suite times nets by name, each in a process of its own; a Python that is none is said to be none", async () => {
    const args = ["bench", "suite", "--small", "--only", "gpt,mlp", "--steps", "4", "--threads", "1"];
    const { code, json } = await paddock([...args, "--no-peer", "--json"]);
    expect(code).toBe(0);
    const { entries, peer, median } = json as unknown as { entries: Record<string, unknown>[]; peer: unknown; median: unknown };
    expect(entries.map((e) => e["name"])).toEqual(["gpt", "mlp"]);
    for (const entry of entries) {
      expect(entry["losses"]).toHaveLength(4);
      expect(entry["threads"]).toBe(1);
      expect([entry["peer"], entry["ratio"]]).toEqual([null, null]);
    }
    expect([peer, median]).toEqual([null, null]);
    const none = await paddock([...args, "--peer", path("no-python"), "--json"]);
    expect([none.code, none.json["error"]]).toMatchObject([2, { code: "usage", data: { python: path("no-python") } }]);
    expect((await paddock(["bench", "suite", "--only", "abacus", "--no-peer", "--json"])).code).toBe(2);
    expect((await paddock(["bench", mlp, "--only", "gpt", "--json"])).code).toBe(2);
  });
});
