import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Random } from "../random.ts";
import { datePartsSql, dateStructSql, isoDaysSql } from "./dates.ts";
import { Database, literal } from "./duckdb.ts";

test.each(["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"])(
  "what the engine reads itself of %s is what the expression reads",
  async (format) => {
    const random = new Random(5, format);
    const digits = (count: number, below = 10 ** count): string => String(Math.floor(random.uniform() * below)).padStart(count, "0");
    const blank = format.includes("T") ? "T" : " ";
    const texts = Array.from({ length: 4000 }, () => {
      let text = `${digits(4)}-${digits(2, 14)}-${digits(2, 33)}`;
      if (format.includes("%H")) text += `${blank}${digits(2, 26)}:${digits(2, 62)}:${digits(2, 62)}`;
      const kind = random.uniform();
      if (kind < 0.7) return text;
      const at = Math.floor(random.uniform() * text.length);
      return text.slice(0, at) + "-+ /:T0b.,(年"[Math.floor(random.uniform() * 12)]! + text.slice(kind < 0.9 ? at + 1 : at);
    });
    texts.push(
      "-123-01-01",
      "infinity",
      "0000-01-01",
      "2024-02-30",
      "2024-02-29",
      "9999-12-31",
      `2024-02-29${blank}24:00:00`,
      `2024-02-29${blank}23:59:59`,
    );
    const scratch = mkdtempSync(join(tmpdir(), "paddock-dates-"));
    const database = await Database.open(":memory:", { scratch });
    try {
      const rows = `(SELECT unnest([${texts.map(literal).join(", ")}]) AS t)`;
      const parts = datePartsSql("s", format);
      const slow = `(${parts.days} + (${parts.hour} * 60 + ${parts.minute}) / 1440.0)::DOUBLE`;
      const found = await database.rows(
        `SELECT t, ${isoDaysSql("t", format)} AS fast, ${slow} AS slow FROM (SELECT t, ${dateStructSql("t", format)} AS s FROM ${rows})`,
      );
      expect(found.filter(([, fast, slow]) => fast !== null && fast !== slow)).toEqual([]);
      expect(found.filter(([, fast]) => fast !== null).length).toBeGreaterThan(500);
    } finally {
      database.close();
      rmSync(scratch, { recursive: true, force: true });
    }
  },
);
