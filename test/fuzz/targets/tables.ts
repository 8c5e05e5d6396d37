// Tables of every format, by the one road that all take: told by its first bytes, read, profiled, looked into.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTable } from "../../../worker/data/table.ts";
import { makeFile } from "../../data/formatFiles.ts";
import type { Dice } from "../dice.ts";
import type { Input, Target } from "../target.ts";

async function readTable([bytes]: Input, folder: string, name: string): Promise<void> {
  const file = join(folder, name);
  writeFileSync(file, bytes!);
  const table = await openTable(file, { cache: join(folder, "cache") });
  try {
    await table.rows(0, 100);
  } finally {
    await table.close();
  }
}

const of = (name: string, reader: string, more: Partial<Target> = {}): Target => ({
  parts: [name],
  async seeds(folder) {
    mkdirSync(folder, { recursive: true });
    return [[readFileSync(await makeFile(folder, name))]];
  },
  read: (input, folder) => readTable(input, folder, name),
  code: new RegExp(`/worker/data/(readers/${reader}|dialect|repair|dates|numbers|missing|scan)`),
  ...more,
});

const texts: Input[] = [
  'id,name,when,value\n1,a,2024-01-02,0.5\n2,"b, c",2024-02-03,1e3\n3,,,\n4,"two\nlines",03.04.2024,1.234,5\n',
  "a;b\n1,5;x\n2,5;y\n",
  "\ufeffname\tcount\r\nü\t1\r\n表\t2\r\n",
  "x|y|z\n1|2|3\n4|5|6\n",
].map((text) => [Buffer.from(text)]);

/** Copies, drops and exchanges cells. */
function cells([bytes]: Input, dice: Dice): Input {
  const delimiter = dice.of([",", ";", "\t", "|"]);
  const rows = bytes!
    .toString("latin1")
    .split("\n")
    .map((row) => row.split(delimiter));
  const row = dice.of(rows);
  const at = dice(row.length);
  switch (dice(4)) {
    case 0:
      row.splice(at, 0, row[dice(row.length)]!);
      break;
    case 1:
      row.splice(at, 1);
      break;
    case 2:
      row[at] = dice.of([
        "",
        '"',
        '""',
        "NaN",
        "-",
        "n/a",
        "1e999",
        "0x1f",
        "1,5",
        "2024-13-45",
        "31.12.9999",
        "=1+1",
        "\u0000",
        "\r",
        `"${"x".repeat(3000)}"`,
      ]);
      break;
    default:
      for (const one of rows) one.splice(dice(one.length + 1), 0, String(dice(100)));
  }
  return [Buffer.from(rows.map((one) => one.join(delimiter)).join("\n"), "latin1")];
}

const csvMore = (extra: Input[]): Partial<Target> => ({
  async seeds(folder) {
    mkdirSync(folder, { recursive: true });
    return [[readFileSync(await makeFile(folder, "table.csv"))], ...extra];
  },
  change: cells,
  most: 2 ** 15,
});

export const csv = of("table.csv", "(csv|cleanCsv)", csvMore(texts));
export const tsv = { ...of("table.csv", "(csv|cleanCsv)", csvMore(texts)), parts: ["table.tsv"], read: (input: Input, folder: string) => readTable(input, folder, "table.tsv") }; // prettier-ignore
export const json = of("table.json", "json", { most: 2 ** 15 });
export const jsonl = of("table.jsonl", "json", { most: 2 ** 15 });
export const xlsx = of("table.xlsx", "(xlsx|xml|zip)");
export const parquet = of("table.parquet", "parquet");
export const arrow = of("table.arrow", "(arrow|lz4)");
export const arrowStream = of("stream.arrows", "(arrow|lz4)");
export const sqlite = of("table.sqlite", "sqlite");
export const duckdb = of("table.duckdb", "duckdb", { most: 2 ** 21 });
