// A table with each kind of trouble: every one is told, for the target that is chosen, and gives its rows.
import { afterAll, describe, expect, test, vi } from "vitest";
import type { Problem, TrainSpec } from "../../ipc/types.ts";
import { Random } from "../../worker/random.ts";
import { health, problemRows } from "../../worker/train/kinds/health.ts";
import { errorOf, workplace } from "./open.ts";

// Several looks at a table each: more than the usual minute on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

const place = workplace();
afterAll(() => place.remove());
const source = () => ({ cache: place.cache, signal: new AbortController().signal });

const random = new Random(3, "health");
const size = 600;
const table = Array.from({ length: size }, (_, i) => {
  const [a, b] = [random.normal(), random.normal()];
  const kind = a + b > 0 ? "yes" : "no";
  return {
    id: `R${1000 + i}`,
    patient: `P${i % 90}`,
    day: new Date(Date.UTC(2020, 0, 1 + i)).toISOString().slice(0, 10),
    a: (10 * a).toFixed(4),
    b: (10 * b).toFixed(4),
    city: ["Rome", "Paris", "Oslo"][i % 3]!,
    note: "fine",
    same: "x",
    gap: i % 3 ? "" : (i / 7).toFixed(3),
    verdict: kind === "yes" ? `ok${i % 2}` : `bad${i % 2}`,
    rare: i % 40 ? "usual" : "odd",
    price: (50 * a + 3 * b).toFixed(3),
    kind,
  };
});
// Row numbers from 1, as they are told.
const slips = table.flatMap((row, i) => (Math.abs(Number(row.a) + Number(row.b)) > 25 ? [i] : [])).slice(0, 3);
for (const i of slips) table[i]!.kind = table[i]!.kind === "yes" ? "no" : "yes";
table[50]!.a = "9999";
table[60]!.city = "rome";
table[61]!.city = "PARIS";
table[70]!.note = "caf\u00c3\u00a9";
table[71]!.note = "\ufffd\ufffd";
const columns = Object.keys(table[0]!);
/** Copies of the first twenty rows under other ids, of which two say otherwise. */
const copies = table
  .slice(0, 20)
  .map((row, i) => ({ ...row, id: `C${i}`, note: "FINE ", kind: i < 2 ? (row.kind === "yes" ? "no" : "yes") : row.kind }));
const lines = [...table, ...copies].map((row) => Object.values(row).join(","));
const file = place.write("troubled.csv", `${columns.join(",")}\n${lines.join("\n")}\n${lines[599]!}\n`);

const spec = (more: Partial<TrainSpec> = {}): TrainSpec => ({
  data: file,
  kind: "table",
  target: "kind",
  task: "classification",
  ignore: ["verdict"],
  ...more,
});
const look = (more: Partial<TrainSpec> = {}) => health(spec(more), source());
const find = (problems: readonly Problem[], code: Problem["code"], column?: string) =>
  problems.find((one) => one.code === code && (column === undefined || one.column === column));
const rows = async (code: Problem["code"], column?: string, more: Partial<TrainSpec> = {}, offset = 0, limit = 50) =>
  problemRows(spec(more), { code, ...(column === undefined ? {} : { column }), offset, limit }, source());
const numbers = async (...asked: Parameters<typeof rows>) => (await rows(...asked)).rows.map(({ row }) => row);

describe("a troubled table", () => {
  let problems: Problem[] = [];
  test("each trouble is told once, with its column", async () => {
    problems = await look();
    const told = problems.map(({ code, column }) => `${code}${column === undefined ? "" : ` ${column}`}`);
    for (const wanted of [
      "leakyColumn verdict",
      "outliers a",
      "spellingVariants city",
      "brokenLetters note",
      "groupColumn patient",
      "timeColumn day",
      "nearDuplicateRows",
      "contradictoryRows kind",
      "labelSuspects kind",
      "duplicateRows",
      "constantColumn same",
      "identifierColumn id",
      "mostlyMissing gap",
    ])
      expect(told, wanted).toContain(wanted);
    expect(new Set(told).size).toBe(told.length);
    expect(problems.filter(({ code, shows }) => !shows && code !== "emptyColumn")).toEqual([]);
  });

  test("the rows behind each are the right ones", async () => {
    expect(await numbers("outliers", "a")).toEqual([51]);
    expect((await numbers("brokenLetters", "note")).sort()).toEqual([71, 72]);
    expect(await numbers("duplicateRows")).toEqual([600, 621]);
    const variants = await rows("spellingVariants", "city");
    expect(new Set(variants.rows.map(({ cells }) => cells[columns.indexOf("city")]))).toContain("PARIS");
    expect(variants.column).toBe(columns.indexOf("city"));
    const near = await rows("nearDuplicateRows");
    expect(near.total).toBe(40);
    expect(near.rows.slice(0, 2).map(({ cells }) => cells[3])).toEqual([near.rows[0]!.cells[3], near.rows[0]!.cells[3]]);
    expect((await rows("contradictoryRows", "kind")).total).toBe(4);
    const gap = await rows("mostlyMissing", "gap", {}, 0, 1000);
    expect(gap.rows.every(({ cells }) => cells[columns.indexOf("gap")] === "")).toBe(true);
    expect(gap.total).toBe([...table, ...copies, table[599]!].filter((row) => row.gap === "").length);
    const suspects = await numbers("labelSuspects", "kind", {}, 0, 200);
    for (const i of slips) expect(suspects).toContain(i + 1);
  });

  test("pages follow one another", async () => {
    const all = await numbers("mostlyMissing", "gap", {}, 0, 30);
    expect([...(await numbers("mostlyMissing", "gap", {}, 0, 10)), ...(await numbers("mostlyMissing", "gap", {}, 10, 20))]).toEqual(all);
  });

  test("copies across the split are counted as the split is", async () => {
    const across = find(problems, "nearDuplicatesAcross");
    const shown = across ? await rows("nearDuplicatesAcross") : undefined;
    expect(across?.data["count"]).toBeGreaterThan(0);
    expect(shown!.total).toBeGreaterThan(Number(across!.data["count"]));
    // All rows of a patient on one side: so are their copies.
    expect(find(await look({ splitBy: { by: "group", column: "patient" } }), "nearDuplicatesAcross")).toBeUndefined();
    expect(find(await look({ split: false }), "nearDuplicatesAcross")).toBeUndefined();
  });

  test("another target is looked at for itself", async () => {
    const rare = await look({ target: "rare" });
    expect(find(rare, "unevenClasses", "rare")?.data).toMatchObject({ class: "odd" });
    expect(find(rare, "leakyColumn", "verdict")).toBeUndefined();
    expect((await rows("unevenClasses", "rare", { target: "rare" })).total).toBe(find(rare, "unevenClasses")!.data["least"]);
    const gap = await look({ target: "gap", task: "regression" });
    expect(find(gap, "targetMissingRows", "gap")).toBeDefined();
    expect(find(gap, "contradictoryRows")).toBeUndefined();
  });

  test("what has no rows, or comes as a text that is no column, is refused", async () => {
    expect(await errorOf(rows("noHeader"))).toMatchObject({ code: "usage" });
    expect(await errorOf(rows("outliers", "a' OR 1=1 --"))).toMatchObject({ code: "usage" });
    expect(await errorOf(rows("__proto__" as "outliers", "a"))).toMatchObject({ code: "usage" });
    expect(await errorOf(rows("outliers"))).toMatchObject({ code: "usage" });
  });
});

test("a clean table has nothing to tell of this kind", async () => {
  const clean = Array.from({ length: 300 }, () => [random.normal(), random.normal()] as const);
  const path = place.write(
    "clean.csv",
    `a,b,y\n${clean.map(([a, b]) => `${a},${b},${a + b + 0.5 * random.normal() > 0 ? "up" : "down"}`).join("\n")}\n`,
  );
  const found = await health({ data: path, target: "y" }, source());
  expect(found.map(({ code }) => code).filter((code) => code !== "labelSuspects")).toEqual([]);
});

test("texts: copies with other codes, broken letters and slips of the label", async () => {
  const spam = "win cash prize claim now free urgent call mobile award".split(" ");
  const ham = "see you tomorrow at home for dinner with mum love".split(" ");
  const pick = (words: string[]) => Array.from({ length: 9 }, () => words[Math.floor(random.uniform() * words.length)]).join(" ");
  const texts = Array.from({ length: 300 }, (_, i) => [pick(i % 3 ? ham : spam), i % 3 ? "ham" : "spam"] as [string, string]);
  texts[9]![1] = "ham";
  texts.push(
    ["Your code is 1234, do not share it with anybody at all", "ham"],
    ["YOUR code is 9876 - do not share it with anybody at all!", "spam"],
  );
  texts.push(["see you at the caf\u00c3\u00a9 tomorrow for dinner with mum and love", "ham"]);
  const path = place.write("sms.csv", `text,label\n${texts.map(([text, label]) => `"${text}",${label}`).join("\n")}\n`);
  const asked: TrainSpec = { data: path, kind: "text", target: "label" };
  const found = await health(asked, source());
  const codes = found.map(({ code }) => code);
  expect(codes).toEqual(expect.arrayContaining(["nearDuplicateRows", "contradictoryRows", "brokenLetters", "labelSuspects"]));
  // Texts that differ in codes alone are parted together.
  expect(codes).not.toContain("nearDuplicatesAcross");
  const shown = async (code: Problem["code"], column?: string) =>
    (await problemRows(asked, { code, ...(column ? { column } : {}), offset: 0, limit: 20 }, source())).rows.map(({ row }) => row);
  expect(await shown("contradictoryRows", "label")).toEqual([301, 302]);
  expect(await shown("labelSuspects", "label")).toContain(10);
});
