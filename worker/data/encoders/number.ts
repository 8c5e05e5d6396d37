// A number becomes z = (v - median) / quartile range, then z / sqrt(1 + (z/3)²), which leaves the middle alone and bends outliers
// into ±3 (Holzmüller, Grinsztajn, Steinwart 2024, "Better by Default", RealMLP). Missing becomes 0, the median, with a mark of its
// own where the train rows had any. SQL and ONNX do the same float32 operations in the same order.
import type { Builder, Value } from "../../ops/builder.ts";
import { float32 } from "../../tensor.ts";
import type { Database } from "../duckdb.ts";
import type { NumberFormat } from "../numbers.ts";
import type { Reading } from "../readings.ts";

export interface NumberEncoder {
  kind: "number";
  column: string;
  /** float32 values. */
  center: number;
  scale: number;
  fill: number;
  hasMissing: boolean;
  /** Different quantiles of what z is bent to, from the least value to the greatest; absent in runs of before. */
  edges?: number[];
  /** How the training file wrote the column, and what it wrote for missing: for reading other files alike. */
  format: NumberFormat;
  missing: string[];
}

/** Parts of equal count that the edges bound. A column of fewer values has each of them among its edges. */
const parts = 64;
/** Edges nearer to each other than this are one: float32 could not tell what lies between. */
const leastGap = 1e-4;

/** Where z is cut before its square could overflow. */
const most = 1e9;

/** Median and quartile range of `expression` over `source`, or a deviation where the quartiles are equal. Exact, whatever the threads. */
export async function centerAndScale(
  database: Database,
  source: string,
  expressions: readonly string[],
  signal?: AbortSignal,
): Promise<{ center: number; scale: number; present: number; rows: number }[]> {
  const all: { center: number; scale: number; present: number; rows: number }[] = [];
  for (let from = 0; from < expressions.length; from += 64) {
    const part = expressions.slice(from, from + 64);
    const wanted = part.flatMap((v) => [
      `count(${v})`,
      `min(${v})`,
      `max(${v})`,
      ...[0.25, 0.5, 0.75].map((q) => `quantile_cont(${v}, ${q})`),
    ]);
    const [facts] = await database.rows(`SELECT count(*), ${wanted.join(", ")} FROM ${source}`, signal);
    for (const [i, v] of part.entries()) {
      const [present, min, max, low, middle, high] = facts!.slice(1 + i * 6, 7 + i * 6).map(Number);
      let scale = high! - low!;
      if (!(Math.fround(scale) > 0)) scale = 1.349 * (await meanAndStd(database, source, v, min!, max!, signal)).std; // the quartile range of a normal
      if (!(Math.fround(scale) > 0) || !Number.isFinite(Math.fround(scale))) scale = 1;
      all.push({ center: Math.fround(middle!) || 0, scale: Math.fround(scale), present: present!, rows: Number(facts![0]) });
    }
  }
  return all;
}

/** Mean and standard deviation by whole numbers, which add up to the same in any order: runs are repeatable to the bit. */
export async function meanAndStd(
  database: Database,
  source: string,
  v: string,
  min: number,
  max: number,
  signal?: AbortSignal,
): Promise<{ mean: number; std: number }> {
  const range = max - min;
  if (!(range > 0) || !Number.isFinite(range)) return { mean: min, std: 0 };
  const unit = `((${v} - (${min})::DOUBLE) / (${range})::DOUBLE)`;
  const fine = 2 ** 40;
  const [facts] = await database.rows(
    `SELECT count(${v}), sum(round(${unit} * ${fine}::DOUBLE)::HUGEINT)::DOUBLE, sum(round(${unit} * ${unit} * ${fine}::DOUBLE)::HUGEINT)::DOUBLE FROM ${source}`,
    signal,
  );
  const [n, first, second] = facts!.map(Number);
  const mean = first! / fine / n!;
  return { mean: min + range * mean, std: range * Math.sqrt(Math.max(0, second! / fine / n! - mean * mean)) };
}

export async function fitNumbers(
  database: Database,
  source: string,
  readings: readonly Reading[],
  signal?: AbortSignal,
): Promise<NumberEncoder[]> {
  const facts = await centerAndScale(
    database,
    source,
    readings.map(({ index }) => `v${index}`),
    signal,
  );
  const quantiles = await quantilesOf(
    database,
    source,
    readings.map(({ index }) => `v${index}`),
    signal,
  );
  return readings.map((reading, i) => {
    const { center, scale, present, rows } = facts[i]!;
    const format = reading.type === "number" ? reading.format : "plain";
    return {
      kind: "number",
      column: reading.name,
      center,
      scale,
      fill: center,
      hasMissing: present < rows,
      edges: edgesOf(quantiles[i]!, center, scale),
      format,
      missing: reading.missing,
    };
  });
}

/** 65 quantiles of each expression over `source`, from the least value to the greatest; none where all are missing. */
export async function quantilesOf(
  database: Database,
  source: string,
  values: readonly string[],
  signal?: AbortSignal,
): Promise<number[][]> {
  const all: number[][] = [];
  const levels = Array.from({ length: parts + 1 }, (_, i) => i / parts).join(", ");
  for (let from = 0; from < values.length; from += 64) {
    const wanted = values.slice(from, from + 64).map((v) => `quantile_disc(${v}, [${levels}])::VARCHAR`);
    const [row] = await database.rows(`SELECT ${wanted.join(", ")} FROM ${source}`, signal);
    for (const list of row!)
      all.push(
        String(list ?? "")
          .match(/-?\d[\d.e+-]*/g)
          ?.map(Number) ?? [],
      );
  }
  return all;
}

/** Quantiles as the network sees the numbers, each once. */
export function edgesOf(quantiles: readonly number[], center: number, scale: number): number[] {
  const edges: number[] = [];
  for (const value of quantiles) {
    const z = Math.min(most, Math.max(-most, (value - center) / scale));
    const bent = Math.fround(z / Math.sqrt(1 + (z / 3) ** 2));
    if (Number.isFinite(bent) && !(bent - edges.at(-1)! < leastGap)) edges.push(bent);
  }
  return edges;
}

/** A float32 constant in SQL, to the bit. */
export function floatSql(value: number): string {
  return `'${Math.fround(value)}'::DOUBLE::FLOAT`;
}

/** SQL: z of a FLOAT or DOUBLE expression; NULL where it is missing or beyond float32. */
export function zSql(v: string, center: number, scale: number): string {
  return `((TRY_CAST(${v} AS FLOAT) - ${floatSql(center)}) / ${floatSql(scale)})`;
}

/** SQL: z (a column, FLOAT) cut to where its square fits, 0 where it is missing. */
export function cutSql(z: string): string {
  // greatest and least pass NULL over, hence the CASE.
  return `CASE WHEN ${z} IS NULL THEN ${floatSql(0)} ELSE greatest(${floatSql(-most)}, least(${floatSql(most)}, ${z})) END`;
}

/** SQL: what cutSql made (a column), bent. */
export function bendSql(cut: string): string {
  const third = `(${cut} / ${floatSql(3)})`;
  return `${cut} / sqrt(${floatSql(1)} + ${third} * ${third})::FLOAT`;
}

/** ONNX: the same; v (n, k) without NaN, center and scale (k). */
export function bend(g: Builder, v: Value, center: Float32Array, scale: Float32Array): Value {
  const vector = (values: Float32Array): Value => g.constant(float32([values.length], values));
  const z = g.clip(g.div(g.sub(v, vector(center)), vector(scale)), -most, most); // (n, k)
  const third = g.div(z, 3);
  return g.div(z, g.sqrt(g.add(g.mul(third, third), 1)));
}

/** ONNX: all numbers at once. Inputs (n, 1) float32, NaN or infinite for missing → z (n, k) and the marks of missing (n, m). */
export function numbersOnnx(g: Builder, encoders: readonly NumberEncoder[], inputs: readonly Value[]): Value[] {
  if (encoders.length === 0) return [];
  const x = inputs.length === 1 ? inputs[0]! : g.op("Concat", [...inputs], { axis: 1 }); // (n, k)
  const missing = g.or(g.isNaN(x), g.isInf(x));
  const fills = g.constant(
    float32(
      [encoders.length],
      Float32Array.from(encoders, ({ fill }) => fill),
    ),
  );
  const centers = Float32Array.from(encoders, ({ center }) => center);
  const scales = Float32Array.from(encoders, ({ scale }) => scale);
  const z = bend(g, g.where(missing, fills, x), centers, scales);
  const marked = encoders.flatMap(({ hasMissing }, i) => (hasMissing ? [i] : []));
  if (marked.length === 0) return [z];
  return [z, g.op("Gather", [g.cast(missing, "float32"), g.list(marked)], { axis: 1 })]; // (n, m)
}
