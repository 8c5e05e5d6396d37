// Runs on pictures from end to end: from scratch and on an imported network, from folders, tables of labels and archives, and what their
// model answers afterwards.
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { create as createTar } from "tar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ZipFile } from "yazl";
import type { RunMistakes, RunRecord, RunReport, TrainSpec } from "../../ipc/types.ts";
import { decodeModel } from "../../worker/onnx/proto.ts";
import { evaluatePictures } from "../../worker/run/evaluatePictures.ts";
import { wherePicture } from "../../worker/run/occlusion.ts";
import { openPicturePredictor } from "../../worker/run/pictureModel.ts";
import { predictPictures } from "../../worker/run/predictPictures.ts";
import { Control } from "../../worker/train/control.ts";
import { kindOf, kinds } from "../../worker/train/kinds/index.ts";
import { trainRun } from "../../worker/train/run.ts";
import { shared } from "../shared.ts";
import { backboneBytes, classFolders, draw, png, shapes, writeFolder } from "./pictures.ts";

let home: string;
let cache: string;
let data: string;
let fresh: string;
let backbone: string;
let files: Record<string, Buffer>;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "paddock-pictures-run-"));
  cache = join(home, "cache");
  files = await classFolders(40);
  data = await writeFolder(join(home, "shapes"), files);
  fresh = await writeFolder(join(home, "fresh"), await classFolders(10, 1000));
  backbone = join(home, "backbone.onnx");
  await writeFile(backbone, backboneBytes());
});
afterAll(() => rm(home, { recursive: true, force: true }));

let count = 0;
async function train(spec: Partial<TrainSpec>, signal = new AbortController().signal, run = join(home, `run${count++}`)) {
  const result = await trainRun({
    run,
    spec: { data, ...spec },
    cache,
    signal,
    control: new Control(signal),
    onProgress: () => {},
    onPoint: () => {},
  });
  return { run, result, report: JSON.parse(await readFile(join(run, "report.json"), "utf8")) as RunReport };
}

/** The trained run that most tests look at. */
let transfer: Awaited<ReturnType<typeof train>>;
beforeAll(async () => void (transfer = await train({ model: backbone, steps: 250 })));

describe("on an imported network", () => {
  test("a head is learned from its features; the range of pixels is tried out and shown", async () => {
    const { result, report } = transfer;
    expect(result).toMatchObject({ task: "classification", steps: 250, model: { parameters: 32 * 3 + 3, trainable: 32 * 3 + 3 } });
    expect(result.pictures).toMatchObject({ size: 16, backbone: { file: "backbone.onnx", features: 32, chosen: "tried" } });
    expect(result.pictures!.backbone!.trials!.map(({ pixels }) => pixels)).toEqual(["0..1", "-1..1", "0..255", "imagenet"]);
    expect(report.rows.train + report.rows.validation + report.rows.test).toBe(120);
    expect(result.metrics.test!["accuracy"]).toBeGreaterThan(report.baseline.constant["accuracy"]! + 0.3);
    expect(report.classes).toEqual([...shapes]);
    const mistakes = JSON.parse(await readFile(join(transfer.run, "mistakes.json"), "utf8")) as RunMistakes;
    for (const { file, hash } of mistakes.parts.test) {
      expect(files).toHaveProperty([file!]);
      expect(hash).toHaveLength(64);
    }
  });

  test("the range that the file tells, or that is asked for, is taken without trying", async () => {
    const told = join(home, "told.onnx");
    await writeFile(told, backboneBytes(16, { pixels: "-1..1" }));
    const { result } = await train({ model: told, steps: 5 });
    expect(result.pictures!.backbone).toMatchObject({ pixels: "-1..1", chosen: "file" });
    const asked = await train({ model: told, pixels: "0..255", steps: 5 });
    expect(asked.result.pictures!.backbone).toMatchObject({ pixels: "0..255", chosen: "asked" });
  });

  test("features are computed once: a second run finds them, and gives the same", async () => {
    const kept = async () => (await readdir(join(cache, "pictures"))).filter((name) => name.startsWith("features-")).sort();
    const before = await kept();
    const again = await train({ model: backbone, steps: 250 });
    expect(await kept()).toEqual(before);
    expect(again.result.metrics).toEqual(transfer.result.metrics);
    expect(await readFile(again.result.onnx)).toEqual(await readFile(transfer.result.onnx));
  });

  test.each(["last", "full"] as const)("learns on its %s layers too, and the file that comes of it has them", async (method) => {
    const { run, result } = await train({ model: backbone, pixels: "-1..1", method, steps: 12, lr: 0.003 });
    const head = 32 * 3 + 3;
    expect(result.model.parameters).toBe(head + 32 * 24 * 9 + (method === "full" ? 24 * 3 * 9 : 0));
    expect(result.pictures).toMatchObject({ backbone: { tuned: method }, augmentation: expect.any(String) as string });
    const kernels = (bytes: Uint8Array) => {
      const found = [...decodeModel(bytes).initializers.values()].filter(({ dims }) => dims.length === 4 && dims[2] === 3);
      return new Map(found.map(({ dims, data: values }) => [dims[0], [...(values as Float32Array)]]));
    };
    const [before, after] = [kernels(await readFile(backbone)), kernels(await readFile(result.onnx))];
    expect([...after.keys()].sort()).toEqual([24, 32]);
    expect(after.get(32)).not.toEqual(before.get(32));
    expect(after.get(24)!.every((v, i) => v === before.get(24)![i])).toBe(method === "last");
    const { metrics } = await evaluatePictures(run, fresh, { cache });
    expect(metrics["accuracy"]).toBeGreaterThanOrEqual(0.8);
  });

  test("a network that takes no pictures is refused by its inputs", async () => {
    const { Builder } = await import("../../worker/ops/builder.ts");
    const { encodeModel } = await import("../../worker/onnx/proto.ts");
    const g = new Builder("rows");
    g.output(g.relu(g.input("x", "float32", ["N", 7])), "y");
    const path = join(home, "rows.onnx");
    await writeFile(path, encodeModel(g.graph));
    await expect(train({ model: path })).rejects.toMatchObject({ code: "modelInvalid", data: { inputs: ["x: float32[N, 7]"] } });
  });
});

const trunk = shared("models/onnx/mobilenet_v1_trunk/mobilenet_v1_trunk_pw12.onnx");
test.skipIf(!trunk)(
  "twenty pictures of two classes on a MobileNet: every part has some, and most are told apart",
  async () => {
    const few: Record<string, Buffer> = {};
    for (const shape of ["bars", "ring"] as const) for (let i = 0; i < 10; i++) few[`${shape}/${i}.png`] = await png(draw(shape, 5000 + i));
    const { run, report } = await train({ data: await writeFolder(join(home, "twenty"), few), model: trunk!, pixels: "-1..1" });
    expect(report.rows.train + report.rows.validation + report.rows.test).toBe(20);
    expect(report.rows.train).toBeGreaterThanOrEqual(12);
    expect(Math.min(report.rows.validation, report.rows.test)).toBeGreaterThanOrEqual(1);
    const others = Object.fromEntries(Object.entries(await classFolders(5, 6000)).filter(([name]) => !name.startsWith("blob")));
    const { metrics } = await evaluatePictures(run, await writeFolder(join(home, "ten more"), others), { cache });
    expect(metrics["accuracy"]).toBeGreaterThanOrEqual(0.8);
  },
  120_000,
);

describe("from scratch", () => {
  test("a small residual network learns the shapes, and is the same again", async () => {
    const spec: Partial<TrainSpec> = { epochs: 14, seed: 3 };
    const { run, result } = await train(spec);
    expect(result.model.name).toBe("resnet");
    expect(result.pictures!.augmentation).toMatch(/mirrored one time in two/);
    const { metrics } = await evaluatePictures(run, fresh, { cache });
    expect(metrics["accuracy"]).toBeGreaterThanOrEqual(0.9);
    const again = await train(spec);
    expect(await readFile(again.result.onnx)).toEqual(await readFile(result.onnx));
  }, 60_000);

  test("an interrupted run goes on as if it never had been", async () => {
    const whole = await train({ steps: 24, batch: 8 });
    const abort = new AbortController();
    const run = join(home, "interrupted");
    const options = { cache, run, onPoint: () => {} };
    await expect(
      trainRun({
        ...options,
        spec: { data, steps: 24, batch: 8 },
        signal: abort.signal,
        control: new Control(abort.signal),
        onProgress: ({ step }) => step >= 5 && abort.abort(),
      }),
    ).rejects.toMatchObject({ code: "interrupted" });
    const { signal } = new AbortController();
    const rest = await trainRun({ ...options, signal, control: new Control(signal), onProgress: () => {} });
    expect(rest.metrics).toEqual(whole.result.metrics);
    expect(await readFile(rest.onnx)).toEqual(await readFile(whole.result.onnx));
  }, 60_000);
});

describe("where the pictures lie", () => {
  const spec = { steps: 6, batch: 8 };
  const flatNames = () => Object.entries(files).map(([name, bytes]) => [name.replace("/", "-"), bytes, name.split("/")[0]!] as const);

  test("a zip, a tar and a flat folder with a table of labels are one set: the same fingerprint, the same run", async () => {
    const folder = await kinds.images.inspect(data, { cache, signal: new AbortController().signal });
    const zip = new ZipFile();
    for (const [name, bytes] of Object.entries(files)) zip.addBuffer(bytes, name);
    zip.end();
    const parts: Buffer[] = [];
    for await (const part of zip.outputStream) parts.push(part as Buffer);
    const zipped = join(home, "shapes.zip");
    await writeFile(zipped, Buffer.concat(parts));
    const tarred = join(home, "shapes.tar.gz");
    await createTar({ cwd: data, file: tarred, gzip: true }, ["."]);
    const table = `file,label\n${flatNames()
      .map(([name, , label]) => `${name},${label}`)
      .join("\n")}\n`;
    const flat = await writeFolder(join(home, "flat"), {
      ...Object.fromEntries(flatNames().map(([name, bytes]) => [name, bytes])),
      "labels.csv": table,
    });
    const whole = await train(spec);
    for (const path of [zipped, tarred, flat]) {
      expect(await kindOf(path, {}, { cache, signal: new AbortController().signal })).toBe("images");
      expect(await kinds.images.inspect(path, { cache, signal: new AbortController().signal })).toMatchObject({
        fingerprint: "fingerprint" in folder ? folder.fingerprint : "none",
        rows: 120,
        layout: path === flat ? "labels" : "folders",
      });
      expect((await train({ ...spec, data: path })).result.metrics).toEqual(whole.result.metrics);
    }
  }, 60_000);

  test("by class, each gives its tenths; the run keeps where they were cut, and its report says how many", async () => {
    const { run } = await train({ steps: 2, batch: 8, splitBy: { by: "stratified" } });
    const record = JSON.parse(await readFile(join(run, "run.json"), "utf8")) as RunRecord;
    expect(record.plan!.rows).toEqual({ train: 96, validation: 12, test: 12 });
    expect(record.plan!.splitBy).toMatchObject({ by: "stratified", kept: { bars: [expect.any(Number), expect.any(Number)] } });
  });

  test("pictures without classes, or all of one class, are refused with what to do", async () => {
    const flat = await writeFolder(join(home, "unlabelled"), Object.fromEntries(flatNames().map(([name, bytes]) => [name, bytes])));
    await expect(train({ data: flat })).rejects.toMatchObject({
      code: "classesMissing",
      hint: expect.stringMatching(/folder of its own/) as string,
    });
    const one = await writeFolder(join(home, "one"), { "a/x.png": files["blob/000.png"]!, "a/y.png": files["blob/001.png"]! });
    await expect(train({ data: one })).rejects.toMatchObject({ code: "targetConstant" });
    await expect(train({ model: "mlp" })).rejects.toMatchObject({ code: "usage" });
    await expect(train({ task: "regression" })).rejects.toMatchObject({ code: "usage" });
    await expect(train({ method: "last" })).rejects.toMatchObject({ code: "usage" });
    await expect(train({ pixels: "0..1" })).rejects.toMatchObject({ code: "usage" });
    expect((await readdir(home)).filter((name) => name.endsWith(".onnx")).sort()).not.toContain("model.onnx");
  });
});

describe("the model that was made", () => {
  test("answers new pictures in their order, in the formats that people have, and passes broken ones over", async () => {
    const given = await writeFolder(join(home, "new"), {
      "1.png": await png(draw("ring", 2001)),
      "2.jpg": await sharp(await png(draw("bars", 2002)))
        .jpeg({ quality: 95 })
        .toBuffer(),
      "3.webp": await sharp(await png(draw("blob", 2003)))
        .webp({ lossless: true })
        .toBuffer(),
      "4.png": Buffer.from("no picture"),
      "notes.txt": "words",
    });
    const { rows, predictions, problems } = await predictPictures(transfer.run, { file: given });
    expect(rows).toBe(3);
    expect(predictions.map(({ row, file, prediction }) => [row, file, prediction])).toEqual([
      [1, "1.png", "ring"],
      [2, "2.jpg", "bars"],
      [3, "3.webp", "blob"],
    ]);
    for (const { probabilities } of predictions) expect(Object.values(probabilities!).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    expect(problems).toMatchObject([{ code: "pictureInvalid", file: "4.png" }]);
    const single = await predictPictures(transfer.run, { file: join(given, "2.jpg") });
    expect(single.predictions).toEqual([{ ...predictions[1], row: 1 }]);
    await expect(predictPictures(transfer.run, { file: join(given, "4.png") })).rejects.toMatchObject({ code: "pictureInvalid" });
    await expect(predictPictures(transfer.run, { file: join(given, "notes.txt") })).rejects.toMatchObject({ code: "formatUnknown" });
    const out = join(home, "answers.csv");
    await predictPictures(transfer.run, { file: given, out });
    const [head, ...lines] = (await readFile(out, "utf8")).trimEnd().split("\r\n");
    expect(head).toBe("file,prediction,probability bars,probability blob,probability ring");
    expect(lines.map((line) => line.split(",").slice(0, 2).join())).toEqual(["1.png,ring", "2.jpg,bars", "3.webp,blob"]);
  });

  test("is judged on other pictures; a class that it never saw counts as wrong", async () => {
    const { metrics, report } = await evaluatePictures(transfer.run, fresh, { cache });
    expect(metrics["accuracy"]).toBeGreaterThanOrEqual(0.9);
    expect(report.rows.test).toBe(30);
    const stranger = await writeFolder(join(home, "stranger"), {
      ...(await classFolders(4, 3000)),
      "moon/a.png": await png(draw("blob", 4000)),
    });
    const judged = await evaluatePictures(transfer.run, stranger, { cache });
    expect(judged.metrics["accuracy"]).toBeLessThanOrEqual(12 / 13);
    expect(judged.mistakes.parts.test.map(({ truth }) => truth)).toContain("moon");
  });

  test("says where it looked: at the shape, not at what lies around it", async () => {
    // one half is all background
    const wide = await sharp({ create: { width: 96, height: 48, channels: 3, background: { r: 45, g: 45, b: 45 } } })
      .composite([{ input: await png(draw("ring", 2001, 48), 48), left: 48, top: 0 }])
      .png()
      .toBuffer();
    const path = join(home, "wide.png");
    await writeFile(path, wide);
    const out = join(home, "map.png");
    const { map, prediction, probabilities } = await wherePicture(transfer.run, { file: path, out });
    expect(probabilities).toHaveProperty([prediction]);
    expect(map).toMatchObject({ rows: 8, columns: 8 });
    const half = (left: boolean) => map!.values.reduce((sum, v, i) => sum + (i % 8 < 4 === left ? Math.abs(v) : 0), 0);
    expect(half(false)).toBeGreaterThan(2 * half(true));
    expect(await sharp(out).metadata()).toMatchObject({ format: "png", width: 96, height: 48 });
    await expect(wherePicture(transfer.run, { file: data })).rejects.toMatchObject({ code: "formatUnknown" });
    await expect(wherePicture(transfer.run, { file: path, out: join(home, "map.gif") })).rejects.toMatchObject({ code: "usage" });
  });

  test("takes pictures of any size in the file alone, and says its licence", async () => {
    const alone = join(home, "alone.onnx");
    await copyFile(transfer.result.onnx, alone);
    const predictor = await openPicturePredictor(alone);
    try {
      const { size } = predictor.card.setup;
      const large = draw("ring", 2001, 48);
      const byUs = await sharp(large, { raw: { width: 48, height: 48, channels: 3 } })
        .resize(size, size, { fit: "fill", kernel: "linear" })
        .raw()
        .toBuffer();
      const [inside, outside] = [await predictor.score(large, 1, 48, 48), await predictor.score(byUs, 1, size, size)];
      for (const [c, p] of inside.probabilities.entries()) expect(p).toBeCloseTo(outside.probabilities[c]!, 1);
      expect(inside.classes).toEqual(outside.classes);
    } finally {
      await predictor.dispose();
    }
    const graph = decodeModel(await readFile(alone));
    expect(JSON.parse(graph.metadata.get("classes")!)).toEqual([...shapes]);
    expect(graph.metadata.get("licence")).toMatch(/backbone\.onnx/);
  });
});
