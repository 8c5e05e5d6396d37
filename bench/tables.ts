// Every table through the whole of training (read, encode, train, test), in this process, against scikit-learn on the same rows.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { RunResult, TrainSpec } from "../ipc/types.ts";
import { Control } from "../worker/train/control.ts";
import { prepare } from "../worker/train/kinds/table.ts";
import { runPaths, trainRun } from "../worker/train/run.ts";
import { readJson } from "../worker/train/files.ts";
import type { RunRecord } from "../ipc/types.ts";
import { answersOf } from "../worker/train/answers.ts";

interface Entry {
  file: string;
  target: string;
  ignore?: string[];
}

/** Targets as a person would choose them; columns that give the answer away are left out. */
const tables: Record<string, Entry> = {
  wine: { file: "sklearn_wine/wine.csv", target: "target" },
  tips: { file: "tips/tips.csv", target: "tip" },
  penguins: { file: "penguins/penguins.csv", target: "species" },
  mpg: { file: "mpg/mpg.csv", target: "mpg" },
  diabetes: { file: "sklearn_diabetes/diabetes.csv", target: "target" },
  boston: { file: "boston_housing/BostonHousing.csv", target: "medv" },
  cancer: { file: "sklearn_breast_cancer/breast_cancer.csv", target: "target" },
  pima: { file: "pima_diabetes/pima-indians-diabetes.csv", target: "column9" },
  titanic: { file: "titanic/titanic.csv", target: "survived", ignore: ["alive"] },
  german: { file: "german_credit/GermanCredit.csv", target: "credit_risk" },
  red: { file: "wine_quality/winequality-red.csv", target: "column12" },
  digits: { file: "sklearn_digits/digits.csv", target: "target" },
  bikeDay: { file: "bike_sharing/day.csv", target: "cnt", ignore: ["casual", "registered"] },
  temperature: { file: "ts_daily_min_temp/daily-min-temperatures.csv", target: "Temp" },
  flights: { file: "flights/flights.csv", target: "passengers" },
  abalone: { file: "abalone/abalone.csv", target: "column9" },
  white: { file: "wine_quality/winequality-white.csv", target: "column12" },
  churn: { file: "telco_churn/Telco-Customer-Churn.csv", target: "Churn" },
  bikeHour: { file: "bike_sharing/hour.csv", target: "cnt", ignore: ["casual", "registered"] },
  letters: { file: "letter_recognition/LetterRecognition.csv", target: "lettr" },
  california: { file: "california_housing/housing.csv", target: "median_house_value" },
  adult: { file: "adult_income/adult-train.csv", target: "column15" },
  diamonds: { file: "diamonds/diamonds.csv", target: "price" },
};

const { values: options, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    config: { type: "string", default: "{}" },
    spec: { type: "string", default: "{}" },
    seeds: { type: "string", default: "1" },
    "no-peer": { type: "boolean", default: false },
    json: { type: "string" },
  },
});
const shared = process.env["PADDOCK_SHARED"] ?? resolve(import.meta.dirname, "../../../shared");
const peer = process.env["PADDOCK_PEER"] ?? join(shared, "tools/peer-python");
const peerScript = resolve(import.meta.dirname, "../../bench/peer/sklearn.py");
const scratch = await mkdtemp(join(tmpdir(), "paddock-tables-"));
const cache = join(tmpdir(), "paddock-tables-cache");
const names = positionals.length ? positionals : Object.keys(tables);
const rows: Record<string, unknown>[] = [];
console.log("table        seed metric     paddock  linear  | mlp     boosting linear | steps best epochs stop        train-s whole-s");
for (const name of names)
  for (const seed of options.seeds.split(",").map(Number)) {
    const entry = tables[name];
    if (!entry) throw new Error(`no table '${name}': ${Object.keys(tables).join(", ")}`);
    const row = await one(name, entry, seed);
    rows.push(row);
  }
if (options.json) await writeFile(options.json, JSON.stringify(rows, null, 1));
await rm(scratch, { recursive: true, force: true });

async function one(name: string, entry: Entry, seed: number): Promise<Record<string, unknown>> {
  const spec: TrainSpec = {
    data: join(shared, "data/tables", entry.file),
    target: entry.target,
    ignore: entry.ignore ?? [],
    seed,
    config: JSON.parse(options.config) as Record<string, number>,
    ...(JSON.parse(options.spec) as object),
  };
  const run = join(scratch, `${name}-${seed}`);
  const begun = performance.now();
  const signal = new AbortController().signal;
  const result: RunResult = await trainRun({
    run,
    spec,
    cache,
    signal,
    control: new Control(),
    onProgress: () => {},
    onPoint: () => {},
  });
  const whole = (performance.now() - begun) / 1000;
  const other = options["no-peer"] || !existsSync(peer) ? undefined : await compare(run, entry, result);
  const { verdict } = result;
  const show = (x: number | undefined) => (x === undefined ? "   -   " : x.toFixed(4).padStart(7));
  console.log(
    [
      name.padEnd(12),
      String(seed).padStart(4),
      verdict.metric.padEnd(9),
      show(verdict.network),
      show(verdict.linear),
      "|",
      show(other?.["mlp"]),
      show(other?.["boosting"]),
      show(other?.["linear"]),
      "|",
      `${result.steps}`.padStart(5),
      `${result.bestStep}`.padStart(5),
      `${result.epochs}`.padStart(6),
      result.stopped.padEnd(11),
      result.seconds.toFixed(1).padStart(6),
      whole.toFixed(1).padStart(6),
    ].join(" "),
  );
  return { name, seed, ...verdict, peer: other, metrics: result.metrics, seconds: whole };
}

/** The same train and test rows as CSV files, for the peer; columns that we do not use are left out there too. */
async function compare(run: string, entry: Entry, result: RunResult): Promise<Record<string, number> | undefined> {
  const record = (await readJson<RunRecord>(runPaths(run).record))!;
  const signal = new AbortController().signal;
  const prepared = await prepare({ run, record, cache, signal, paths: runPaths(run) });
  try {
    const { table, profile, data, encoding, task } = prepared;
    const cells = await table.rows(0, profile.rows);
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const write = async (part: "train" | "test") => {
      const { rowNumbers } = await answersOf(data[part], {
        task,
        target: encoding,
        run: async ({ x, codes }) => {
          const n = (x ?? codes)!.dims[0]!;
          const width = task.outputs(encoding);
          return { answer: { dtype: "float32", dims: [n, width], data: new Float32Array(n * width) } };
        },
      });
      const lines = [
        profile.columns.map((c) => quote(c.name)),
        ...Array.from(rowNumbers, (row) => cells[row - 1]!.map((c) => quote(c.trim()))),
      ];
      const path = join(run, `${part}.csv`);
      await writeFile(path, lines.map((line) => line.join(",")).join("\n"));
      return path;
    };
    const used = new Set(encoding.encoders.map((e) => e.column));
    const unused = profile.columns.map((c) => c.name).filter((c) => c !== entry.target && !used.has(c));
    const args = ["--train", await write("train"), "--test", await write("test"), "--target", entry.target, "--task", result.task];
    const { stdout, stderr, status } = spawnSync(peer, [peerScript, ...args, ...(unused.length ? ["--ignore", ...unused] : [])], {
      encoding: "utf8",
    });
    if (status !== 0) {
      console.error(stderr.split("\n").slice(-3).join(" "));
      return undefined;
    }
    const { models } = JSON.parse(stdout) as { models: Record<string, { metrics?: Record<string, number> }> };
    return Object.fromEntries(Object.entries(models).map(([model, m]) => [model, m.metrics?.[result.verdict.metric] ?? NaN]));
  } finally {
    await prepared.close();
  }
}
