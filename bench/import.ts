// One case of bench/import.mjs, in a process of its own: `make` writes the rows, the others read them and print {cpu, wall, peak, phases?}.
import { DuckDBInstance } from "@duckdb/node-api";
import { closeSync, existsSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openTable } from "../worker/data/table.ts";
import { Random } from "../worker/random.ts";

const [way, file, ...rest] = process.argv.slice(2) as [string, string, ...string[]];

const cities = ["Amsterdam", "Berlin", "北京", "上海", "New York", "São Paulo", "Zürich", "Nairobi", "Osaka", "Lima", "Quito", "Perth"];
const words = "light heavy small red broken, returned by the customer late again without box \"as new\" spare parts warm cold blue old fine".split(" "); // prettier-ignore
const jobs = ["admin", "technician", "services", "management", "retired", "blue-collar", "unemployed", "student"];

/** The value of column `c` in row `r`: numbers, dates, words and texts as files have them, "" or NA for missing. */
const kinds: [string, (random: Random, r: number) => string][] = [
  ["id", (_, r) => String(100_000 + r)],
  ["age", (x) => String(18 + Math.floor(x.uniform() * 70))],
  ["amount", (x) => (Math.exp(x.uniform() * 9) - 0.5).toFixed(2)],
  ["score", (x) => (x.uniform() < 0.05 ? "NA" : (x.uniform() * 2 - 1).toPrecision(7))],
  ["city", (x) => cities[Math.floor(x.uniform() ** 2 * cities.length)]!],
  ["job", (x) => (x.uniform() < 0.03 ? "" : jobs[Math.floor(x.uniform() * jobs.length)]!)],
  ["day", (x) => new Date(1.5e12 + Math.floor(x.uniform() * 2000) * 864e5).toISOString().slice(0, 10)],
  ["at", (x) => new Date(1.5e12 + Math.floor(x.uniform() * 1.7e11)).toISOString().slice(0, 19).replace("T", " ")],
  ["note", (x) => Array.from({ length: 2 + Math.floor(x.uniform() * 7) }, () => words[Math.floor(x.uniform() * words.length)]!).join(" ")],
  ["count", (x) => (x.uniform() < 0.1 ? "" : String(Math.floor(x.uniform() * x.uniform() * 5000)))],
  ["code", (x) => "ABCDEFGHJK"[Math.floor(x.uniform() * 10)]! + String(Math.floor(x.uniform() * 900) + 100)],
  ["bought", (x) => (x.uniform() < 0.3 ? "yes" : "no")],
];

function write(rows: number, columns: number): void {
  const random = new Random(7, "import");
  const out = openSync(file, "w");
  const json = file.endsWith("l");
  const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const all = Array.from({ length: columns }, (_, c): (typeof kinds)[number] =>
    c < kinds.length ? kinds[c]! : [`x${c}`, (x) => (x.uniform() * 100 * (c - 10)).toFixed(3)],
  );
  let pending = json ? "" : all.map(([name]) => name).join(",") + "\n";
  for (let r = 0; r < rows; r++) {
    const cells = all.map(([, make]) => make(random, r));
    pending += json
      ? `{${cells.map((cell, c) => `"${all[c]![0]}":${cell === "" || cell === "NA" ? "null" : /^-?(0|[1-9]\d*)(\.\d+)?$/.test(cell) ? cell : JSON.stringify(cell)}`).join(",")}}\n`
      : cells.map(quoted).join(",") + "\n";
    if (pending.length > 1 << 22) {
      writeSync(out, pending);
      pending = "";
    }
  }
  writeSync(out, pending);
  closeSync(out);
}

async function make(rows: number, columns: number): Promise<void> {
  if (existsSync(file)) return;
  if (!file.endsWith(".parquet")) return write(rows, columns);
  const csv = file.replace(/parquet$/, "csv");
  if (!existsSync(csv)) throw new Error(`make ${csv} first`);
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  await connection.run(`COPY (SELECT * FROM read_csv('${csv}')) TO '${file}' (FORMAT parquet)`);
}

const reads = file.endsWith("l") ? "read_json" : file.endsWith(".parquet") ? "read_parquet" : "read_csv";

async function alone(out: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(out, "t.duckdb"));
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE t AS SELECT * FROM ${reads}('${file}')`);
  if (way.endsWith("summarize")) await (await connection.run("SUMMARIZE t")).getRows();
  await connection.run("CHECKPOINT");
  connection.closeSync();
  instance.closeSync();
}

interface Cost {
  cpu: number;
  wall: number;
}

const cost = (since: { cpu: NodeJS.CpuUsage; wall: number }): Cost => {
  const { user, system } = process.cpuUsage(since.cpu);
  return { cpu: (user + system) / 1e6, wall: (performance.now() - since.wall) / 1000 };
};
const now = () => ({ cpu: process.cpuUsage(), wall: performance.now() });

if (way === "make") await make(Number(rest[0]), Number(rest[1]));
else {
  const began = now();
  const phases: Record<string, Cost> = {};
  if (way === "import") {
    let last: string | undefined;
    let since = began;
    const end = (): void => {
      if (last !== undefined) phases[last] = cost(since);
      since = now();
    };
    const table = await openTable(file, {
      cache: rest[0]!,
      onProgress: (what) => {
        if (what === last) return;
        end();
        last = what;
      },
    });
    end();
    await table.close();
  } else await alone(rest[0]!);
  console.log(JSON.stringify({ ...cost(began), peak: Math.round(process.resourceUsage().maxRSS / 1024), phases }));
}
