// What skl2onnx writes around networks, against the runtime's own operators; and a classifier in the form in which it writes MLPClassifier.
import { afterAll, expect, test } from "vitest";
import { type Attribute, type Dim, Graph } from "../onnx/graph.ts";
import { Builder } from "../ops/builder.ts";
import { OrtEngine } from "../run/onnxruntime.ts";
import { float32, int64, strings, type Tensor, toNumbers } from "../tensor.ts";
import { gradients } from "../train/gradient.ts";
import { normalize } from "./normalize.ts";
import { runPasses } from "./pass.ts";

const engine = new OrtEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const floats = (...value: number[]): Attribute => ({ type: "floats", value });
const ints = (...value: number[]): Attribute => ({ type: "ints", value });
const int = (value: number): Attribute => ({ type: "int", value });
const float = (value: number): Attribute => ({ type: "float", value });
const text = (value: string): Attribute => ({ type: "string", value });
const x = float32([2, 3], [1, -2, 0.5, 0, 4, 3]);

function graphOf(type: string, inputs: Tensor[], attrs: Record<string, Attribute>, outputs: [Tensor["dtype"], Dim[]][]): Graph {
  const g = new Graph(type);
  inputs.forEach((t, i) => g.addInput({ name: `x${i}`, dtype: t.dtype, dims: t.dims.map((d, axis): Dim => (axis === 0 && t.dims.length > 1 ? "N" : d)) })); // prettier-ignore
  g.addNode({ type, domain: "ai.onnx.ml", inputs: inputs.map((_, i) => `x${i}`), outputs: outputs.map((_, i) => `y${i}`), attrs });
  outputs.forEach(([dtype, dims], i) => g.addOutput({ name: `y${i}`, dtype, dims }));
  return g;
}

const values = (t: Tensor): unknown[] => (t.dtype === "string" ? t.data : toNumbers(t).map((v) => Number(v.toPrecision(5))));
const two: [Tensor["dtype"], Dim[]] = ["float32", ["N", "M"]];
const linear = { coefficients: floats(1, 2, 3, -1, 0.5, 0), intercepts: floats(0.5, -0.5) };

const cases: [string, Tensor[], Record<string, Attribute>, [Tensor["dtype"], Dim[]][]][] = [
  ["ArrayFeatureExtractor", [x, int64([2], [2, 0])], {}, [two]],
  ["Binarizer", [x], { threshold: float(0.4) }, [two]],
  ["FeatureVectorizer", [x, float32([2, 1], [7, 8])], { inputdimensions: ints(3, 1) }, [two]],
  ["Imputer", [float32([2, 3], [NaN, 1, 2, 3, NaN, NaN])], { imputed_value_floats: floats(5, 6, 7), replaced_value_float: float(NaN) }, [two]],
  ["LinearRegressor", [x], { ...linear, targets: int(2) }, [two]],
  ["LinearClassifier", [x], { ...linear, classlabels_ints: ints(3, 9), post_transform: text("SOFTMAX") }, [["int64", ["N"]], two]],
  ["LinearClassifier", [x], { ...linear, classlabels_strings: { type: "strings", value: ["a", "b"] }, post_transform: text("LOGISTIC") }, [["string", ["N"]], two]],
  ["Normalizer", [x], { norm: text("L2") }, [two]],
  ["Normalizer", [x], { norm: text("L1") }, [two]],
  ["Normalizer", [x], { norm: text("MAX") }, [two]],
  ["OneHotEncoder", [int64([2, 1], [4, 5])], { cats_int64s: ints(5, 4, 3), zeros: int(1) }, [["float32", ["N", 1, 3]]]],
  ["OneHotEncoder", [strings([2, 1], ["b", "?"])], { cats_strings: { type: "strings", value: ["a", "b"] }, zeros: int(1) }, [["float32", ["N", 1, 2]]]],
  ["Scaler", [x], { offset: floats(1, 2, 3), scale: floats(2, 0.5, 1) }, [two]],
  ["Scaler", [x], { offset: floats(1), scale: floats(2) }, [two]],
]; // prettier-ignore

test.each(cases)("%s", async (type, inputs, attrs, outputs) => {
  const old = graphOf(type, inputs, attrs, outputs);
  const plain = runPasses(old, normalize());
  expect(plain.nodes.map((n) => n.domain).filter((d) => d)).toEqual([]);
  const feeds = Object.fromEntries(inputs.map((t, i) => [`x${i}`, t]));
  const results = [];
  for (const each of [old, plain]) {
    const session = await engine.load(each);
    const out = await session.run(feeds);
    results.push(outputs.map((_, i) => ({ dims: out[`y${i}`]!.dims, values: values(out[`y${i}`]!) })));
    await session.dispose();
  }
  expect(results[1]).toEqual(results[0]);
});

/** MLPClassifier: scaled columns, one hidden layer, softmax; its label by ArgMax and ArrayFeatureExtractor, its probabilities by ZipMap. */
function classifier(): Graph {
  const g = new Graph("mlp");
  g.opsets.set("ai.onnx.ml", 1);
  g.addInput({ name: "X", dtype: "float32", dims: ["N", 3] });
  g.addInitializer("coefficient", float32([3, 4], [1, 2, -1, 0.5, 0.25, -2, 1, 1, 0, 1, -1, 2]), { trainable: true });
  g.addInitializer("intercepts", float32([1, 4], [0.1, 0.2, 0.3, 0.4]), { trainable: true });
  g.addInitializer("coefficient1", float32([4, 2], [1, -1, 0.5, 2, -0.5, 1, 0, 1]), { trainable: true });
  g.addInitializer("classes", int64([2], [10, 20]));
  g.addInitializer("shape_tensor", int64([1], [-1]));
  const ml = { domain: "ai.onnx.ml" };
  const scales = { offset: floats(0, 1, 0), scale: floats(1, 2, 1) };
  g.addNode({ type: "Scaler", ...ml, inputs: ["X"], outputs: ["variable"], attrs: scales });
  g.addNode({ type: "Cast", inputs: ["variable"], outputs: ["cast_input"], attrs: { to: int(1) } });
  g.addNode({ type: "MatMul", inputs: ["cast_input", "coefficient"], outputs: ["mul_result"] });
  g.addNode({ type: "Add", inputs: ["mul_result", "intercepts"], outputs: ["add_result"] });
  g.addNode({ type: "Relu", inputs: ["add_result"], outputs: ["next_activations"] });
  g.addNode({ type: "MatMul", inputs: ["next_activations", "coefficient1"], outputs: ["mul_result1"] });
  g.addNode({ type: "Softmax", inputs: ["mul_result1"], outputs: ["out_activations_result"], attrs: { axis: int(1) } });
  g.addNode({ type: "ArgMax", inputs: ["out_activations_result"], outputs: ["argmax_output"], attrs: { axis: int(1) } });
  g.addNode({ type: "ArrayFeatureExtractor", ...ml, inputs: ["classes", "argmax_output"], outputs: ["extractor_result"] });
  g.addNode({ type: "Cast", inputs: ["extractor_result"], outputs: ["cast2"], attrs: { to: int(1) } });
  g.addNode({ type: "Reshape", inputs: ["cast2", "shape_tensor"], outputs: ["reshaped_result"] });
  g.addNode({ type: "Cast", inputs: ["reshaped_result"], outputs: ["output_label"], attrs: { to: int(7) } });
  const labels = { classlabels_int64s: ints(10, 20) };
  g.addNode({ type: "ZipMap", ...ml, inputs: ["out_activations_result"], outputs: ["output_probability"], attrs: labels });
  g.addOutput({ name: "output_label", dtype: "int64", dims: ["N"] });
  g.addOutput({ name: "output_probability", dtype: "float32", dims: [] });
  return g;
}

test("MLPClassifier is read, answers and is differentiated", async () => {
  const graph = runPasses(classifier(), normalize());
  expect(graph.parameters).toEqual(["coefficient", "intercepts", "coefficient1"]);
  const g = new Builder(graph);
  const loss = g.neg(
    g.reduceMean(g.log(g.slice(g.value("output_probability"), { starts: [0], ends: [1], axes: [1] })), { keepdims: false }),
  );
  g.output(loss, "loss");
  for (const [name, dx] of gradients(g, loss, ["coefficient1", "X"])) g.output(dx, `grad:${name}`);
  const session = await engine.load(g.graph);
  const out = await session.run({ X: x });
  const probabilities = toNumbers(out["output_probability"]!);
  expect(out["output_probability"]!.dims).toEqual([2, 2]);
  expect(toNumbers(out["output_label"]!)).toEqual([0, 1].map((i) => (probabilities[2 * i]! >= probabilities[2 * i + 1]! ? 10 : 20)));
  const slope = async (shift: number) => toNumbers((await session.run({ X: float32([2, 3], x.data.map((v, i) => (i === 0 ? v + shift : v)) as Float32Array) }))["loss"]!)[0]!; // prettier-ignore
  expect(toNumbers(out["grad:X"]!)[0]).toBeCloseTo(((await slope(1e-2)) - (await slope(-1e-2))) / 2e-2, 3);
  expect(toNumbers(out["grad:coefficient1"]!).some((v) => Math.abs(v) > 1e-3)).toBe(true);
  await session.dispose();
});
