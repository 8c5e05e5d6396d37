// The promises of train-step, one by one, through the command line: order, states, names, what is refused and how.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { writeStep } from "../../worker/train/graphFiles.ts";
import { stepSpec } from "../stepSpec.ts";
import { encodeModel } from "../../worker/onnx/proto.ts";
import { Builder, type Value } from "../../worker/ops/builder.ts";
import { fromNumbers, type Tensor as Plain } from "../../worker/tensor.ts";
import { root } from "../shared.ts";
import { home, paddock } from "./setUp.ts";

const path = (name: string) => join(home, name);
type Told = { name: string; shape: unknown; dtype: string }[];

/** y = x w + b with a mean square as its loss; names and types as asked. */
function model(
  file: string,
  given: { w?: string; b?: string; x?: string; dtype?: "float32" | "float64" | "float16"; dropout?: boolean; inner?: string } = {},
) {
  const { w = "w", b = "b", x = "x", dtype = "float32", dropout, inner } = given;
  const g = new Builder("made");
  const put = (name: string, dims: number[], values: number[]): Value => {
    const tensor: Plain = fromNumbers(dtype, dims, values);
    g.graph.addInitializer(name, tensor, { trainable: true });
    return g.value(name);
  };
  const input = g.input(x, dtype, ["N", 3]);
  const product = g.matmul(input, put(w, [3, 2], [0.5, -0.25, 0.75, 1, -0.5, 0.125]));
  const named = inner ? g.op("Identity", [product], {}, { names: [inner] }) : product;
  let y = g.add(named, put(b, [2], [0.1, -0.2]));
  if (dropout) y = g.dropout(y, 0.5);
  g.output(y, "y");
  g.output(g.reduceMean(g.square(y), { keepdims: false }), "loss");
  writeFileSync(path(file), encodeModel(g.graph));
  return path(file);
}

const trainStep = (file: string, ...more: string[]) =>
  paddock(["train-step", file, "--loss", "loss", "--optimizer", "adamw", "--out", path("made.onnx"), "--json", ...more]);
/** The same without a process: what would be printed, and the exit code. */
async function made(file: string, ...more: string[]): Promise<{ code: number; json: Record<string, unknown> }> {
  try {
    const args = [file, "--loss", "loss", "--optimizer", "adamw", "--out", path("made.onnx"), ...more];
    return { code: 0, json: { ...(await writeStep(stepSpec(args))) } };
  } catch (thrown) {
    const error = AppError.from(thrown);
    return { code: error.exitCode, json: { error: { message: error.message, hint: error.hint } } };
  }
}
const names = (told: unknown) => (told as Told).map((v) => v.name);

test("inputs: the model's, lr, t, each parameter with its moments; outputs: the loss and each of them again", async () => {
  const { code, json, stderr } = await trainStep(model("plain.onnx"), "--weight-decay", "0.1");
  expect([code, stderr]).toEqual([0, ""]);
  expect(names(json["inputs"])).toEqual(["x", "lr", "t", "w", "w:m", "w:v", "b", "b:m", "b:v"]);
  expect(names(json["outputs"])).toEqual(["loss", "next:w", "next:b", "next:w:m", "next:w:v", "next:b:m", "next:b:v", "next:t"]);
  expect(json["inputs"]).toContainEqual({ name: "w:v", dtype: "float32", shape: [3, 2] });
  expect(json["hyperparameters"]).toMatchObject({ lr: 1e-3, weightDecay: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, amsgrad: false });
  expect(json["parameters"]).toEqual(["w", "b"]);
  expect((json["states"] as { name: string; initial: unknown }[]).map((s) => [s.name, s.initial])).toEqual([
    ["w", { initializer: "w" }],
    ["b", { initializer: "b" }],
    ["w:m", 0],
    ["w:v", 0],
    ["b:m", 0],
    ["b:v", 0],
    ["t", 1],
  ]);
});

test("states that are no moment of one parameter, and that begin elsewhere, are told too", async () => {
  const nadam = await made(model("plain.onnx"), "--optimizer", "nadam");
  expect(names(nadam.json["inputs"])).toEqual(["x", "lr", "t", "w", "w:m", "w:v", "b", "b:m", "b:v", "nadam:mu"]);
  expect(nadam.json["states"]).toContainEqual({ name: "nadam:mu", dtype: "float32", shape: [], next: "next:nadam:mu", initial: 1 });
  expect(nadam.json["hyperparameters"]).toMatchObject({ lr: 2e-3, momentumDecay: 4e-3 });
  const free = await made(model("plain.onnx"), "--optimizer", "schedulefree");
  expect(free.json["states"]).toContainEqual({
    name: "w:z",
    dtype: "float32",
    shape: [3, 2],
    next: "next:w:z",
    initial: { initializer: "w" },
  });
  const muon = await made(model("plain.onnx"), "--optimizer", "muon");
  expect(names(muon.json["inputs"])).toEqual(["x", "lr", "t", "w", "w:m", "b", "b:m", "b:v"]);
  expect(muon.json["hyperparameters"]).toMatchObject({
    others: "adamw",
    weightDecay: 0.1,
    othersWeightDecay: 0.01,
    nesterov: true,
    nsSteps: 5,
  });
});

test("another program's runtime loads the step and warns of nothing", async () => {
  await made(model("plain.onnx"));
  const script = `require("onnxruntime-node").InferenceSession.create(${JSON.stringify(path("made.onnx"))}).then((s) => console.log(s.inputNames.join()))`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["-e", script], { cwd: root });
  expect(stderr).toBe("");
  expect(stdout.trim()).toBe("x,lr,t,w,w:m,w:v,b,b:m,b:v");
});

test("bench: the same losses every time, the state carried on", async () => {
  await made(model("plain.onnx"), "--lr", "0.05");
  const bench = (...more: string[]) => paddock(["bench", path("made.onnx"), "--steps", "8", "--json", ...more]);
  const { code, json, stderr } = await bench();
  expect([code, stderr]).toEqual([0, ""]);
  const losses = json["losses"] as number[];
  expect(losses[7]!).toBeLessThan(losses[0]!);
  expect((await bench()).json["losses"]).toEqual(losses);
  expect((await bench("--seed", "5")).json["losses"]).not.toEqual(losses);
});

test("float64 is trained in float64", async () => {
  const { code, json } = await made(model("double.onnx", { dtype: "float64" }), "--clip-norm", "1");
  expect(code).toBe(0);
  expect(json["inputs"]).toContainEqual({ name: "w:m", dtype: "float64", shape: [3, 2] });
  expect(json["inputs"]).toContainEqual({ name: "lr", dtype: "float32", shape: [] });
  const bench = await paddock(["bench", path("made.onnx"), "--steps", "5", "--json"]);
  expect(bench.code).toBe(0);
  expect((bench.json["losses"] as number[]).every(Number.isFinite)).toBe(true);
});

describe("names", () => {
  test("odd ones stay as they are", async () => {
    const file = model("odd.onnx", { w: "layer 1/größe:0", b: "::b::", x: "входы" });
    const { code, json } = await made(file, "--wrt", "layer 1/größe:0,::b::");
    expect(code).toBe(0);
    expect(names(json["inputs"]).slice(0, 5)).toEqual(["входы", "lr", "t", "layer 1/größe:0", "layer 1/größe:0:m"]);
    expect((await paddock(["bench", path("made.onnx"), "--steps", "3", "--json"])).code).toBe(0);
  });

  test.each(["t", "lr", "seed", "w:m", "next:w"])("a value inside the model that is called %s makes room", async (inner) => {
    const { code, json } = await made(model("inner.onnx", { inner, dropout: true }));
    expect(code).toBe(0);
    expect(names(json["inputs"])).toEqual(["x", "lr", "t", "seed", "w", "w:m", "w:v", "b", "b:m", "b:v"]);
    const session = await InferenceSession.create(path("made.onnx"));
    expect(session.inputNames).toHaveLength(10);
    await session.release();
  });

  test.each([
    ["parameter lr", { b: "lr" }, "'lr'"],
    ["parameter t", { w: "t" }, "'t'"],
    ["parameter w:m beside w", { b: "w:m" }, "'w:m'"],
    ["input t", { x: "t" }, "'t'"],
    ["input seed where there is dropout", { x: "seed", dropout: true }, "'seed'"],
  ])("refused: %s", async (_, given, name) => {
    const { code, json } = await made(model("taken.onnx", given));
    expect(code).toBe(3);
    expect(json["error"]).toMatchObject({ message: expect.stringContaining(name), hint: expect.stringContaining("Rename it") });
  });

  test("an input called seed is one where nothing is drawn", async () => {
    const { code, json } = await made(model("seed.onnx", { x: "seed" }));
    expect(code).toBe(0);
    expect(names(json["inputs"])[0]).toBe("seed");
  });
});

describe("refused", () => {
  const refusals: [string, string[], number, RegExp][] = [
    ["a setting that it does not have", ["--beta2", "0.9", "--optimizer", "sgd"], 2, /no setting 'beta2'.*It has: weightDecay, l2/],
    ["a word for a number", ["--set", "eps=tiny"], 2, /'eps' cannot be "tiny"/],
    ["a word that is none of its own", ["--optimizer", "muon", "--set", "adjustLr=guess"], 2, /match_rms_adamw/],
    ["a loss that is not there", ["--loss", "lost"], 3, /no output 'lost'.*y, loss/],
    ["a loss that is many numbers", ["--loss", "y"], 3, /must be one float, not float32\[N, 2\].*mean or sum/],
    ["a loss that is no output", ["--loss", "w"], 3, /no output 'w'/],
    ["to train an input", ["--wrt", "x"], 3, /only initializers can be trained/],
    ["to train what is not there", ["--wrt", "nobody"], 3, /nobody.*w, b/],
  ];
  test.each(refusals)("%s", async (_, flags, exit, said) => {
    const { code, json } = await made(model("plain.onnx"), ...flags);
    expect(code).toBe(exit);
    const { message, hint } = json["error"] as Record<string, string>;
    expect(`${message} ${hint}`).toMatch(said);
  });

  test("by the command itself: exit codes, and one JSON object", async () => {
    for (const [flags, exit, said] of [
      [["--optimizer", "guess"], 2, "schedulefree"],
      [["--set", "eps"], 2, "name and a value"],
      [["--optimizer", "sgd", "--amsgrad"], 2, "no setting 'amsgrad'"],
      [["--loss", "y"], 3, "one float"],
    ] as const) {
      const { code, stdout, json } = await trainStep(model("plain.onnx"), ...flags);
      expect(code, flags.join(" ")).toBe(exit);
      expect(stdout.trim().split("\n")).toHaveLength(1);
      expect(JSON.stringify(json["error"])).toContain(said);
    }
  });

  test("float16 is not trained, and why", async () => {
    const { code, json } = await made(model("half.onnx", { dtype: "float16" }));
    expect(code).toBe(3);
    expect(json["error"]).toMatchObject({ message: expect.stringContaining("float16"), hint: expect.stringContaining("float32") });
  });
});

test("the seed of dropout is a state that stays", async () => {
  const { json } = await made(model("drop.onnx", { dropout: true }), "--seed", "7");
  expect(json["states"]).toContainEqual({ name: "seed", dtype: "int64", shape: [], next: null, initial: 7 });
  const session = await InferenceSession.create(path("made.onnx"));
  const feeds = Object.fromEntries(
    (json["inputs"] as Told).map(({ name, dtype, shape }) => {
      const dims = (shape as (number | string)[]).map((d) => (typeof d === "number" ? d : 64));
      const size = dims.reduce((a, b) => a * b, 1);
      return [
        name,
        dtype === "int64"
          ? new Tensor("int64", new BigInt64Array(size).fill(7n), dims)
          : new Tensor("float32", new Float32Array(size).fill(1), dims),
      ];
    }),
  );
  const at = async (t: number) => Number((await session.run({ ...feeds, t: new Tensor("float32", [t], []) }))["loss"]!.data[0]);
  expect(await at(1)).toBe(await at(1));
  expect(await at(1)).not.toBe(await at(2));
  await session.release();
});
