// Tables for tests and the dev page: made, not measured, the same every time.
import type { ColumnProfile, TableProfile } from "../../ipc/types.ts";

/** mulberry32: small, seeded, good enough for pictures. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Counts of a bell with its middle at `at` (0…1), for a histogram. */
function bell(at: number, width: number, total: number, bins = 20): number[] {
  const raw = Array.from({ length: bins }, (_, i) => Math.exp(-(((i + 0.5) / bins - at) ** 2) / (2 * width * width)));
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((x) => Math.round((x / sum) * total));
}

function number(name: string, min: number, max: number, at: number, extra: Partial<ColumnProfile> = {}): ColumnProfile {
  const counts = bell(at, 0.16, 10_000 - (extra.missing ?? 0));
  const middle = min + (max - min) * at;
  return {
    name,
    type: "number",
    missing: 0,
    distinct: Math.min(9000, Math.round(max - min)),
    integer: true,
    min,
    max,
    mean: middle,
    std: (max - min) * 0.16,
    quartiles: [Math.round(middle - (max - min) * 0.1), Math.round(middle), Math.round(middle + (max - min) * 0.1)],
    histogram: { edges: counts.map((_, i) => min + ((max - min) * i) / counts.length).concat(max), counts },
    examples: [String(min), String(Math.round(middle))],
    ...extra,
  };
}

function category(name: string, values: [string, number][], extra: Partial<ColumnProfile> = {}): ColumnProfile {
  return {
    name,
    type: "category",
    missing: 0,
    distinct: values.length,
    top: values.map(([value, count]) => ({ value, count })),
    examples: values.slice(0, 3).map(([value]) => value),
    ...extra,
  };
}

const districts: [string, number][] = [
  ["Old Town", 3120],
  ["Harbour", 2440],
  ["North Hill", 1830],
  ["Riverside", 1410],
  ["Garden City", 760],
  ["Mill Quarter", 440],
];

const soldCounts = bell(0.6, 0.3, 10_000);

/** 10,000 homes; the price is to be predicted. */
export const homes: TableProfile = {
  kind: "table",
  file: "homes.csv",
  bytes: 612_480,
  rows: 10_000,
  columns: [
    {
      name: "id",
      type: "number",
      missing: 0,
      distinct: 10_000,
      integer: true,
      min: 1,
      max: 10_000,
      mean: 5000.5,
      std: 2886,
      examples: ["1", "2", "3"],
      ignored: "identifier",
    },
    number("area", 18, 340, 0.3),
    number("rooms", 1, 12, 0.28, { distinct: 12 }),
    number("built", 1880, 2024, 0.66, { missing: 412 }),
    category("district", districts),
    category(
      "heating",
      [
        ["gas", 5210],
        ["district heating", 2380],
        ["heat pump", 1105],
        ["oil", 391],
      ],
      { missing: 914 },
    ),
    {
      name: "sold",
      type: "date",
      missing: 0,
      distinct: 1826,
      format: "%Y-%m-%d",
      first: "2019-01-02",
      last: "2023-12-29",
      histogram: { edges: soldCounts.map((_, i) => 1546387200000 + i * 7_873_000_000).concat(1703808000000), counts: soldCounts },
      examples: ["2019-01-02", "2021-06-14"],
    },
    {
      name: "remarks",
      type: "text",
      missing: 3120,
      distinct: 6610,
      examples: ["Quiet street, south-facing balcony, close to the tram"],
      ignored: "freeText",
    },
    number("price", 62_000, 1_840_000, 0.22, { distinct: 7420 }),
  ],
  problems: [
    {
      code: "missingMarks",
      column: "heating",
      data: { marks: "n/a", count: 914 },
      message: "In 'heating', 'n/a' is read as missing (914 rows).",
      hint: "If it means something, write it differently in the file.",
    },
    {
      code: "duplicateRows",
      row: 4412,
      data: { rows: 37 },
      message: "37 rows are copies of others.",
      hint: "They stay in one part, so that the test is fair.",
    },
    {
      code: "identifierColumn",
      column: "id",
      data: {},
      message: "'id' numbers the rows and is not used as an input.",
      hint: "Nothing to do.",
    },
    {
      code: "freeTextColumn",
      column: "remarks",
      data: {},
      message: "'remarks' is free text, which is not used yet.",
      hint: "Nothing to do.",
    },
  ],
  dialect: { delimiter: ",", quote: '"', header: true, encoding: "UTF-8" },
  targets: [
    { column: "area", task: "regression" },
    { column: "rooms", task: "regression" },
    { column: "built", task: "regression" },
    { column: "district", task: "classification" },
    { column: "heating", task: "classification" },
    { column: "price", task: "regression" },
  ],
  target: { column: "price", task: "regression", reason: "name" },
  preview: [],
  fingerprint: "5b1c".repeat(16),
};

/** A row of homes.csv, the same for the same number. */
export function homeRow(row: number): string[] {
  const next = random(row * 7919);
  const area = Math.round(28 + next() * 190);
  const rooms = Math.max(1, Math.round(area / 28));
  const built = 1890 + Math.floor(next() * 134);
  const [district] = districts[Math.floor(next() * districts.length)]!;
  const heating = ["gas", "gas", "district heating", "heat pump", ""][Math.floor(next() * 5)]!;
  const sold = new Date(1546387200000 + Math.floor(next() * 1.57e11)).toISOString().slice(0, 10);
  const remarks = next() < 0.3 ? "" : "Quiet street, south-facing balcony";
  const price = Math.round((area * 3100 + (built - 1900) * 420 + next() * 90_000) / 100) * 100;
  return [String(row), String(area), String(rooms), next() < 0.05 ? "" : String(built), district, heating, sold, remarks, String(price)];
}
homes.preview = Array.from({ length: 20 }, (_, i) => homeRow(i + 1));

/** 344 penguins of three species. */
export const penguins: TableProfile = {
  ...homes,
  file: "penguins.csv",
  bytes: 13_478,
  rows: 344,
  columns: [
    category("species", [
      ["Adelie", 152],
      ["Gentoo", 124],
      ["Chinstrap", 68],
    ]),
    category("island", [
      ["Biscoe", 168],
      ["Dream", 124],
      ["Torgersen", 52],
    ]),
    number("bill_length_mm", 32.1, 59.6, 0.45, { integer: false, missing: 2, distinct: 164 }),
    number("bill_depth_mm", 13.1, 21.5, 0.5, { integer: false, missing: 2, distinct: 80 }),
    number("flipper_length_mm", 172, 231, 0.5, { missing: 2 }),
    number("body_mass_g", 2700, 6300, 0.4, { missing: 2, distinct: 94 }),
    category(
      "sex",
      [
        ["male", 168],
        ["female", 165],
      ],
      { missing: 11 },
    ),
  ],
  problems: [
    {
      code: "fewRows",
      data: { rows: 344 },
      message: "There are only 344 rows, so chance plays a part in the score.",
      hint: "More rows make it firmer.",
    },
  ],
  targets: [
    { column: "species", task: "classification" },
    { column: "island", task: "classification" },
    { column: "body_mass_g", task: "regression" },
    { column: "sex", task: "classification" },
  ],
  target: { column: "species", task: "classification", reason: "name" },
  preview: Array.from({ length: 20 }, (_, i) => [
    ["Adelie", "Gentoo", "Chinstrap"][i % 3]!,
    ["Torgersen", "Biscoe", "Dream"][i % 3]!,
    String(39.1 + i / 10),
    "18.7",
    String(181 + i),
    String(3750 + 25 * i),
    i % 2 ? "male" : "female",
  ]),
  fingerprint: "77aa".repeat(16),
};
