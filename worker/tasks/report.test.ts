import { expect, test } from "vitest";
import { buildReport, type ReportInput, verdict } from "./report.ts";

const metrics = { train: { accuracy: 0.9 }, validation: { accuracy: 0.8 }, test: { accuracy: 0.75 } };
const baseline = { constant: { accuracy: 0.5 }, linear: { accuracy: 0.75 } };
const rows = { train: 8, validation: 1, test: 4 };
const cells = (row: number) => Promise.resolve([`cell ${row}`]);

test("classification: verdict, confusion, and the surest wrong answer first", async () => {
  const input: ReportInput = {
    task: "classification",
    truth: "classes",
    metric: "accuracy",
    target: "kind",
    classes: ["a", "b"],
    rows,
    metrics,
    baseline,
    columns: ["c"],
    answers: { predicted: Float32Array.from([0.9, 0.1, 0.4, 0.6, 0.2, 0.8, 0.7, 0.3]), truth: Int32Array.from([0, 0, 0, 1]) },
    rowNumbers: Uint32Array.from([11, 12, 13, 14]),
    cells,
  };
  const report = await buildReport(input);
  expect(report.verdict).toEqual({
    beatsConstant: true,
    beatsLinear: false,
    metric: "accuracy",
    network: 0.75,
    constant: 0.5,
    linear: 0.75,
  });
  expect(report.confusion).toEqual({
    labels: ["a", "b"],
    counts: [
      [1, 2],
      [1, 0],
    ],
  });
  expect(report.mistakes.map(({ row, truth, prediction }) => [row, truth, prediction])).toEqual([
    [13, "a", "b"],
    [14, "b", "a"],
    [12, "a", "b"],
  ]);
  expect(report.mistakes[0]!.cells).toEqual(["cell 13"]);
});

test("many classes: the 20 most frequent, the rest together", async () => {
  const classes = Array.from({ length: 30 }, (_, i) => `k${i}`);
  const truth = Int32Array.from({ length: 300 }, (_, i) => (i < 60 ? 29 : i % 30));
  const predicted = new Float32Array(300 * 30);
  for (let i = 0; i < 300; i++) predicted[i * 30 + truth[i]!] = 1;
  const report = await buildReport({
    task: "classification",
    truth: "classes",
    metric: "accuracy",
    target: "k",
    classes,
    rows,
    metrics,
    baseline,
    columns: [],
    answers: { predicted, truth },
    rowNumbers: Uint32Array.from({ length: 300 }, (_, i) => i + 1),
    cells,
  });
  expect(report.confusion!.labels).toHaveLength(21);
  expect(report.confusion!.labels).toContain("k29");
  expect(report.confusion!.counts.flat().reduce((a, b) => a + b)).toBe(300);
  expect(report.mistakes).toEqual([]);
});

test("regression: scatter thinned, largest gaps first", async () => {
  const truth = Float64Array.from({ length: 5000 }, (_, i) => i);
  const predicted = Float32Array.from(truth, (v) => (v === 77 ? 1000 : v));
  const regression = { r2: 0.5 };
  const report = await buildReport({
    task: "regression",
    truth: "values",
    metric: "r2",
    target: "y",
    rows,
    metrics: { train: regression, validation: null, test: null },
    baseline: { constant: { r2: 0 }, linear: { r2: 0.4 } },
    columns: [],
    answers: { predicted, truth },
    rowNumbers: Uint32Array.from(truth, (v) => v + 1),
    cells,
  });
  expect(report.scatter!.truth).toHaveLength(2000);
  expect(report.mistakes[0]).toMatchObject({ row: 78, truth: "77", prediction: "1000", badness: 923 });
  expect(report.mistakes).toHaveLength(20);
  expect(report.verdict.beatsLinear).toBe(true);
});

test("a tie is not a win", () => expect(verdict("r2", { r2: 0.4 }, { constant: { r2: 0 }, linear: { r2: 0.4 } }).beatsLinear).toBe(false));
