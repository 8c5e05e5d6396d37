// Where things lie in the lesson's pictures: windows onto the plane, scales to pixels, ticks, a line cut to its window. It draws
// what it is given; where the line should go is the engine's business alone.
import type { Line, Point } from "../../state/lesson.svelte.ts";

/** A rectangle of the plane. */
export interface Frame {
  x: readonly [number, number];
  y: readonly [number, number];
}

/** 1, 2 or 5 times a power of ten, at or above `size`. */
export function niceStep(size: number): number {
  if (!(size > 0) || !Number.isFinite(size)) return 1;
  const power = 10 ** Math.floor(Math.log10(size) + 1e-12);
  const head = size / power;
  const nice = head <= 1 + 1e-9 ? 1 : head <= 2 + 1e-9 ? 2 : head <= 5 + 1e-9 ? 5 : 10;
  return Number((nice * power).toPrecision(1));
}

/** The nearest multiple of `step`, without binary dust (0.30000000000000004). */
export function snap(value: number, step: number): number {
  const digits = Math.min(12, Math.max(0, -Math.floor(Math.log10(step))));
  return Number((Math.round(value / step) * step).toFixed(digits)) + 0;
}

/** Multiples of a nice step inside [low, high], about `count` of them. */
export function ticks([low, high]: readonly [number, number], count: number): number[] {
  const step = niceStep((high - low) / Math.max(1, count));
  const all: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) all.push(snap(i * step, step));
  return all;
}

/** Low and high moved outwards to multiples of a nice step. */
function rounded(low: number, high: number): [number, number] {
  const step = niceStep((high - low) / 8);
  return [snap(Math.floor(low / step + 1e-9) * step, step), snap(Math.ceil(high / step - 1e-9) * step, step)];
}

/** The window for these points: both axes in sight, some room around. */
export function frameOf(points: readonly Point[]): Frame {
  const span = (values: number[]): [number, number] => {
    const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
    const room = (high - low || 1) * 0.18;
    return rounded(low < 0 ? low - room : 0, high > 0 ? high + room : 0);
  };
  const x = span(points.map((p) => p.x));
  const y = span(points.map((p) => p.y));
  return { x: x[0] === x[1] ? [0, 1] : x, y: y[0] === y[1] ? [0, 1] : y };
}

export interface Scale {
  left(x: number): number;
  top(y: number): number;
  x(left: number): number;
  y(top: number): number;
}

/** Between the plane and a box of pixels; y grows upwards on the plane, downwards on the screen. */
export function scaleTo(frame: Frame, box: { left: number; top: number; width: number; height: number }): Scale {
  const [x0, x1] = frame.x;
  const [y0, y1] = frame.y;
  return {
    left: (x) => box.left + ((x - x0) / (x1 - x0)) * box.width,
    top: (y) => box.top + box.height - ((y - y0) / (y1 - y0)) * box.height,
    x: (left) => x0 + ((left - box.left) / box.width) * (x1 - x0),
    y: (top) => y0 + ((box.top + box.height - top) / box.height) * (y1 - y0),
  };
}

/** The part of y = a·x + b inside the frame, or null where the line has left it. */
export function cutLine({ a, b }: Line, frame: Frame): [Point, Point] | null {
  const [y0, y1] = frame.y;
  let [from, to] = [...frame.x];
  if (Math.abs(a) < 1e-12) {
    if (b < y0 || b > y1) return null;
  } else {
    const [enter, leave] = [(y0 - b) / a, (y1 - b) / a].sort((p, q) => p - q) as [number, number];
    [from, to] = [Math.max(from, enter), Math.min(to, leave)];
  }
  if (!(from <= to)) return null;
  const at = (x: number): Point => ({ x, y: Math.min(y1, Math.max(y0, a * x + b)) });
  return [at(from), at(to)];
}

/**
 * The window onto the bowl: the lines (a, b) worth looking at. Its middle is the line through the outermost points, a first
 * glance; it grows by doubling, three times at the most, to hold the walk.
 */
export function bowlFrame(points: readonly Point[], path: readonly Line[]): Frame {
  const sorted = [...points].sort((p, q) => p.x - q.x);
  const [first, last] = [sorted[0] ?? { x: 0, y: 0 }, sorted.at(-1) ?? { x: 1, y: 1 }];
  const ys = points.map((p) => p.y);
  const tall = Math.max(...ys, first.y) - Math.min(...ys, first.y) || 1;
  const wide = last.x - first.x || 1;
  const slope = last.x > first.x ? (last.y - first.y) / wide : 0;
  const step = niceStep(tall / wide / 4);
  const middle = { a: snap(slope, step), b: snap(first.y - slope * first.x, niceStep(tall / 4)) };
  let half = { a: (1.5 * tall) / wide, b: 1.5 * tall };
  for (let i = 0; i < 3; i++) {
    if (path.every((p) => Math.abs(p.a - middle.a) <= half.a && Math.abs(p.b - middle.b) <= half.b)) break;
    half = { a: half.a * 2, b: half.b * 2 };
  }
  return { x: [middle.a - half.a, middle.a + half.a], y: [middle.b - half.b, middle.b + half.b] };
}

/** Of all lines y = a·x + b the mean squared gap to the points, as one function with its sums worked out once. */
export function bowlOf(points: readonly Point[]): (a: number, b: number) => number {
  const n = Math.max(1, points.length);
  let [x, y, xx, xy, yy] = [0, 0, 0, 0, 0];
  for (const p of points) {
    x += p.x / n;
    y += p.y / n;
    xx += (p.x * p.x) / n;
    xy += (p.x * p.y) / n;
    yy += (p.y * p.y) / n;
  }
  return (a, b) => Math.max(0, a * a * xx + 2 * a * b * x + b * b - 2 * a * xy - 2 * b * y + yy);
}
