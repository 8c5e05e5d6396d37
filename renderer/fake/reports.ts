// Made-up reports of trainings that have ended, and the samples that they keep to be looked at.
import type {
  ClassCurves,
  Curves,
  Importance,
  Mistake,
  PartReport,
  RunReport,
  SplitName,
  TableProfile,
  TrainPlan,
} from "../../ipc/types.ts";
import { homeRow, random } from "./tables.ts";

const classes = ["Adelie", "Chinstrap", "Gentoo"];
const confusions: Record<SplitName, number[][]> = {
  train: [[118, 1, 0], [0, 54, 0], [0, 0, 99]], // prettier-ignore
  validation: [[14, 1, 0], [0, 7, 0], [0, 0, 12]], // prettier-ignore
  test: [[15, 0, 0], [1, 6, 0], [0, 0, 12]], // prettier-ignore
};

export function report(profile: TableProfile, made: TrainPlan, weak = false): RunReport {
  void profile;
  if (made.task === "regression") return homes(made, weak);
  const parts = {
    train: penguins("train"),
    validation: penguins("validation"),
    test: penguins("test"),
  };
  return {
    version: 2,
    kind: "table",
    task: "classification",
    target: made.target,
    classes,
    rows: made.rows,
    metrics: {
      train: { accuracy: 1, macroF1: 1, logLoss: 0.004, rocAuc: 1, averagePrecision: 1, brier: 0.002, ece: 0.006 },
      validation: { accuracy: 0.971, macroF1: 0.968, logLoss: 0.09, rocAuc: 0.996, averagePrecision: 0.99, brier: 0.04, ece: 0.03 },
      test: { accuracy: 0.971, macroF1: 0.966, logLoss: 0.081, rocAuc: 0.997, averagePrecision: 0.992, brier: 0.036, ece: 0.028 },
    },
    baseline: { constant: { accuracy: 0.441, macroF1: 0.204, logLoss: 1.05 }, linear: { accuracy: 0.941, macroF1: 0.93, logLoss: 0.14 } },
    verdict: { beatsConstant: true, beatsLinear: true, metric: "accuracy", network: 0.971, constant: 0.441, linear: 0.941 },
    parts,
  };
}

function penguins(split: SplitName): PartReport {
  const counts = confusions[split];
  const rows = counts.flat().reduce((sum, n) => sum + n, 0);
  const right = counts.reduce((sum, row, i) => sum + row[i]!, 0);
  return {
    rows,
    of: rows,
    kept: 4,
    wrong: rows - right,
    confusion: { labels: classes, counts },
    classes: classes.map((name, c) => {
      const support = counts[c]!.reduce((sum, n) => sum + n, 0);
      const said = counts.reduce((sum, row) => sum + row[c]!, 0);
      const [precision, recall] = [counts[c]![c]! / said, counts[c]![c]! / support];
      return { name, precision, recall, f1: (2 * precision * recall) / (precision + recall), support };
    }),
    curves: curves(),
    calibration: {
      bins: [
        { from: 0.6, to: 0.667, count: 2, confidence: 0.63, accuracy: 0.5 },
        { from: 0.8, to: 0.867, count: 4, confidence: 0.84, accuracy: 0.75 },
        { from: 0.933, to: 1, count: 28, confidence: 0.985, accuracy: 1 },
      ],
      ece: 0.028,
      brier: 0.036,
    },
  };
}

function curves(): Curves {
  const x = Array.from({ length: 60 }, (_, i) => i / 59);
  const one = (bend: number): ClassCurves => ({
    auc: 1 - 1 / (bend + 1),
    ap: 1 - 0.7 / (bend + 1),
    roc: { x: [0, ...x], y: [0, ...x.map((v) => 1 - (1 - v) ** bend)] },
    pr: { x, y: x.map((v) => 1 - 0.6 * v ** bend) },
  });
  const bins = [
    { from: 0, to: 0.067, count: 20, confidence: 0.02, accuracy: 0 },
    { from: 0.4, to: 0.467, count: 3, confidence: 0.44, accuracy: 0.33 },
    { from: 0.933, to: 1, count: 11, confidence: 0.98, accuracy: 1 },
  ];
  return { classes: classes.map((name, c) => ({ name, support: 12, reliability: bins, ...one(20 + 30 * c) })), macro: one(40) };
}

function homes(made: TrainPlan, weak: boolean): RunReport {
  const r2 = weak ? 0.581 : 0.874;
  const part = (rows: number, seed: number): PartReport => {
    const next = random(seed);
    const truth = Array.from({ length: rows }, () => 120_000 + 900_000 * next() ** 1.8);
    const predicted = truth.map((value) => value + (next() + next() - 1) * 90_000);
    const edges = Array.from({ length: 19 }, (_, i) => -90_000 + i * 10_000);
    const counts = edges.slice(1).map((edge, i) => predicted.filter((p, k) => p - truth[k]! >= edges[i]! && p - truth[k]! < edge).length);
    return {
      rows,
      of: rows,
      kept: 30,
      scatter: { truth, predicted, rows: truth.map((_, i) => 1 + i * 9) },
      residuals: { mean: 1200, median: 26_000, ninety: 61_000, histogram: { edges, counts, below: 0, above: 0 } },
    };
  };
  return {
    version: 2,
    kind: "table",
    task: "regression",
    target: made.target,
    rows: made.rows,
    metrics: {
      train: { r2: 0.902, rmse: 71_200, mae: 48_900, loss: 0.11 },
      validation: { r2: 0.871, rmse: 79_400, mae: 54_100, loss: 0.15 },
      test: { r2, rmse: 81_350, mae: 55_240, loss: 0.16 },
    },
    baseline: { constant: { r2: -0.001, rmse: 229_000, mae: 176_000 }, linear: { r2: 0.642, rmse: 137_000, mae: 98_400 } },
    verdict: { beatsConstant: true, beatsLinear: !weak, metric: "r2", network: r2, constant: -0.001, linear: 0.642 },
    parts: { train: part(2000, 5), validation: part(Math.min(1000, made.rows.validation), 7), test: part(made.rows.test, 11) },
  };
}

export function mistakes(profile: TableProfile, made: TrainPlan, split: SplitName): { columns: string[]; mistakes: Mistake[] } {
  const columns = profile.columns.map((column) => column.name);
  if (made.task === "regression") {
    return {
      columns,
      mistakes: Array.from({ length: 30 }, (_, i) => {
        const row = 100 + i * 231 + (split === "test" ? 0 : 7);
        const cells = homeRow(row);
        const loss = 412_000 - i * 11_000;
        return { row, hash: `${row}7`, cells, truth: cells.at(-1)!, prediction: String(Number(cells.at(-1)) + loss), right: false, loss };
      }),
    };
  }
  const cells = profile.preview[2] ?? [];
  const [truth, prediction] = split === "test" ? ["Chinstrap", "Adelie"] : ["Adelie", "Chinstrap"];
  return {
    columns,
    mistakes: [
      { row: 182, hash: "1827", cells, truth: truth!, prediction: prediction!, right: false, loss: 1.77, sure: 0.83 },
      { row: 12, hash: "127", cells, truth: "Adelie", prediction: "Adelie", right: true, loss: 0.4, sure: 0.67 },
      { row: 190, hash: "1907", cells, truth: "Chinstrap", prediction: "Chinstrap", right: true, loss: 0.3, sure: 0.74 },
      { row: 300, hash: "3007", cells, truth: "Gentoo", prediction: "Gentoo", right: true, loss: 0.1, sure: 0.9 },
    ],
  };
}

export function importance(profile: TableProfile, made: TrainPlan): Importance {
  const names = profile.columns.filter(({ name, ignored }) => name !== made.target && !ignored).map(({ name }) => name);
  const columns = names.map((name, i) => ({ name, drop: 0.4 * 0.55 ** i - 0.004, spread: 0.02 * 0.7 ** i }));
  const metric = made.task === "regression" ? "r2" : "accuracy";
  return { version: 1, split: "test", rows: made.rows.test, repeats: 5, metric, base: 0.9, columns };
}
