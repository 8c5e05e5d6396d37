// Anybody's ONNX file: what its card says, and how it is asked. Small models of our own; real ones where they lie beside the checkout.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { AppError } from "../../ipc/error.ts";
import { openForeign } from "../../worker/run/foreign.ts";
import { askModel } from "../../worker/run/askModel.ts";
import { predictForeign } from "../../worker/run/predictForeign.ts";
import { inspectModel } from "../../worker/train/inspectModel.ts";
import { shared } from "../shared.ts";
import { byColumn, classifier, negative, pictureNet, regressor, rounded, texts } from "../smallModels.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-shelf-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const cache = join(folder, "cache");
const file = (name: string, content: string | Buffer) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const refusal = async (work: Promise<unknown>): Promise<AppError> => {
  const thrown: unknown = await work.then(
    () => new Error("it was taken"),
    (error: unknown) => error,
  );
  if (thrown instanceof AppError) return thrown;
  throw thrown;
};
const picture = async (name: string, colour: string, width = 20, height = 12) =>
  file(name, await sharp({ create: { width, height, channels: 3, background: colour } }).png().toBuffer()); // prettier-ignore

describe("the card", () => {
  test("says what goes in and out, the weights, the classes, the licence and what can be taught", async () => {
    const card = await inspectModel(classifier(folder));
    expect(card).toMatchObject({
      kind: "model",
      format: "onnx",
      family: "mlp",
      parameters: 2 * 8 + 8 + 8 * 3 + 3,
      bits: 32,
      inputs: [{ name: "x", dtype: "float32", dims: ["n", 2], use: "numbers" }],
      outputs: [{ name: "shares", dtype: "float32", dims: ["n", 3] }],
      labels: ["low", "mid", "high"],
      about: { licence: "MIT", author: "a test" },
      columns: 2,
      training: { full: { fits: true }, head: { fits: true } },
      problems: [],
    });
    expect(card.backbone).toBeUndefined();
    expect(card.operators).toContainEqual({ name: "MatMul", count: 2, gradient: "rule" });
    expect(card.memory.total).toBeGreaterThan(card.memory.weights + card.memory.activations!);
    expect(card.measured).toEqual({ ms: expect.any(Number) });
    expect(card.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  test("of a network of pictures has its features; with open sides too", async () => {
    const card = await inspectModel(pictureNet(folder));
    expect(card).toMatchObject({
      backbone: { size: 16, channels: 3, features: 6, tunable: true },
      pixels: "0..1",
      labels: ["dark", "light"],
    });
    expect(card.inputs[0]!.use).toBe("picture");
    expect((await inspectModel(pictureNet(folder, "side", "open.onnx"))).backbone?.size).toBe(224);
  });

  test("names the operator that a gradient does not pass, and says that pictures are answered", async () => {
    const card = await inspectModel(rounded(folder));
    expect(card.training.full).toMatchObject({ fits: false, why: expect.stringContaining("DynamicQuantizeLinear") });
    expect(card.operators).toContainEqual(expect.objectContaining({ name: "DynamicQuantizeLinear", gradient: "none" }));
    const drawing = await inspectModel(negative(folder));
    expect(drawing).toMatchObject({
      family: "graph",
      outputs: [{ use: "picture" }],
      training: { full: { fits: false, why: "It has no float32 weight that could learn." } },
    });
    expect(drawing.backbone).toBeUndefined();
  });

  const real = shared("models/onnx");
  test.skipIf(!real)("of real models", async () => {
    const iris = await inspectModel(join(real!, "ort_samples/logreg_iris.onnx"));
    expect(iris).toMatchObject({ family: "linear", labels: ["0", "1", "2"], training: { full: { fits: false } } });
    const resnet = await inspectModel(join(real!, "cifar10_resnet20/resnet20.onnx"), { measure: false });
    expect(resnet).toMatchObject({ family: "resnet", backbone: { size: 32, features: 64, tunable: true }, about: { producer: "pytorch" } });
    const whole = await inspectModel(join(real!, "use_lite_en_int8/model_quantized.onnx"), { measure: false });
    expect(whole).toMatchObject({ bits: 8, family: "transformer", training: { full: { fits: false } } });
  });
});

describe("files that are no models, or hostile ones", () => {
  const whole = () => readFileSync(classifier(folder));
  test.each([
    ["text", () => Buffer.from("label,price\n1,2\n"), "modelInvalid"],
    ["nothing", () => Buffer.alloc(0), "fileEmpty"],
    ["half a model", () => whole().subarray(0, 200), "modelInvalid"],
    ["chance", () => Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * 7919) % 251)), "modelInvalid"],
  ])("%s is refused by name", async (name, bytes, code) => {
    const path = file("bad.onnx", bytes());
    for (const work of [inspectModel(path), predictForeign(path, { file: path, cache })]) {
      const error = await refusal(work);
      expect([error.code, error.exitCode], name).toEqual([code, 3]);
      expect(`${error.message} ${error.data["file"]}`).toContain("bad.onnx");
    }
  });

  test("an operator that nobody knows is named", async () => {
    const bytes = Buffer.from(whole().toString("latin1").replaceAll("Softmax", "Softmix"), "latin1");
    const error = await refusal(inspectModel(file("odd.onnx", bytes)));
    expect(error).toMatchObject({ code: "operatorUnknown", data: { operator: "Softmix" } });
  });
});

describe("asked", () => {
  test("about rows of a table: classes by name, numbers by column", async () => {
    const rows = file("rows.csv", "a,b,c\n1,2,x\n3,4,y\n5,,z\n");
    const { predictions } = await predictForeign(byColumn(folder), { file: rows, cache });
    expect(predictions).toEqual([
      { row: 1, prediction: 4 },
      { row: 2, prediction: 10 },
      { row: 3, prediction: NaN },
    ]);
    const out = join(folder, "out.csv");
    const classes = await predictForeign(classifier(folder), { file: file("two.csv", "a,b\n1,2\n3,4\n"), cache, out });
    expect(Object.keys(classes.predictions[0]!.probabilities!)).toEqual(["low", "mid", "high"]);
    expect(readFileSync(out, "utf8").split("\r\n")[0]).toBe("a,b,prediction,probability low,probability mid,probability high");
    expect(["low", "mid", "high"]).toContain(classes.predictions[1]!.prediction);
  });

  test("about columns that are not there, or are too many", async () => {
    expect(await refusal(predictForeign(byColumn(folder), { file: file("a.csv", "a\n1\n2\n"), cache }))).toMatchObject({
      code: "columnMissing",
      message: expect.stringContaining("'b'"),
    });
    expect(await refusal(predictForeign(classifier(folder), { file: file("three.csv", "a,b,c\n1,2,3\n"), cache }))).toMatchObject({
      code: "shapeMismatch",
      message: expect.stringContaining("takes 2 numbers a row"),
    });
  });

  test("with tensors of JSON and NumPy, and with texts", async () => {
    const json = await predictForeign(regressor(folder), { file: file("x.json", "[[1, 2], [3, 4], [5, 6]]"), cache });
    expect(json.predictions[0]!.outputs![0]).toMatchObject({ name: "y", dims: [3, 1], shown: "values" });
    const head = Buffer.from("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }".padEnd(117) + "\n");
    const npy = Buffer.concat([
      Buffer.from("\x93NUMPY\x01\x00v\x00", "latin1"),
      head,
      Buffer.from(new Float64Array([1, 2, 3, 4, 5, 6]).buffer),
    ]);
    const same = await predictForeign(regressor(folder), { file: file("x.npy", npy), cache });
    expect(same.predictions[0]!.outputs).toEqual(json.predictions[0]!.outputs);
    expect(await refusal(predictForeign(regressor(folder), { file: file("cut.npy", npy.subarray(0, 140)), cache }))).toMatchObject({
      code: "fileBroken",
    });
    expect(await refusal(predictForeign(regressor(folder), { file: file("odd.json", "[[1, 2], [3]]"), cache }))).toMatchObject({
      code: "valueInvalid",
    });
    const words = await predictForeign(texts(folder), { file: file("lines.txt", "good\n\nbad\n"), cache });
    expect(words.predictions.map(({ prediction }) => prediction)).toEqual(["good", "bad"]);
  });

  test("about pictures: a folder in its order, the broken one told", async () => {
    const set = join(folder, "set");
    mkdirSync(set, { recursive: true });
    for (const [name, colour] of [
      ["a", "#111"],
      ["b", "#eee"],
    ])
      // prettier-ignore
      writeFileSync(join(set, `${name}.png`), readFileSync(await picture("p.png", colour!)));
    writeFileSync(join(set, "c.png"), "no picture");
    const { rows, predictions, problems } = await predictForeign(pictureNet(folder), { file: set, cache });
    expect([rows, predictions.map((one) => one.file)]).toEqual([2, ["a.png", "b.png"]]);
    expect(predictions[0]).toMatchObject({ pixels: { range: "0..1", chosen: "file", width: 16, height: 16 } });
    expect(Object.keys(predictions[0]!.probabilities!).sort()).toEqual(["dark", "light"]);
    expect(problems).toMatchObject([{ file: "c.png", code: "pictureInvalid" }]);
  });

  test("for a picture: what is drawn is the answer, at the picture's own size, its range found", async () => {
    const out = join(folder, "negative.png");
    const { predictions } = await predictForeign(negative(folder), { file: await picture("red.png", "#ff0000"), cache, out });
    expect(predictions[0]).toMatchObject({ prediction: out, pixels: { range: "0..255", chosen: "tried", width: 20, height: 12 } });
    const { data, info } = await sharp(out).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, ...data.subarray(0, 3)]).toEqual([20, 12, 0, 255, 255]);
  });

  test("by a form: fillings, numbers and open lengths, by name", async () => {
    const model = await openForeign(classifier(folder));
    try {
      const { outputs } = await askModel(model, { feeds: { x: { numbers: "1, 2" } } });
      expect(outputs[0]).toMatchObject({ shown: "classes", probabilities: true, dims: [1, 3] });
      expect(outputs[0]!.top).toHaveLength(3);
      const many = await askModel(model, { feeds: { x: { fill: "random" } }, sizes: { n: 40 } });
      expect(many.outputs[0]).toMatchObject({ dims: [40, 3], shown: "tensor", summary: { count: 120 } });
      expect(await refusal(askModel(model, { feeds: { y: { fill: "ones" } } }))).toMatchObject({ code: "usage" });
      expect(await refusal(askModel(model, { feeds: { x: { numbers: "1, two" } } }))).toMatchObject({ code: "valueInvalid" });
      expect(await refusal(askModel(model, { feeds: { x: { numbers: "1 2 3" } } }))).toMatchObject({ code: "shapeMismatch" });
    } finally {
      await model.dispose();
    }
  });
});
