// Beyond 100,000 rows a profile estimates what need not be exact; what must be exact stays so, in whatever row it stands.
import { afterAll, expect, test } from "vitest";
import { withTable, workplace } from "./open.ts";

const place = workplace();
afterAll(() => place.remove());

test("estimates stay near, counts and extremes are exact, a late odd value is found", async () => {
  const rows = 120_000;
  const line = (i: number) => {
    const x = i === 119_876 ? "-7" : i === 110_011 ? "oops" : i % 10 === 3 ? "NA" : String(((i * 7919) % rows) / 4);
    const day = new Date(1.6e12 + (i % 400) * 864e5).toISOString().slice(0, 10);
    return `${i + 5},${x},${day},${i % 3 ? "red" : "blue"},${i % 5 === 0 ? "  " : `note ${(i * 31) % rows} of the day`},${i % 7000}-x`;
  };
  const text = `id,x,day,colour,note,code\n${Array.from({ length: rows }, (_, i) => line(i)).join("\n")}\n`;
  await withTable(place.write("large.csv", text), place.cache, ({ profile }) => {
    const of = (name: string) => profile.columns.find((column) => column.name === name)!;
    expect(profile.rows).toBe(rows);
    expect(of("id")).toMatchObject({ type: "number", integer: true, min: 5, max: rows + 4, missing: 0, ignored: "identifier" });
    const x = of("x");
    expect(x).toMatchObject({ type: "number", min: -7, missing: 12_001 });
    expect(x.mean! / 15_000).toBeCloseTo(1, 2);
    expect(x.quartiles![1] / 15_000).toBeCloseTo(1, 1);
    const counted = x.histogram!.counts.reduce((sum, count) => sum + count, 0);
    expect(Math.abs(counted - (rows - x.missing))).toBeLessThanOrEqual(10);
    for (const count of x.histogram!.counts) expect(count / 5400).toBeCloseTo(1, 0);
    expect(of("day")).toMatchObject({ type: "date", first: "2020-09-13", last: "2021-10-17" });
    expect(Math.abs(of("day").distinct - 400)).toBeLessThan(60);
    expect(of("colour")).toMatchObject({ type: "category", distinct: 2, top: [{ value: "red", count: 80_000 }, { value: "blue", count: 40_000 }] }); // prettier-ignore
    expect(of("note")).toMatchObject({ type: "text", ignored: "freeText", missing: 24_000 });
    expect(of("code")).toMatchObject({ type: "category", distinct: 7000 });
    expect(of("code").top![0]!.count).toBe(18);
    expect(profile.problems).toContainEqual(
      expect.objectContaining({ code: "missingMarks", column: "x", data: { marks: '"NA"', count: 12_000 } }),
    );
    expect(profile.problems).toContainEqual(expect.objectContaining({ code: "unreadableNumbers", column: "x", row: 110_012 }));
  });
});
