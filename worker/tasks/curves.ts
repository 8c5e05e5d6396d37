// ROC and precision-recall curves, one class against the rest, and their areas: what scikit-learn's roc_curve, roc_auc_score,
// precision_recall_curve and average_precision_score give on the same scores. Equal scores are one step.
import type { ClassCurves, CurveLine, Curves } from "../../ipc/types.ts";
import { reliability } from "./reliability.ts";

const limits = { classes: 20, points: 200, grid: 101, cells: 5_000_000 };

/** Counts at each distinct score, falling: true and false positives with a threshold there. */
interface Steps {
  tp: Float64Array;
  fp: Float64Array;
  positives: number;
  negatives: number;
}

/**
 * Curves of every class that occurs and is not all there is. A row of a class that training never saw (truth < 0) is left out.
 * @param probabilities (n, classes), row-major   @param pause called between classes
 */
export async function classCurves(
  probabilities: Float32Array,
  truth: Int32Array,
  names: readonly string[],
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<Curves | undefined> {
  const width = names.length;
  const rows = someRows(truth, Math.max(1000, Math.floor(limits.cells / width)));
  const support = new Float64Array(width);
  for (const i of rows) support[truth[i]!]!++;
  const rankable = [...names.keys()].filter((c) => support[c]! > 0 && support[c]! < rows.length);
  if (rankable.length === 0) return undefined;
  const shown = new Set([...rankable].sort((a, b) => support[b]! - support[a]! || a - b).slice(0, limits.classes));
  const classes: Curves["classes"] = [];
  const sum = { auc: 0, ap: 0, roc: new Float64Array(limits.grid), pr: new Float64Array(limits.grid) };
  for (const c of rankable) {
    const steps = stepsOf(probabilities, truth, rows, c, width);
    const [auc, ap] = [areaUnderRoc(steps), averagePrecision(steps)];
    sum.auc += auc;
    sum.ap += ap;
    addTo(sum.roc, rocAt(steps));
    addTo(sum.pr, precisionAt(steps));
    if (shown.has(c)) {
      const bins = reliability(rows.length, (k) => probabilities[rows[k]! * width + c]!, (k) => truth[rows[k]!] === c); // prettier-ignore
      classes.push({ name: names[c]!, support: support[c]!, auc, ap, roc: rocLine(steps), pr: prLine(steps), reliability: bins });
    }
    await pause();
  }
  const count = rankable.length;
  const grid = Array.from({ length: limits.grid }, (_, i) => i / (limits.grid - 1));
  const mean = (values: Float64Array) => Array.from(values, (v) => round(v / count));
  const macro: ClassCurves = {
    auc: sum.auc / count,
    ap: sum.ap / count,
    roc: { x: [0, ...grid], y: [0, ...mean(sum.roc)] },
    pr: { x: grid, y: mean(sum.pr) },
  };
  return { classes, ...(width > 2 ? { macro } : {}), ...(rows.length < truth.length ? { sampled: rows.length } : {}) };
}

/** Rows whose class is known, at most so many, at even distances. */
function someRows(truth: Int32Array, most: number): Uint32Array {
  const known = Uint32Array.from(truth.keys()).filter((i) => truth[i]! >= 0);
  if (known.length <= most) return known;
  return Uint32Array.from({ length: most }, (_, i) => known[Math.floor((i * known.length) / most)]!);
}

/** Score and label in one number: the bits of a float32 ≥ 0 are in its order, so a plain sort ranks the rows. */
function stepsOf(probabilities: Float32Array, truth: Int32Array, rows: Uint32Array, c: number, width: number): Steps {
  const score = new Float32Array(1);
  const bits = new Uint32Array(score.buffer);
  const keys = new Float64Array(rows.length);
  let positives = 0;
  for (let k = 0; k < rows.length; k++) {
    const i = rows[k]!;
    const p = probabilities[i * width + c]!;
    score[0] = p > 0 ? p : 0;
    const own = truth[i] === c;
    if (own) positives++;
    keys[k] = bits[0]! * 2 + (own ? 1 : 0);
  }
  keys.sort();
  const tp: number[] = [];
  const fp: number[] = [];
  let [t, f] = [0, 0];
  for (let k = keys.length - 1; k >= 0; k--) {
    const key = keys[k]!;
    if (key % 2 === 1) t++;
    else f++;
    if (k > 0 && Math.floor(keys[k - 1]! / 2) === Math.floor(key / 2)) continue;
    tp.push(t);
    fp.push(f);
  }
  return { tp: Float64Array.from(tp), fp: Float64Array.from(fp), positives, negatives: rows.length - positives };
}

function areaUnderRoc({ tp, fp, positives, negatives }: Steps): number {
  let area = 0;
  let [t, f] = [0, 0];
  for (let k = 0; k < tp.length; k++) {
    area += ((fp[k]! - f) * (tp[k]! + t)) / 2;
    [t, f] = [tp[k]!, fp[k]!];
  }
  return area / (positives * negatives);
}

/** Σ (Rₖ − Rₖ₋₁) · Pₖ */
function averagePrecision({ tp, fp, positives }: Steps): number {
  let sum = 0;
  let before = 0;
  for (let k = 0; k < tp.length; k++) {
    sum += ((tp[k]! - before) / positives) * (tp[k]! / (tp[k]! + fp[k]!));
    before = tp[k]!;
  }
  return sum;
}

/** From (0, 0) to (1, 1). */
function rocLine({ tp, fp, positives, negatives }: Steps): CurveLine {
  return thinned([0, ...Array.from(fp, (f) => f / negatives)], [0, ...Array.from(tp, (t) => t / positives)]);
}

/** From recall 0, where the precision is that of the surest answers, to recall 1. */
function prLine({ tp, fp, positives }: Steps): CurveLine {
  const precision = Array.from(tp, (t, k) => t / (t + fp[k]!));
  return thinned([0, ...Array.from(tp, (t) => t / positives)], [precision[0]!, ...precision]);
}

/** The true positive rate at even false positive rates, the upper end where the curve stands upright. */
function rocAt({ tp, fp, positives, negatives }: Steps): Float64Array {
  const out = new Float64Array(limits.grid);
  let k = -1; // the last step at or before the rate
  for (let i = 0; i < limits.grid; i++) {
    const at = (i / (limits.grid - 1)) * negatives;
    while (k + 1 < tp.length && fp[k + 1]! <= at + 1e-9) k++;
    const [f0, t0] = k < 0 ? [0, 0] : [fp[k]!, tp[k]!];
    const next = k + 1;
    const share = next < tp.length ? (at - f0) / (fp[next]! - f0) : 0;
    out[i] = (t0 + share * ((tp[next] ?? t0) - t0)) / positives;
  }
  return out;
}

/** The precision where the recall first reaches each of even recalls. */
function precisionAt({ tp, fp, positives }: Steps): Float64Array {
  const out = new Float64Array(limits.grid);
  let k = 0;
  for (let i = 0; i < limits.grid; i++) {
    const at = (i / (limits.grid - 1)) * positives;
    while (k < tp.length - 1 && tp[k]! < at - 1e-9) k++;
    out[i] = tp[k]! / (tp[k]! + fp[k]!);
  }
  return out;
}

/** At most 200 of the points, at even distances along the line, both ends among them. */
export function thinned(x: readonly number[], y: readonly number[]): CurveLine {
  const keep: number[] = [];
  if (x.length <= limits.points) keep.push(...x.keys());
  else {
    let length = 0;
    const along = x.map((value, i) => (length += i ? Math.abs(value - x[i - 1]!) + Math.abs(y[i]! - y[i - 1]!) : 0));
    let next = 0;
    for (let i = 0; i < x.length; i++) {
      if (i === x.length - 1 || along[i]! >= (next * length) / (limits.points - 1) - 1e-12) {
        keep.push(i);
        next = Math.max(next + 1, Math.floor((along[i]! * (limits.points - 1)) / length + 1e-9) + 1);
      }
    }
    if (keep.length > limits.points) keep.splice(-2, 1);
  }
  return { x: keep.map((i) => round(x[i]!)), y: keep.map((i) => round(y[i]!)) };
}

function addTo(sum: Float64Array, values: Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!;
}

/** Five digits after the point: finer than a screen. */
const round = (x: number) => Math.round(x * 1e5) / 1e5;
