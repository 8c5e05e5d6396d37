// Every table through the whole of training (read, encode, train, test), in this process, against scikit-learn on the same rows.
// The course is planned as for a user, and walked to its end however slow the machine is just now: what is cut off by a clock on a busy machine
// compares with nothing. So time is told as processor seconds.
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Metrics, RunReport, RunResult, TrainSpec } from "../ipc/types.ts";
import { Control } from "../worker/train/control.ts";
import { table } from "../worker/train/kinds/table.ts";
import { readJson } from "../worker/train/files.ts";
import { runPaths, trainRun } from "../worker/train/run.ts";
import { type Entry, tables } from "./tableFiles.ts";
import { askPeer } from "./tablesPeer.ts";

const { values: options, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    config: { type: "string", default: "{}" },
    spec: { type: "string", default: "{}" },
    seeds: { type: "string", default: "1" },
    peers: { type: "string", default: "boosting" },
    json: { type: "string" },
  },
});
const shared = process.env["PADDOCK_SHARED"] ?? resolve(import.meta.dirname, "../../../shared");
const peer = process.env["PADDOCK_PEER"] ?? join(shared, "tools/peer-python");
const scratch = await mkdtemp(join(tmpdir(), "paddock-tables-"));
const cache = join(tmpdir(), "paddock-tables-cache");
const signal = new AbortController().signal;
const peers = options.peers === "none" || !existsSync(peer) ? [] : options.peers.split(",");

interface Row {
  name: string;
  seed: number;
  metric: string;
  ours: number;
  test: Metrics | null;
  /** Log loss and expected calibration error, before and with the temperature. */
  calibration: RunReport["calibration"];
  cpuSeconds: number;
  theirs: Record<string, number>;
}
const rows: Row[] = [];
const number = (x: number | undefined) => (x === undefined ? "-" : x.toFixed(4)).padStart(8);
console.log(
  `table        seed metric      ours   linear ${peers.map((p) => p.slice(0, 8).padStart(8)).join(" ")}     diff | macroF1 logLoss  T  ece before→after | steps   best epochs train-s cpu-s`,
);
for (const name of positionals.length ? positionals : Object.keys(tables))
  for (const seed of options.seeds.split(",").map(Number)) {
    const [file, target] = name.split(":");
    const entry = file && target ? { file: resolve(file), target } : tables[name];
    if (!entry) throw new Error(`no table '${name}': ${Object.keys(tables).join(", ")}`);
    rows.push(await one(name, entry, seed));
    if (options.json) await writeFile(options.json, JSON.stringify(rows, null, 1));
  }
summary();
await rm(scratch, { recursive: true, force: true });

async function one(name: string, entry: Entry, seed: number): Promise<Row> {
  const spec: TrainSpec = {
    data: resolve(shared, "data/tables", entry.file),
    target: entry.target,
    ignore: entry.ignore ?? [],
    seed,
    config: JSON.parse(options.config) as Record<string, number>,
    ...(JSON.parse(options.spec) as object),
  };
  const run = join(scratch, `${basename(entry.file)}-${seed}`);
  const { maxEpochs: epochs } = await table.plan(spec, { cache, signal });
  const before = process.cpuUsage();
  const result: RunResult = await trainRun({
    run,
    spec: { epochs, ...spec },
    cache,
    signal,
    control: new Control(),
    onProgress: () => {},
    onPoint: () => {},
  });
  const spent = process.cpuUsage(before);
  const theirs = peers.length ? await askPeer({ run, entry, result, cache, peer, models: peers, seed }) : {};
  const { verdict, metrics } = result;
  const { calibration } = (await readJson<RunReport>(runPaths(run).report))!;
  const cpuSeconds = (spent.user + spent.system) / 1e6;
  console.log(
    [
      basename(name).padEnd(12),
      String(seed).padStart(4),
      verdict.metric.padEnd(8),
      number(verdict.network),
      number(verdict.linear),
      ...peers.map((p) => number(theirs[p])),
      number(theirs["boosting"] === undefined ? undefined : verdict.network - theirs["boosting"]),
      "|",
      metrics.test?.["macroF1"]?.toFixed(4) ?? "      ",
      metrics.test?.["logLoss"]?.toFixed(4) ?? "      ",
      calibration
        ? `${calibration.temperature.toFixed(2)} ${calibration.before.ece.toFixed(3)}→${calibration.after.ece.toFixed(3)}`
        : " ".repeat(16),
      "|",
      `${result.steps}`.padStart(5),
      `${result.bestStep}`.padStart(6),
      `${result.epochs}`.padStart(6),
      result.seconds.toFixed(1).padStart(7),
      cpuSeconds.toFixed(1).padStart(5),
    ].join(" "),
  );
  return { name, seed, metric: verdict.metric, ours: verdict.network, test: metrics.test, calibration, cpuSeconds, theirs };
}

/** Means over the seeds, a table a line; then the mean rank of the network and of boosting (1 is the better; equals share 1.5). */
function summary(): void {
  const known = rows.filter((row) => row.theirs["boosting"] !== undefined);
  if (known.length === 0) return;
  const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
  console.log("\ntable        seeds     ours boosting     diff");
  const ranks: number[] = [];
  const worst: string[] = [];
  for (const name of new Set(known.map((row) => row.name))) {
    const own = known.filter((row) => row.name === name);
    const ours = mean(own.map((row) => row.ours));
    const theirs = mean(own.map((row) => row.theirs["boosting"]!));
    ranks.push(Math.abs(ours - theirs) < 1e-9 ? 1.5 : ours > theirs ? 1 : 2);
    if (ours < theirs - 0.02) worst.push(name);
    console.log(
      `${basename(name).padEnd(12)} ${String(own.length).padStart(5)} ${number(ours)} ${number(theirs)} ${number(ours - theirs)}`,
    );
  }
  console.log(
    `\n${ranks.length} tables: mean rank ${mean(ranks).toFixed(3)}, boosting ${(3 - mean(ranks)).toFixed(3)}; worse by more than 0.02: ${worst.join(", ") || "none"}`,
  );
}
