// The curve of a run as columns for a chart, kept small however long the run: when it grows over its limit, every second point
// between evaluations goes; evaluations go only when they alone are too many. The first and the newest point always stay.
import type { CurvePoint } from "../../ipc/types.ts";

export interface CurveColumns {
  x: number[];
  train: (number | null)[];
  validation: (number | null)[];
  metric: (number | null)[];
}

export const emptyColumns: CurveColumns = { x: [], train: [], validation: [], metric: [] };

export class Curve {
  #points: CurvePoint[] = [];
  #limit: number;

  constructor(points: readonly CurvePoint[] = [], limit = 3000) {
    this.#limit = limit;
    this.add(points);
  }

  /** Points in order; a point at or before the last one replaces what follows it (a run resumed from its checkpoint). */
  add(points: readonly CurvePoint[]): void {
    for (const point of points) {
      while (this.#points.length && this.#points.at(-1)!.step >= point.step) this.#points.pop();
      this.#points.push(point);
    }
    while (this.#points.length > this.#limit) this.#thin();
  }

  get length(): number {
    return this.#points.length;
  }

  columns(): CurveColumns {
    return {
      x: this.#points.map((point) => point.step),
      train: this.#points.map((point) => point.trainLoss),
      validation: this.#points.map((point) => point.validationLoss ?? null),
      metric: this.#points.map((point) => point.metric ?? null),
    };
  }

  #thin(): void {
    const last = this.#points.length - 1;
    const plain = this.#points.filter((point) => point.validationLoss === undefined).length;
    const crowded = plain > this.#points.length / 2;
    let seen = 0;
    this.#points = this.#points.filter((point, i) => {
      if (i === 0 || i === last || (crowded && point.validationLoss !== undefined)) return true;
      return seen++ % 2 === 0;
    });
  }
}
