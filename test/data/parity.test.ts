// The preprocessing twice: as SQL for training, as ONNX nodes in the exported model. Both read the same raw cells and must agree.
import { afterAll, describe, expect, test } from "vitest";
import type { TableTask } from "../../ipc/types.ts";
import { encodeTable } from "../../worker/data/encode.ts";
import { edgesOf, encodeColumns, type Encoding, fitEncoding } from "../../worker/data/encoding.ts";
import { numberOf } from "../../worker/data/numbers.ts";
import type { Table } from "../../worker/data/table.ts";
import { Builder } from "../../worker/ops/builder.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { float32, strings, type Tensor } from "../../worker/tensor.ts";
import { shared } from "../shared.ts";
import { withTable, workplace } from "./open.ts";

const place = workplace();
afterAll(() => place.remove());

const split = { seed: 1, split: false };

/** What the exported nodes make of raw cells. */
async function onnx(table: Table, encoding: Encoding, cells: string[][]): Promise<{ x: number[]; codes: number[] }> {
  const g = new Builder("columns");
  const { x, codes } = encodeColumns(g, encoding);
  g.output(x, "x");
  g.output(codes, "codes");
  const engine = await openEngine("cpu");
  const session = await engine.load(g.graph);
  const feeds: Record<string, Tensor> = {};
  for (const encoder of encoding.encoders) {
    const at = table.profile.columns.findIndex(({ name }) => name === encoder.column);
    const column = cells.map((row) => row[at]!);
    feeds[encoder.column] =
      encoder.kind === "number"
        ? float32(
            [column.length, 1],
            column.map((cell) => numberOf(cell, encoder.format)),
          )
        : strings([column.length, 1], column);
  }
  const result = await session.run(feeds);
  await session.dispose();
  await engine.dispose();
  return { x: Array.from(result["x"]!.data as Float32Array), codes: Array.from(result["codes"]!.data as BigInt64Array, Number) };
}

/** Largest difference in x; codes must be equal. */
async function compare(table: Table, target: string, task: TableTask, fitted?: Encoding): Promise<number> {
  const encoding = fitted ?? (await fitEncoding(table, { target, task, split }));
  const encoded = await encodeTable(table, encoding, { split, scratch: place.folder });
  const batch = await encoded.train.range(0, Math.min(3000, encoded.train.rows));
  const all = await table.rows(0, table.profile.rows);
  const cells = Array.from(batch.rowNumbers, (row) => all[row - 1]!);
  const there = await onnx(table, encoding, cells);
  expect(there.codes).toEqual(Array.from(batch.codes.data, Number));
  expect(there.x.length).toBe(batch.x.data.length);
  await encoded.close();
  return there.x.reduce((most, v, i) => Math.max(most, Object.is(v, batch.x.data[i]) ? 0 : Math.abs(v - batch.x.data[i]!)), 0);
}

const dates = [
  ["iso", ["2024-01-31", "1999-12-01", "2000-02-29", "1968-07-04", "2024-1-3"]],
  ["iso time", ["2024-01-31 23:59:07", "1999-12-01 00:00:00.25", "2024-02-29 12:30:00Z", "2020-01-01 05:06:07+01:00"]],
  ["iso T", ["2024-01-31T23:59", "1999-12-01T00:00", "2024-02-29T12:30"]],
  ["us", ["1/31/2024", "12/1/1999", "2/29/2000"]],
  ["us short", ["1/31/24", "12/1/99", "2/29/00", "07/04/68", "7/4/69"]],
  ["us pm", ["1/31/2024 11:59 PM", "12/1/1999 12:00 AM", "2/29/2000 12:30 PM"]],
  ["german", ["31.1.2024", "01.12.1999", "29.02.2000"]],
  ["chinese", ["2024年1月31日", "1999年12月01日", "2000年2月29日"]],
  ["names", ["31 Jan 2024", "1 December 1999", "29 feb 2000"]],
  ["names us", ["Jan 31, 2024", "December 1, 1999", "FEB 29, 2000"]],
  ["month", ["2024-01", "1999-12", "2000-02"]],
  ["together", ["20240131", "19991201", "20000229"]],
] as const;

describe("SQL and ONNX agree", () => {
  test.each(dates)("dates: %s", async (name, cells) => {
    const rows = [...cells, "", "", ...cells].map((cell, i) => `"${cell}",${i % 3},${i * 1.5}`);
    const file = place.write(`${name}.csv`, `date,n,y\n${rows.join("\n")}\n`);
    await withTable(file, place.cache, async (table) => {
      expect(table.profile.columns[0]!.type).toBe("date");
      expect(await compare(table, "y", "regression")).toBe(0);
    });
  });

  test("of dates what varies is told, with bins for the time; runs of before tell what they did", async () => {
    const rows = Array.from(
      { length: 90 },
      (_, i) => `2020-05-${String((i % 28) + 1).padStart(2, "0")} 07:${10 + (i % 50)},w${i % 4},${i}`,
    );
    await withTable(place.write("may.csv", `when,word,y\n${rows.join("\n")}\n`), place.cache, async (table) => {
      const encoding = await fitEncoding(table, { target: "y", task: "regression", split });
      const date = encoding.encoders.find((encoder) => encoder.kind === "date")!;
      expect(date.told).toEqual(["weekday", "day", "yearDay"]);
      expect(encoding.numeric).toBe(1 + 2 + 1 + 4);
      const [edges, ...others] = edgesOf(encoding);
      expect(edges!.length).toBeGreaterThan(20);
      expect(edges).toEqual([...edges!].sort((a, b) => a - b));
      expect(others).toEqual(Array.from({ length: 7 }, () => []));
      const { told: _, edges: __, ...before } = date;
      const old = {
        ...encoding,
        encoders: encoding.encoders.map((encoder) => (encoder === date ? before : encoder)),
        numeric: 1 + 2 + 2 + 2 + 1,
      };
      expect(edgesOf(old).flat()).toEqual([]);
      expect(await compare(table, "y", "regression", old)).toBe(0);
    });
  });

  test("a day has its place in the year, whatever the year", async () => {
    const days = ["2023-01-01", "2024-03-01", "2023-03-01", "2024-02-29", "2024-12-31", "2023-07-02"];
    await withTable(place.write("year.csv", `when,y\n${days.map((day, i) => `${day},${i}`).join("\n")}\n`), place.cache, async (table) => {
      const encoding = await fitEncoding(table, { target: "y", task: "regression", split: { seed: 1, split: false } });
      const { x } = await onnx(
        table,
        encoding,
        days.map((day) => [day, "0"]),
      );
      const width = encoding.numeric;
      const angles = days.map((_, i) => {
        const [sin, cos, sin2, cos2] = x.slice((i + 1) * width - 4, (i + 1) * width);
        expect(sin2).toBeCloseTo(2 * sin! * cos!, 5);
        expect(cos2).toBeCloseTo(cos! * cos! - sin! * sin!, 5);
        return ((Math.atan2(sin!, cos!) / (2 * Math.PI)) * 366 + 366) % 366;
      });
      for (const [i, place] of [0, 60, 60, 59, 365, 183].entries()) expect(angles[i]).toBeCloseTo(place, 3);
    });
  });

  test("unreadable dates and unknown words", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `2020-01-${String((i % 28) + 1).padStart(2, "0")}, w${i % 4} ,${i}`);
    rows.push("soon,?,61", ",NA,62", "2020-13-45,w9,63");
    const file = place.write("odd.csv", `when,word,y\n${rows.join("\n")}\n`);
    await withTable(file, place.cache, async (table) => {
      expect(table.profile.columns.map(({ type }) => type)).toEqual(["date", "category", "number"]);
      expect(await compare(table, "y", "regression")).toBe(0);
    });
  });

  test("numbers of all sizes, missing and written by people", async () => {
    const odd = ["", "1e30", "-1e30", "1e-30", "3.4e38", "1e39", "0", "-0", "16777217", "0.1", "NA"];
    const rows = Array.from(
      { length: 400 },
      (_, i) => `${odd[i] ?? i / 7},"$${i},${String(i % 1000).padStart(3, "0")}.50",${i % 50 ? 0 : i},${i % 2 ? "True" : "False"},${i}`,
    );
    const file = place.write("numbers.csv", `a,b,mostly zero,flag,y\n${rows.join("\n")}\n`);
    await withTable(file, place.cache, async (table) => {
      expect(table.profile.columns.map(({ type }) => type)).toEqual(["number", "number", "number", "category", "number"]);
      expect(await compare(table, "y", "regression")).toBeLessThanOrEqual(1e-6);
    });
  });

  test("only words, and only numbers", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${"ab"[i % 2]},${"xyz"[i % 3]}`);
    await withTable(place.write("words.csv", `p,q\n${rows.join("\n")}\n`), place.cache, async (table) => {
      expect(await compare(table, "q", "classification")).toBe(0);
    });
    const numbers = Array.from({ length: 30 }, (_, i) => `${i * 1.25},${i * i}`);
    await withTable(place.write("only.csv", `p,q\n${numbers.join("\n")}\n`), place.cache, async (table) => {
      expect(await compare(table, "q", "regression")).toBe(0);
    });
  });

  test
    .skipIf(!shared("data/tables"))
    .each(["titanic/titanic.csv", "adult_income/adult-test.csv", "bike_sharing/hour.csv", "telco_churn/Telco-Customer-Churn.csv"])(
    "%s",
    async (name) => {
      await withTable(shared(`data/tables/${name}`)!, place.cache, async (table) => {
        const { column, task } = table.profile.target!;
        expect(await compare(table, column, task)).toBeLessThanOrEqual(1e-6);
      });
    },
  );
});
