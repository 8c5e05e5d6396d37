// Curves and scores beside scikit-learn's on the same answers (test/references/scores.py says how they were made).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { calibrationOf } from "./reliability.ts";
import { classCurves, thinned } from "./curves.ts";
import { classificationMetrics } from "./metrics.ts";
import { classScores } from "./report.ts";

interface Case {
  classes: number;
  truth: number[];
  probabilities: number[];
  own: number[];
  auc: number[];
  ap: number[];
  macroAuc: number;
  macroAp: number;
  ece: number;
  brier: number;
  precision: number[];
  recall: number[];
  f1: number[];
  support: number[];
  curve: {
    class: number;
    fpr: number[];
    tpr: number[];
    precision: number[];
    recall: number[];
    calibration: { true: number[]; mean: number[] };
  };
}
const { cases } = JSON.parse(readFileSync(new URL("../../test/references/scores.json", import.meta.url), "utf8")) as {
  cases: Record<string, Case>;
};

/** Five digits are kept of a curve's points. */
const digits = 5e-6 + 1e-9;
const near = (found: readonly number[], wanted: readonly number[], gap: number) => {
  expect(found).toHaveLength(wanted.length);
  found.forEach((value, i) => expect(Math.abs(value - wanted[i]!), `${i}: ${value} for ${wanted[i]}`).toBeLessThanOrEqual(gap));
};

describe.each(Object.entries(cases))("%s, as scikit-learn has it", (_, one) => {
  const names = Array.from({ length: one.classes }, (__, c) => `k${c}`);
  const truth = Int32Array.from(one.truth);
  const probabilities = Float32Array.from(one.probabilities);

  test("areas, of each class and their mean", async () => {
    const curves = (await classCurves(probabilities, truth, names))!;
    expect(curves.classes.map(({ name }) => name)).toEqual(one.own.map((c) => names[c]));
    near(curves.classes.map(({ auc }) => auc), one.auc, 1e-12); // prettier-ignore
    near(curves.classes.map(({ ap }) => ap), one.ap, 1e-12); // prettier-ignore
    if (one.classes === 2) expect(classificationMetrics(probabilities, truth, 2)["rocAuc"]).toBeCloseTo(one.auc[1]!, 12);
    else near([curves.macro!.auc, curves.macro!.ap], [one.macroAuc, one.macroAp], 1e-12);
  });

  test("the curves themselves", async () => {
    const curves = (await classCurves(probabilities, truth, names))!;
    const { roc, pr, reliability, support } = curves.classes.find(({ name }) => name === names[one.curve.class])!;
    expect(support).toBe(one.support[one.curve.class]);
    near(roc.x, one.curve.fpr, digits);
    near(roc.y, one.curve.tpr, digits);
    // scikit-learn begins with precision 1 at recall 0, which no answer gives; ours begins with that of the surest answers.
    near(pr.x, one.curve.recall, digits);
    near(pr.y.slice(1), one.curve.precision.slice(1), digits);
    near(reliability.map(({ accuracy }) => accuracy), one.curve.calibration.true, 1e-12); // prettier-ignore
    near(reliability.map(({ confidence }) => confidence), one.curve.calibration.mean, 1e-7); // prettier-ignore
  });

  test("calibration, precision, recall, F1", () => {
    const { ece, brier } = calibrationOf(probabilities, truth, one.classes);
    near([ece, brier], [one.ece, one.brier], 1e-7);
    const scores = classScores({ predicted: probabilities, truth }, names);
    for (const name of ["precision", "recall", "f1", "support"] as const) near(scores.map((score) => score[name]), one[name], 1e-12); // prettier-ignore
  });
});

test("a long curve is thinned to 200 points that lie on it, its ends among them", () => {
  const x = Array.from({ length: 50_000 }, (_, i) => i / 49_999);
  const y = x.map((v) => Math.sqrt(v));
  const line = thinned(x, y);
  expect(line.x.length).toBeLessThanOrEqual(200);
  expect(line.x.length).toBeGreaterThan(150);
  expect([line.x[0], line.y[0], line.x.at(-1), line.y.at(-1)]).toEqual([0, 0, 1, 1]);
  line.x.forEach((v, i) => expect(line.y[i]).toBeCloseTo(Math.sqrt(v), 2));
  const gaps = line.x.slice(1).map((v, i) => v - line.x[i]! + line.y[i + 1]! - line.y[i]!);
  expect(Math.max(...gaps)).toBeLessThan(0.02);
});

test("a macro curve is the mean of the classes' own", async () => {
  const one = cases["five classes"]!;
  const names = Array.from({ length: 5 }, (_, c) => `k${c}`);
  const curves = (await classCurves(Float32Array.from(one.probabilities), Int32Array.from(one.truth), names))!;
  const { x, y } = curves.macro!.roc;
  expect([x[0], y[0], x.at(-1), y.at(-1)]).toEqual([0, 0, 1, 1]);
  let area = 0;
  for (let i = 1; i < x.length; i++) area += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
  expect(area).toBeCloseTo(curves.macro!.auc, 2);
});

test("where only one class occurs there is nothing to rank", async () => {
  expect(await classCurves(Float32Array.from([0.9, 0.1, 0.2, 0.8]), Int32Array.from([0, 0]), ["a", "b"])).toBeUndefined();
});

test("a great many answers are ranked by some at even distances, which is said", async () => {
  const rows = 130_000;
  const classes = 40;
  const truth = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const curves = (await classCurves(new Float32Array(rows * classes).fill(0.025), truth, Array.from({ length: classes }, String)))!;
  expect(curves.sampled).toBe(125_000);
  expect(curves.classes).toHaveLength(20);
  expect(curves.macro!.auc).toBeCloseTo(0.5, 9);
});
