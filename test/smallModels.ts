// Small networks as files, made by our own builder, for tests of imported models.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeModel } from "../worker/onnx/proto.ts";
import { Builder, type Value } from "../worker/ops/builder.ts";
import { Random } from "../worker/random.ts";

const drawn = (g: Builder, name: string, dims: number[], scale = 0.5): Value => {
  const random = new Random(7, name);
  return g.parameter(
    name,
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => scale * random.normal()),
  );
};

function write(folder: string, name: string, g: Builder, metadata: Record<string, string> = {}): string {
  for (const [key, value] of Object.entries(metadata)) g.graph.metadata.set(key, value);
  const path = join(folder, name);
  writeFileSync(path, encodeModel(g.graph));
  return path;
}

/** x (n, 2) → two layers → shares of three classes (n, 3), their names in the metadata. */
export function classifier(
  folder: string,
  metadata: Record<string, string> = { classes: '["low","mid","high"]', licence: "MIT", author: "a test" },
): string {
  const g = new Builder("classifier");
  const x = g.input("x", "float32", ["n", 2]);
  const hidden = g.relu(g.add(g.matmul(x, drawn(g, "w1", [2, 8])), drawn(g, "b1", [8])));
  g.output(g.softmax(g.add(g.matmul(hidden, drawn(g, "w2", [8, 3])), drawn(g, "b2", [3]))), "shares");
  return write(folder, "classifier.onnx", g, metadata);
}

/** x (n, columns) → two layers → one number (n, 1). */
export function regressor(folder: string, columns = 2): string {
  const g = new Builder("regressor");
  const x = g.input("x", "float32", ["n", columns]);
  const hidden = g.tanh(g.add(g.matmul(x, drawn(g, "w1", [columns, 8])), drawn(g, "b1", [8])));
  g.output(g.add(g.matmul(hidden, drawn(g, "w2", [8, 1])), drawn(g, "b2", [1])), "y");
  return write(folder, columns === 2 ? "regressor.onnx" : `regressor${columns}.onnx`, g);
}

/** a (n, 1) and b (n, 1) → 2a + b (n, 1). */
export function byColumn(folder: string): string {
  const g = new Builder("by column");
  const [a, b] = ["a", "b"].map((name) => g.input(name, "float32", ["n", 1]));
  g.output(g.add(g.mul(a!, 2), b!), "sum");
  return write(folder, "byColumn.onnx", g);
}

/** pictures (n, 3, side, side) → a convolution, the mean over places → scores of two classes. */
export function pictureNet(folder: string, side: number | string = 16, name = "pictures.onnx"): string {
  const g = new Builder("pictures");
  const x = g.input("x", "float32", ["n", 3, side, side]);
  const maps = g.relu(g.op("Conv", [x, drawn(g, "k", [6, 3, 3, 3])], { pads: [1, 1, 1, 1] }));
  const features = g.reduceMean(maps, { axes: [2, 3], keepdims: false });
  g.output(g.softmax(g.matmul(features, drawn(g, "w", [6, 2]))), "shares");
  return write(folder, name, g, { pixels: "0..1", classes: "dark\nlight" });
}

/** A picture (1, 3, h, w) of 0 … 255 turned into its negative. */
export function negative(folder: string): string {
  const g = new Builder("negative");
  g.output(g.sub(255, g.input("x", "float32", [1, 3, "h", "w"])), "y");
  return write(folder, "negative.onnx", g);
}

/** Texts (n) as they are. */
export function texts(folder: string): string {
  const g = new Builder("texts");
  g.output(g.op("Identity", [g.input("text", "string", ["n"])]), "same");
  return write(folder, "texts.onnx", g);
}

/** x (n, 2) times weights, then rounded to levels that move with it: a gradient stops there. */
export function rounded(folder: string): string {
  const g = new Builder("rounded");
  const scaled = g.mul(g.input("x", "float32", ["n", 2]), drawn(g, "w", [2]));
  const [levels] = g.op("DynamicQuantizeLinear", [scaled], {}, { outputs: 3 });
  g.output(g.mul(g.cast(levels!, "float32"), 2), "y");
  return write(folder, "rounded.onnx", g);
}
