import { expect, test } from "vitest";
import { buildReport, classScores, type ReportInput, verdict } from "./report.ts";
import type { Answers } from "./task.ts";

const metrics = { train: { accuracy: 0.9 }, validation: { accuracy: 0.8 }, test: { accuracy: 0.75 } };
const baseline = { constant: { accuracy: 0.5 }, linear: { accuracy: 0.75 } };
const rows = { train: 8, validation: 1, test: 4 };
const samples = (asked: readonly number[]) =>
  Promise.resolve(new Map(asked.map((row) => [row, { cells: [`cell ${row}`], hash: `h${row}` }])));
/** One split alone, as the test rows. */
const asTest = (answers: Answers, rowNumbers: Uint32Array) => ({
  train: null,
  validation: null,
  test: { answers, rowNumbers, of: answers.truth.length },
});

test("classification: verdict, confusion, and the surest wrong answer first", async () => {
  const input: ReportInput = {
    kind: "table",
    task: "classification",
    truth: "classes",
    metric: "accuracy",
    target: "kind",
    classes: ["a", "b"],
    rows,
    metrics,
    baseline,
    columns: ["c"],
    parts: asTest(
      { predicted: Float32Array.from([0.9, 0.1, 0.4, 0.6, 0.2, 0.8, 0.7, 0.3]), truth: Int32Array.from([0, 0, 0, 1]) },
      Uint32Array.from([11, 12, 13, 14]),
    ),
    samples,
  };
  const { report, mistakes } = await buildReport(input);
  expect(report.verdict).toEqual({
    beatsConstant: true,
    beatsLinear: false,
    metric: "accuracy",
    network: 0.75,
    constant: 0.5,
    linear: 0.75,
  });
  expect(report.parts.test!.confusion).toEqual({
    labels: ["a", "b"],
    counts: [
      [1, 2],
      [1, 0],
    ],
  });
  expect(mistakes.parts.test.map(({ row, truth, prediction, right }) => [row, truth, prediction, right])).toEqual([
    [13, "a", "b", false],
    [14, "b", "a", false],
    [12, "a", "b", false],
    [11, "a", "a", true], // of every cell of the matrix a few are kept
  ]);
  expect(mistakes.parts.test[0]).toMatchObject({ cells: ["cell 13"], hash: "h13", sure: 0.8 });
  expect(mistakes.parts.test[0]!.loss).toBeCloseTo(-Math.log(0.2), 5);
  expect(report.parts.test).toMatchObject({ rows: 4, of: 4, wrong: 3, kept: 4 });
  expect(report.parts.train).toBeNull();
  expect(report.metrics.test).toMatchObject({ accuracy: 0.75, rocAuc: report.parts.test!.curves!.classes[1]!.auc });
});

test("many classes: the 20 most frequent, the rest together", async () => {
  const classes = Array.from({ length: 30 }, (_, i) => `k${i}`);
  const truth = Int32Array.from({ length: 300 }, (_, i) => (i < 60 ? 29 : i % 30));
  const predicted = new Float32Array(300 * 30);
  for (let i = 0; i < 300; i++) predicted[i * 30 + truth[i]!] = 1;
  const { report, mistakes } = await buildReport({
    kind: "table",
    task: "classification",
    truth: "classes",
    metric: "accuracy",
    target: "k",
    classes,
    rows,
    metrics,
    baseline,
    columns: [],
    parts: asTest(
      { predicted, truth },
      Uint32Array.from({ length: 300 }, (_, i) => i + 1),
    ),
    samples,
  });
  expect(report.parts.test!.confusion!.labels).toHaveLength(21);
  expect(report.parts.test!.confusion!.labels).toContain("k29");
  expect(report.parts.test!.confusion!.counts.flat().reduce((a, b) => a + b)).toBe(300);
  expect(mistakes.parts.test.every(({ right }) => right)).toBe(true);
});

test("regression: scatter thinned, largest gaps first", async () => {
  const truth = Float64Array.from({ length: 5000 }, (_, i) => i);
  const predicted = Float32Array.from(truth, (v) => (v === 77 ? 1000 : v));
  const regression = { r2: 0.5 };
  const { report, mistakes } = await buildReport({
    kind: "table",
    task: "regression",
    truth: "values",
    metric: "r2",
    target: "y",
    rows,
    metrics: { train: regression, validation: null, test: null },
    baseline: { constant: { r2: 0 }, linear: { r2: 0.4 } },
    columns: [],
    parts: asTest(
      { predicted, truth },
      Uint32Array.from(truth, (v) => v + 1),
    ),
    samples,
  });
  expect(report.parts.test!.scatter!.truth).toHaveLength(2000);
  expect(mistakes.parts.test[0]).toMatchObject({ row: 78, truth: "77", prediction: "1000", loss: 923 });
  expect(mistakes.parts.test).toHaveLength(200);
  expect(report.verdict.beatsLinear).toBe(true);
});

test("a tie is not a win", () => expect(verdict("r2", { r2: 0.4 }, { constant: { r2: 0 }, linear: { r2: 0.4 } }).beatsLinear).toBe(false));

test("a class that training never saw is wrong, and has the name that its row says", async () => {
  const { report, mistakes } = await buildReport({
    kind: "table",
    task: "classification",
    truth: "classes",
    metric: "accuracy",
    target: "kind",
    classes: ["a", "b"],
    rows,
    metrics,
    baseline,
    columns: ["c"],
    parts: asTest(
      { predicted: Float32Array.from([0.9, 0.1, 0.4, 0.6, 0.3, 0.7]), truth: Int32Array.from([0, -1, 1]) },
      Uint32Array.from([1, 2, 3]),
    ),
    samples: (asked) => Promise.resolve(new Map(asked.map((row) => [row, { cells: [], ...(row === 2 ? { truth: "new" } : {}) }]))),
  });
  expect(mistakes.parts.test[0]).toMatchObject({ row: 2, truth: "new", prediction: "b", right: false });
  expect(report.parts.test).toMatchObject({ rows: 3, wrong: 1 });
  expect(report.parts.test!.curves!.classes[0]!.support).toBe(1);
});

test("of a great many wrong answers 200 are kept, and a few of every cell besides", async () => {
  const n = 3000;
  const classes = ["a", "b", "c"];
  const truth = Int32Array.from({ length: n }, (_, i) => i % 3);
  const predicted = new Float32Array(n * 3).fill(0.2);
  for (let i = 0; i < n; i++) predicted[i * 3 + (i < 2900 ? (i + 1) % 3 : i % 3)] = 0.6;
  const input = {
    kind: "table",
    task: "classification",
    truth: "classes",
    metric: "accuracy",
    target: "k",
    classes,
    rows,
    metrics,
  } as const;
  const { mistakes } = await buildReport({
    ...input,
    classes,
    baseline,
    columns: [],
    parts: asTest(
      { predicted, truth },
      Uint32Array.from(truth.keys(), (i) => i + 1),
    ),
    samples,
  });
  const kept = mistakes.parts.test;
  expect(kept.filter(({ right }) => !right)).toHaveLength(200);
  expect(kept.filter(({ right }) => right)).toHaveLength(15);
});

test("precision, recall and F1 of each class; 0 where nothing was asked or answered", () => {
  const predicted = Float32Array.from([1, 0, 0, 1, 0, 0, 0, 1, 0]);
  expect(classScores({ predicted, truth: Int32Array.from([0, 1, 1]) }, ["a", "b", "c"])).toEqual([
    { name: "a", precision: 0.5, recall: 1, f1: 2 / 3, support: 1 },
    { name: "b", precision: 1, recall: 0.5, f1: 2 / 3, support: 2 },
    { name: "c", precision: 0, recall: 0, f1: 0, support: 0 },
  ]);
});
