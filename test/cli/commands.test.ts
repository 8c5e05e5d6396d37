import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { home, paddock, table } from "./setUp.ts";
import { shared } from "../shared.ts";

const quick = ["--steps", "60", "--seed", "3", "--json"];

describe("the first words", () => {
  test("--version is the package's, at once", async () => {
    const { code, stdout, stderr } = await paddock(["--version"]);
    expect([code, stdout.trim(), stderr]).toEqual([0, "0.1.0", ""]);
  });

  test("--help lists the commands", async () => {
    const { code, stdout } = await paddock(["--help"]);
    expect(code).toBe(0);
    for (const name of ["lesson", "inspect", "train", "predict", "evaluate", "devices", "serve", "export"]) expect(stdout).toContain(name);
  });

  test.each([
    [["bogus"]],
    [[]],
    [["train"]],
    [["train", "a.csv", "--epochs", "none"]],
    [["train", "a.csv", "--epochs", "-1"]],
    [["train", "a.csv", "--lr", "0"]],
    [["train", "a.csv", "--schedule", "sometimes"]],
    [["train", "a.csv", "--no-such-flag"]],
    [["train", "a.csv", "--task", "chat"]],
    [["train", "a.csv", "--method", "lora"]],
    [["train", "a.csv", "--rank", "4"]],
    [["train", "a.csv", "--model", "a/folder/without/a/model"]],
    [["train", "a.csv", "--resume", "x", "--out", "y"]],
    [["lesson", "line", "--x", "1,two"]],
    [["lesson", "line", "--x", "1,2"]],
    [["export", "x", "--to", "gguf-7", "--out", "y"]],
    [["export", "x", "--to", "exe", "--out", "y"]],
    [["serve", "--port", "65536"]],
  ])("wrong usage (%j) exits with 2, as words and as JSON", async (args) => {
    const words = await paddock(args);
    expect(words.code).toBe(2);
    expect(words.stderr).toMatch(/^paddock: .+\n.+\n$/);
    const { code, json, stderr } = await paddock([...args, "--json"]);
    expect([code, stderr]).toEqual([2, ""]);
    expect(json).toEqual({ error: { code: "usage", message: expect.any(String), hint: expect.any(String), data: expect.any(Object) } });
  });
});

describe("lesson line", () => {
  test("finds a = 4 and b = 2 in under five seconds", async () => {
    const { code, json, ms, stderr } = await paddock(["lesson", "line", "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(Object.keys(json)).toEqual(["a", "b", "loss", "steps"]);
    expect(json["a"]).toBeCloseTo(4, 3);
    expect(json["b"]).toBeCloseTo(2, 3);
    expect(ms).toBeLessThan(5000);
  });

  test("takes other points, negative ones too", async () => {
    const { json } = await paddock(["lesson", "line", "--x=-2,0,3", "--y", "5,1,-5", "--json"]);
    expect(json["a"]).toBeCloseTo(-2, 3);
    expect(json["b"]).toBeCloseTo(1, 3);
  });

  test("speaks to people", async () => {
    expect((await paddock(["lesson", "line"])).stdout).toMatch(/^y = 4·x \+ 2 /);
  });
});

describe("inspect", () => {
  test("one file", async () => {
    const { code, json } = await paddock(["inspect", table(), "--json"]);
    expect(code).toBe(0);
    expect(json).toMatchObject({ kind: "table", rows: 300, target: { column: "y", task: "regression" } });
    expect((await paddock(["inspect", table()])).stdout).toContain("Guessed target: y (regression)");
  });

  test("several files, one of them bad", async () => {
    const bad = join(home, "empty.csv");
    writeFileSync(bad, "");
    const { code, json } = await paddock(["inspect", table(), bad, join(home, "none.csv"), "--json"]);
    expect(code).toBe(3);
    expect(json["results"]).toMatchObject([
      { kind: "table", rows: 300 },
      { file: bad, error: { code: "fileEmpty" } },
      { error: { code: "fileMissing" } },
    ]);
  });
});

describe("train, then use", () => {
  const run = join(home, "run");
  let trained: Awaited<ReturnType<typeof paddock>>;
  beforeAll(async () => {
    trained = await paddock(["train", table(), "--target", "y", "--out", run, "--log-losses", ...quick]);
  });

  test("gives one JSON object with all that is promised", () => {
    expect([trained.code, trained.stderr]).toEqual([0, ""]);
    expect(trained.json).toMatchObject({
      run,
      task: "regression",
      device: "cpu",
      steps: 60,
      onnx: join(run, "model.onnx"),
    });
    for (const key of ["model", "metrics", "baseline", "seconds", "peakMemoryBytes"]) expect(trained.json).toHaveProperty(key);
    expect(trained.json["losses"]).toHaveLength(60);
    expect(readdirSync(run)).toEqual(expect.arrayContaining(["run.json", "metrics.jsonl", "report.json", "model.onnx"]));
    expect(readdirSync(run)).not.toContain("run.lock");
  });

  test("the same seed gives the same numbers, and an earlier run in --out gives way", async () => {
    const again = await paddock(["train", table(), "--target", "y", "--out", run, "--log-losses", ...quick]);
    expect(again.json["metrics"]).toEqual(trained.json["metrics"]);
    expect(again.json["losses"]).toEqual(trained.json["losses"]);
  });

  test("a finished run that is resumed answers its result", async () => {
    const { code, json } = await paddock(["train", "--resume", run, "--json"]);
    expect(code).toBe(0);
    expect(json["metrics"]).toEqual(trained.json["metrics"]);
  });

  test("a resumed run goes on as it began", async () => {
    const { code, json } = await paddock(["train", "--resume", run, "--seed", "4", "--json"]);
    expect(code).toBe(2);
    expect(json).toMatchObject({ error: { code: "usage", data: { setting: "seed" } } });
  });

  test("predict: a file, stdin, a file out; the same answers in the same order", async () => {
    const rows = "a,b,c\n1,2,red\n5,,blue\n9,1,green\n";
    const file = join(home, "rows.csv");
    writeFileSync(file, rows);
    const byFile = await paddock(["predict", run, file, "--json"]);
    expect(byFile.code).toBe(0);
    expect((byFile.json["predictions"] as { row: number }[]).map(({ row }) => row)).toEqual([1, 2, 3]);
    const byModel = await paddock(["predict", join(run, "model.onnx"), "-", "--json"], { input: rows });
    expect(byModel.json).toEqual(byFile.json);
    const out = join(home, "out.jsonl");
    expect((await paddock(["predict", run, file, "--out", out, "--json"])).json).toEqual({ out, rows: 3 });
    const written = readFileSync(out, "utf8").trim().split("\n");
    expect(written.map((line) => (JSON.parse(line) as { prediction: number }).prediction)).toEqual(
      (byFile.json["predictions"] as { prediction: number }[]).map(({ prediction }) => prediction),
    );
    expect((await paddock(["predict", run, file])).stdout.split("\n")[0]).toContain("prediction");
  });

  test("predict: a column that is missing is named, and nothing is written", async () => {
    const file = join(home, "lacking.csv");
    writeFileSync(file, "a,c\n1,red\n2,blue\n");
    const out = join(home, "lacking-out.csv");
    const { code, json } = await paddock(["predict", run, file, "--out", out, "--json"]);
    expect(code).toBe(3);
    expect(json).toMatchObject({ error: { code: "columnMissing", data: { column: "b" } } });
    expect(existsSync(out)).toBe(false);
  });

  test("evaluate", async () => {
    const { code, json } = await paddock(["evaluate", run, table(), "--json"]);
    expect(code).toBe(0);
    expect(json["metrics"]).toMatchObject({ r2: expect.any(Number), rmse: expect.any(Number) });
  });

  test("export", async () => {
    const out = join(home, "away.onnx");
    const { code, json } = await paddock(["export", run, "--to", "onnx", "--out", out, "--json"]);
    expect(code).toBe(0);
    expect(json).toMatchObject({ format: "onnx", out });
    expect(readFileSync(out).equals(readFileSync(join(run, "model.onnx")))).toBe(true);
    const page = join(home, "page");
    const tfjs = await paddock(["export", run, "--to", "tfjs", "--out", page, "--json"]);
    expect(tfjs.json).toMatchObject({ format: "tfjs", compared: { of: "values", part: "test", metric: { name: "r2" } } });
    expect(readdirSync(page).sort()).toContain("model.json");
    const again = await paddock(["export", run, "--to", "safetensors", "--out", page, "--json"]);
    expect([again.code, again.json]).toEqual([2, { error: expect.objectContaining({ code: "folderNotEmpty" }) as unknown }]);
  });

  test("what is no run is said to be none", async () => {
    expect((await paddock(["predict", join(home, "nothing"), table(), "--json"])).json).toMatchObject({ error: { code: "runMissing" } });
    expect((await paddock(["train", "--resume", home, "--json"])).code).toBe(3);
  });
});

describe("what cannot be trained leaves nothing", () => {
  test("--out with something else in it is not touched", async () => {
    const full = join(home, "full");
    mkdirSync(full);
    writeFileSync(join(full, "letter.txt"), "dear");
    const { code, json } = await paddock(["train", table(), "--out", full, ...quick]);
    expect(code).toBe(2);
    expect(json).toMatchObject({ error: { code: "folderNotEmpty" } });
    expect(readdirSync(full)).toEqual(["letter.txt"]);
  });

  test("a target that is not there", async () => {
    const out = join(home, "never");
    const workspace = join(home, "untouched");
    for (const args of [["--out", out], []]) {
      const { code, json } = await paddock(["train", table(), "--target", "z", ...args, ...quick], { workspace });
      expect(code).toBe(3);
      expect(json).toMatchObject({ error: { code: "targetMissing", data: { column: "z" } } });
    }
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(join(workspace, "projects"))).toEqual([]);
  });

  test("a target with one value only, in a folder that was there and empty", async () => {
    const file = join(home, "constant.csv");
    writeFileSync(file, `x,y\n${Array.from({ length: 50 }, (_, i) => `${i},7`).join("\n")}\n`);
    const out = join(home, "emptyFolder");
    mkdirSync(out);
    const { code } = await paddock(["train", file, "--target", "y", "--out", out, ...quick]);
    expect(code).toBe(3);
    expect(readdirSync(out)).toEqual([]);
  });

  test("bad data does not cost an earlier run its folder", async () => {
    const out = join(home, "earlier");
    expect((await paddock(["train", table(), "--out", out, ...quick])).code).toBe(0);
    const before = readFileSync(join(out, "run.json"), "utf8");
    expect((await paddock(["train", table(), "--target", "z", "--out", out, ...quick])).code).toBe(3);
    expect(readFileSync(join(out, "run.json"), "utf8")).toBe(before);
  });
});

test("without --out the run is in a project that the app shows, and the same data uses the same project", async () => {
  const workspace = join(home, "shown");
  const first = await paddock(["train", table("shown.csv"), "--target", "y", ...quick], { workspace });
  const second = await paddock(["train", table("shown.csv"), "--target", "y", ...quick], { workspace });
  expect([first.code, second.code]).toEqual([0, 0]);
  expect(second.json["metrics"]).toEqual(first.json["metrics"]);
  const [project, ...more] = readdirSync(join(workspace, "projects"));
  expect(more).toEqual([]);
  const runs = readdirSync(join(workspace, "projects", project!, "runs"));
  expect(runs).toHaveLength(2);
  expect(first.json["run"]).toBe(join(workspace, "projects", project!, "runs", runs[0]!));
  const byId = await paddock(["predict", runs[0]!, table("shown.csv"), "--json"], { workspace });
  expect(byId.json["predictions"]).toHaveLength(300);
});

test("devices: each with what it is and why", async () => {
  const { code, stdout } = await paddock(["devices", "--json"]);
  expect(code).toBe(0);
  const devices = JSON.parse(stdout) as Record<string, unknown>[];
  expect(devices[0]).toMatchObject({ id: "cpu", works: true });
  for (const device of devices)
    expect(Object.keys(device).sort()).toEqual(["id", "kind", "memoryBytes", "name", "usedBytes", "why", "works"]);
});

test.skipIf(!shared("data/tables/penguins"))("a real table with missing values", async () => {
  const file = join(shared("data/tables/penguins")!, "penguins.csv");
  const { code, json } = await paddock(["train", file, "--target", "species", "--out", join(home, "penguins"), "--seconds", "3", "--json"]);
  expect(code).toBe(0);
  expect((json["metrics"] as { test: { accuracy: number } }).test.accuracy).toBeGreaterThan(0.9);
});
