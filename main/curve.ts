// A run's curve as it is shown: at most 2,000 points with the first, the last and every stretch's extremes kept, so that no spike is lost.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { CurvePoint, TextSample } from "../ipc/types.ts";
import { fileError, isMissing } from "./files.ts";

export const curveLimit = 2000;

/** At most `limit` of the points, in order: first, last, and of each stretch the lowest and highest training and validation loss. */
export function thin(points: readonly CurvePoint[], limit: number = curveLimit): CurvePoint[] {
  if (points.length <= limit) return [...points];
  const stretches = Math.max(1, Math.floor((limit - 2) / 4));
  const keep = new Set<number>([0, points.length - 1]);
  for (let s = 0; s < stretches; s++) {
    const from = Math.floor((s * points.length) / stretches);
    const to = Math.floor(((s + 1) * points.length) / stretches);
    for (const key of ["trainLoss", "validationLoss"] as const) {
      let low = -1;
      let high = -1;
      for (let i = from; i < to; i++) {
        const value = points[i]![key];
        if (value === undefined || Number.isNaN(value)) continue;
        if (low < 0 || value < points[low]![key]!) low = i;
        if (high < 0 || value > points[high]![key]!) high = i;
      }
      if (low >= 0) keep.add(low).add(high);
    }
  }
  return [...keep].sort((a, b) => a - b).map((i) => points[i]!);
}

/** A curve that grows: memory stays bounded, and a run that was resumed replaces what it takes again. */
export class Curve {
  #points: CurvePoint[] = [];

  add(point: CurvePoint): void {
    // After a resume from a checkpoint, steps beyond it are done again: the old ones never happened.
    while (this.#points.length > 0 && this.#points.at(-1)!.step >= point.step) this.#points.pop();
    this.#points.push(point);
    if (this.#points.length > 3 * curveLimit) this.#points = thin(this.#points, curveLimit);
  }

  points(): CurvePoint[] {
    return thin(this.#points);
  }
}

/** Reads metrics.jsonl. A torn last line (the process died while writing) is passed over; so is a missing file. */
export async function readCurve(path: string): Promise<Curve> {
  const curve = new Curve();
  await eachLine<CurvePoint>(path, (point) => {
    if (typeof point.step === "number" && typeof point.epoch === "number" && typeof point.trainLoss === "number") curve.add(point);
  });
  return curve;
}

/** Reads samples.jsonl in the same way, in the order of the steps. */
export async function readSamples(path: string): Promise<TextSample[]> {
  const samples = new Map<number, TextSample>();
  await eachLine<TextSample>(path, (sample) => {
    if (typeof sample.step === "number" && typeof sample.text === "string" && typeof sample.prompt === "string")
      samples.set(sample.step, sample);
  });
  return [...samples.values()].sort((a, b) => a.step - b.step);
}

async function eachLine<T>(path: string, take: (value: T) => void): Promise<void> {
  try {
    const lines = createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Infinity });
    for await (const line of lines) {
      const value = parsed<T>(line);
      if (typeof value === "object" && value !== null) take(value);
    }
  } catch (thrown) {
    if (!isMissing(thrown)) throw fileError(thrown, path);
  }
}

function parsed<T>(line: string): T | null | undefined {
  try {
    return JSON.parse(line) as T | null;
  } catch {
    return undefined;
  }
}
