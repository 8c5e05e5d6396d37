// A run of each kind of data taken away in each form: what is written answers as the trained model does, and what does not is not left behind.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExportForm, TrainSpec } from "../../ipc/types.ts";
import { decodeModel, encodeModel } from "../../worker/onnx/proto.ts";
import { rewrite } from "../../worker/passes/rewrite.ts";
import { createWorker } from "../../worker/serve.ts";
import { float32 } from "../../worker/tensor.ts";
import { classFolders, writeFolder } from "../train/pictures.ts";
import { csvText } from "./tables.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-forms-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const signal = () => new AbortController().signal;

const rows = Array.from({ length: 300 }, (_, i) => {
  const size = (i * 7919) % 100;
  const day = `${1 + (i % 28)}.${1 + (i % 12)}.2021`;
  const score = size / 50 + (i % 3) + (i % 12 > 6 ? 1 : 0);
  return [i % 11 ? `${size}` : "", ["red", "green", "blue"][i % 3]!, day, score > 2 ? "yes" : "no", `${score * 1000}`];
});
const names = ["size", "colour, plain", "day", "answer", "price"];

async function dataOf(kind: string): Promise<TrainSpec> {
  const file = join(folder, `${kind}.csv`);
  const short = { epochs: kind === "classes" ? 3 : 1, seed: 2 };
  switch (kind) {
    case "classes":
      await writeFile(file, csvText(names.slice(0, 4), rows.map((row) => row.slice(0, 4)))); // prettier-ignore
      return { data: file, target: "answer", task: "classification", ...short };
    case "numbers":
      await writeFile(file, csvText([...names.slice(0, 3), "price"], rows.map((row) => [...row.slice(0, 3), row[4]!]))); // prettier-ignore
      return { data: file, target: "price", task: "regression", ...short };
    case "texts":
      await writeFile(file, csvText(["text", "label"], rows.map(([size, colour], i) => [`the ${colour} fox saw ${size} 只狐狸 and ran ${i}`, i % 2 ? "odd" : "even"]))); // prettier-ignore
      return { data: file, target: "label", task: "text", ...short };
    default:
      await writeFolder(join(folder, kind), await classFolders(9));
      return { data: join(folder, kind), ...short };
  }
}

describe.each(["classes", "numbers", "texts", "pictures"])("a run on %s", (kind) => {
  const worker = createWorker(() => undefined);
  const run = () => join(folder, `run-${kind}`);
  const out = (to: string) => join(folder, `${kind}-${to}`);
  const take = (to: ExportForm, place = out(to)) =>
    worker.handlers.exportRun({ run: run(), to, out: place, cache: join(folder, "cache") }, signal());
  beforeAll(async () => {
    await worker.handlers.train({ run: run(), spec: await dataOf(kind), cache: join(folder, "cache") }, signal());
  }, 120_000);
  afterAll(() => worker.dispose());

  test("as it is, with what stands beside it", async () => {
    const place = join(folder, `${kind}.onnx`);
    const { files, compared } = await take("onnx", place);
    expect(readFileSync(place).equals(readFileSync(join(run(), "model.onnx")))).toBe(true);
    expect(files).toEqual(kind === "texts" ? [`${kind}.onnx`, "tokenize.mjs"] : [`${kind}.onnx`]);
    expect(compared).toMatchObject({ of: "bytes", difference: 0 });
  });

  test("in 8 bits: smaller, and about as good; it answers like any model of ours", async () => {
    const place = join(folder, `${kind}-int8.onnx`);
    const { compared, bytes, modelBytes } = await take("onnx-int8", place);
    expect(bytes).toBeLessThan(0.6 * modelBytes);
    expect(compared).toMatchObject({ part: "test", of: kind === "numbers" ? "values" : "probabilities" });
    expect(compared.metric!.before - compared.metric!.after).toBeLessThanOrEqual(0.02);
    expect(compared.difference).toBeGreaterThan(0);
    if (kind === "classes") expect((await worker.handlers.form({ run: place }, signal())).classes).toEqual(["no", "yes"]);
  });

  test("for TensorFlow.js: a folder that answers the same from what people write", async () => {
    const { compared, files } = await take("tfjs");
    expect(files).toEqual(expect.arrayContaining(["model.json", "preprocess.mjs", "README.md", "example.html"]));
    expect(compared.difference).toBeLessThan(kind === "numbers" ? 0.2 : 1e-4);
    expect(compared.metric!.after).toBeCloseTo(compared.metric!.before, 4);
  });

  test("its weights by name", async () => {
    const { compared } = await take("safetensors");
    const config = JSON.parse(readFileSync(join(out("safetensors"), "config.json"), "utf8")) as { weights: Record<string, number[]> };
    expect(Object.keys(config.weights)).toHaveLength(compared.count);
    expect(Object.keys(config.weights)).toContain(kind === "texts" ? "pieces.table" : "out.weight");
  });
});

test("a model whose answers suffer in 8 bits is not left; nor is one without its data", async () => {
  const worker = createWorker(() => undefined);
  const run = join(folder, "run-classes");
  const cache = join(folder, "cache");
  const place = join(folder, "refused");
  const take = (from: string, to: ExportForm) => worker.handlers.exportRun({ run: from, to, out: place, cache }, signal());
  const model = join(run, "model.onnx");
  const whole = readFileSync(model);
  // The last logits through a matrix that leaves them as they are, and whose other numbers are so large that they vanish when it is rounded.
  const graph = decodeModel(whole);
  const last = graph.nodes.findLast((node) => node.type === "Softmax")!;
  const side = 64;
  const matrix = Float32Array.from({ length: side * side }, (_, i) =>
    Math.floor(i / side) === side - 1 ? 1e6 : i % side === Math.floor(i / side) ? 1 : 0,
  );
  const spoilt = rewrite(graph, (g, node, x) => {
    if (node.outputs[0] !== last.outputs[0]) return undefined;
    const wide = g.pad(x[0]!, [{ axis: 1, before: 0, after: side - 2 }]);
    const same = g.matmul(wide, g.constant(float32([side, side], matrix), "spoilt"));
    return [g.softmax(g.slice(same, { starts: [0], ends: [2], axes: [1] }))];
  });
  await writeFile(model, encodeModel(spoilt));
  await expect(take(run, "onnx-int8")).rejects.toMatchObject({ code: "exportDiffers", data: { metric: "accuracy" } });
  await writeFile(model, whole);

  const alone = join(folder, "alone.onnx");
  await writeFile(alone, whole);
  await expect(take(alone, "tfjs")).rejects.toMatchObject({ code: "usage" });
  await writeFile(join(folder, "classes.csv"), csvText(names.slice(0, 4), rows.slice(1).map((row) => row.slice(0, 4)))); // prettier-ignore
  await expect(take(run, "onnx-int8")).rejects.toMatchObject({ code: "fileChanged" });
  expect(existsSync(place)).toBe(false);
  expect(readdirSync(folder).filter((name) => name.endsWith(".draft"))).toEqual([]);
  await worker.dispose();
});
