// The command line on pictures, from inspecting to predicting, in a workspace of its own.
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { backboneBytes, classFolders, draw, png, shapes, writeFolder } from "../train/pictures.ts";
import { home, paddock } from "./setUp.ts";

let data: string;
let backbone: string;
beforeAll(async () => {
  data = await writeFolder(join(home, "shapes"), {
    ...(await classFolders(30)),
    "ring/broken.png": Buffer.from("\x89PNG\r\n\x1a\nnothing", "latin1"),
  });
  backbone = join(home, "backbone.onnx");
  writeFileSync(backbone, backboneBytes());
});

interface Trained {
  run: string;
  task: string;
  metrics: { test: Record<string, number> };
  pictures: { size: number; backbone?: { pixels: string } };
}

describe("paddock on pictures", () => {
  test("inspect says what is there, and which file is broken", async () => {
    const { code, json } = await paddock(["inspect", data, "--json"]);
    expect(code).toBe(0);
    expect(json).toMatchObject({ kind: "images", rows: 90, classes: shapes.map((name) => ({ name, count: 30 })) });
    expect((json["problems"] as { file?: string }[]).map(({ file }) => file)).toContain("ring/broken.png");
    const words = await paddock(["inspect", data]);
    expect(words.stdout).toMatch(/90 pictures of 3 classes/);
    expect(words.stdout).toMatch(/ring +30/);
  });

  test("train on a backbone, then predict, evaluate and draw where it looked", async () => {
    const { code, json } = await paddock(["train", data, "--backbone", "backbone.onnx", "--steps", "150", "--json"]);
    expect(code).toBe(0);
    const { run, task, metrics, pictures } = json as unknown as Trained;
    expect(task).toBe("classification");
    expect(metrics.test["accuracy"]).toBeGreaterThan(0.5);
    expect(pictures.backbone!.pixels).toMatch(/0\.\.1|-1\.\.1|0\.\.255|imagenet/);
    const one = join(home, "one.png");
    mkdirSync(join(home, "flat"), { recursive: true });
    writeFileSync(one, await png(draw("bars", 5001)));
    writeFileSync(join(home, "flat", "a.png"), await png(draw("bars", 5001)));
    writeFileSync(join(home, "flat", "b.png"), "no picture");
    const predicted = await paddock(["predict", run, join(home, "flat"), "--json"]);
    expect(predicted.code).toBe(0);
    expect(predicted.json).toMatchObject({ predictions: [{ row: 1, file: "a.png", prediction: "bars" }], problems: [{ file: "b.png" }] });
    const table = await paddock(["predict", run, one]);
    expect(table.stdout).toMatch(/^file,prediction,probability bars,probability blob,probability ring\r\none\.png,bars,/);
    const judged = await paddock(["evaluate", run, data, "--json"]);
    expect(judged.json).toMatchObject({ metrics: { accuracy: expect.any(Number) as number } });
    // by its id alone, as a run of no project
    const map = await paddock(["predict", run.split(/[/\\]/).at(-1)!, one, "--map", "where.png", "--json"]);
    expect(map.code).toBe(0);
    expect((await readFile(join(home, "where.png"))).subarray(1, 4).toString()).toBe("PNG");
  }, 60_000);

  test.each([
    ["a file that is not there", ["train", "nowhere"], 3, "fileMissing"],
    ["a backbone that is not there", ["train", "shapes", "--backbone", "none.onnx"], 3, "fileMissing"],
    ["a range without a backbone", ["train", "shapes", "--pixels", "0..1"], 2, "usage"],
    ["a model of tables", ["train", "shapes", "--model", "mlp", "--out", "out"], 2, "usage"],
    ["a flat folder", ["train", "flat", "--out", "out"], 3, "classesMissing"],
  ])("%s is refused, and leaves nothing behind", async (_, args, code, name) => {
    mkdirSync(join(home, "flat"), { recursive: true });
    writeFileSync(join(home, "flat", "a.png"), await png(draw("bars", 5001)));
    const said = await paddock([...args, "--json"]);
    expect(said.json).toMatchObject({ error: { code: name } });
    expect(said.code).toBe(code);
    await expect(readFile(join(home, "out", "run.json"))).rejects.toThrow();
  });
});
