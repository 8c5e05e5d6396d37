// What a workspace, or a project copied from a stranger, keeps in files: records, curves, reports, corrections, checkpoints.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCorrections } from "../../../main/corrections.ts";
import { readCurve, readSamples } from "../../../main/curve.ts";
import { Chats } from "../../../main/chats.ts";
import { Models } from "../../../main/models.ts";
import { workspacePaths } from "../../../main/paths.ts";
import { Projects } from "../../../main/projects.ts";
import { readImportance, readMistakes, readReport } from "../../../main/reports.ts";
import { readRun, summarize } from "../../../main/runs.ts";
import { readSettings } from "../../../main/settings.ts";
import { readCheckpoint, writeCheckpoint } from "../../../worker/train/checkpoint.ts";
import type { Input, Target } from "../target.ts";

const json = (value: object): Input => [Buffer.from(JSON.stringify(value))];
const code = /\/main\/(records|projects|runs|inputs|reports|chats|models|settings|curve|corrections)|\/ipc\/corrections/;
const small = { code, most: 2 ** 13, words: ["..", "../../etc", "/etc/passwd", "C:\\x", "version", "id", "linked", "file"] };
const put = (folder: string, name: string, bytes: Buffer) => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), bytes);
};

export const project: Target = {
  ...small,
  parts: ["project.json", "profile.json"],
  seeds: () => [
    [
      ...json({ version: 1, id: "iris-abc123", name: "Iris", created: 1, updated: 2, file: "iris.csv", bytes: 100, rows: 3, fingerprint: "ab", spec: { target: "y", seed: 1, epochs: 3 }, score: { metric: "accuracy", value: 0.9 } }), // prettier-ignore
      ...json({ kind: "table", rows: 3, columns: [], problems: [] }),
    ],
  ],
  async read([record, profile], folder) {
    const projects = new Projects(workspacePaths(folder));
    put(join(folder, "projects/iris-abc123"), "project.json", record!);
    put(join(folder, "projects/iris-abc123"), "profile.json", profile!);
    const all = await projects.all(() => {});
    for (const one of all)
      if (one.linked === undefined && !projects.data(one).startsWith(folder)) throw new Error(`data at ${projects.data(one)}`);
    await projects.open(await projects.read("iris-abc123"));
  },
};

export const run: Target = {
  ...small,
  parts: ["run.json"],
  seeds: () => [json({ version: 1, id: "20260101-000000-abcd", created: 1, state: "done", spec: { data: "iris.csv", target: "y" }, plan: { model: { name: "mlp" }, target: "y" }, result: { verdict: { metric: "accuracy", network: 0.9 }, model: { name: "mlp" } } })], // prettier-ignore
  async read([record], folder) {
    put(folder, "run.json", record!);
    summarize("iris", await readRun(folder));
  },
};

export const report: Target = {
  ...small,
  also: ["runNotTrained"],
  parts: ["report.json", "mistakes.json", "importance.json"],
  seeds: () => [
    [
      ...json({ task: "classification", target: "y", metrics: { test: { accuracy: 1 } }, rows: { test: 2 }, confusion: { labels: ["a"], counts: [[2]] }, columns: ["x"], mistakes: [{ row: 1, cells: ["1"], truth: "a", prediction: "b", badness: 0.5 }] }), // prettier-ignore
      ...json({ version: 1, columns: [], parts: { train: [], validation: [], test: [] } }),
      ...json({ version: 1, columns: [] }),
    ],
    [
      ...json({ version: 2, kind: "table", parts: {} }),
      ...json({ version: 1, columns: ["x"], parts: { train: [], validation: [], test: [{ row: 1 }] } }),
      ...json({ version: 1 }),
    ],
  ],
  async read([reported, mistakes, importance], folder) {
    put(folder, "report.json", reported!);
    put(folder, "mistakes.json", mistakes!);
    put(folder, "importance.json", importance!);
    await readImportance(folder);
    await readReport(folder);
    await readMistakes(folder, "test");
  },
};

export const chat: Target = {
  ...small,
  parts: ["chat.json"],
  seeds: () => [json({ version: 1, id: "c1", title: "t", created: 1, updated: 2, model: "", system: "", maxTokens: 10, sampling: {}, turns: [{ role: "user", content: "Hi" }] })], // prettier-ignore
  async read([record], folder) {
    put(join(folder, "chats"), "c1.json", record!);
    const chats = new Chats(workspacePaths(folder));
    await chats.all();
    await chats.read("c1");
  },
};

export const shelf: Target = {
  ...small,
  parts: ["model.json"],
  seeds: () => [json({ version: 1, id: "net-abc123", name: "net", format: "onnx", file: "net.onnx", origin: "net.onnx", imported: 1, profile: { fingerprint: "ab" } })], // prettier-ignore
  async read([record], folder) {
    put(join(folder, "models/net-abc123"), "model.json", record!);
    const models = new Models(workspacePaths(folder));
    await models.all(() => {});
    if (!models.file(await models.read("net-abc123")).startsWith(folder)) throw new Error("a file elsewhere");
  },
};

export const settings: Target = {
  ...small,
  parts: ["settings.json"],
  seeds: () => [
    json({ version: 1, language: "auto", theme: "dark", device: "cpu", api: { on: false, port: 4000, key: "" }, maxSeconds: 60 }),
  ],
  async read([record], folder) {
    put(folder, "settings.json", record!);
    await readSettings(join(folder, "settings.json"));
  },
};

export const lines: Target = {
  ...small,
  parts: ["metrics.jsonl", "samples.jsonl", "corrections.jsonl"],
  seeds: () => [
    [
      Buffer.from('{"step":1,"epoch":0,"trainLoss":1.5}\n{"step":2,"epoch":0,"trainLoss":1.2,"validationLoss":2}\n'),
      Buffer.from('{"step":1,"prompt":"a","text":"b"}\n'),
      Buffer.from(
        '{"do":"correct","id":"1","hash":"ab","from":"a","to":"b","run":"r","origin":"own","row":1,"when":1}\n{"do":"undo","id":"1"}\n',
      ),
    ],
  ],
  async read([metrics, samples, corrections], folder) {
    put(folder, "metrics.jsonl", metrics!);
    put(folder, "samples.jsonl", samples!);
    put(folder, "corrections.jsonl", corrections!);
    (await readCurve(join(folder, "metrics.jsonl"))).points();
    await readSamples(join(folder, "samples.jsonl"));
    await readCorrections(join(folder, "corrections.jsonl"));
  },
};

export const checkpoint: Target = {
  parts: ["checkpoint.safetensors"],
  async seeds(folder) {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "c.safetensors");
    const state = { dtype: "float32", dims: [2], data: Float32Array.of(1, 2) } as const;
    const trainer = { version: 1, step: 1, total: 2, epoch: 0, batch: 0, seconds: 0, evaluated: 0, told: 0, stopping: { best: 1, since: 0 }, window: { sum: 0, count: 0 }, evaluationWindow: { sum: 0, count: 0 }, seen: [] }; // prettier-ignore
    await writeCheckpoint(path, { states: new Map([["w", state]]), best: new Map([["w", state]]), trainer: trainer as never } as never);
    const { readFileSync } = await import("node:fs");
    return [[readFileSync(path)]];
  },
  async read([bytes], folder) {
    writeFileSync(join(folder, "c.safetensors"), bytes!);
    await readCheckpoint(join(folder, "c.safetensors"));
  },
  code: /\/worker\/train\/(checkpoint|safetensors)/,
  most: 2 ** 13,
};
