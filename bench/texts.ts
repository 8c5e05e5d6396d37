// Sets of texts through the whole of training, in this process, against scikit-learn on the same rows. The course is planned as for a user and
// walked to its end however slow the machine is just now, so time is told as processor seconds.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { RunRecord, TrainSpec } from "../ipc/types.ts";
import { Control } from "../worker/train/control.ts";
import { readJson } from "../worker/train/files.ts";
import { prepare, text } from "../worker/train/kinds/text.ts";
import { runPaths, trainRun } from "../worker/train/run.ts";

const { values: options, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    models: { type: "string", default: "ngrams,transformer" },
    spec: { type: "string", default: "{}" },
    seeds: { type: "string", default: "1" },
    peer: { type: "string" },
  },
});
const shared = process.env["PADDOCK_SHARED"] ?? resolve(import.meta.dirname, "../../../shared");
const peer = options.peer ?? process.env["PADDOCK_PEER"] ?? join(shared, "tools/peer-python");
const scratch = await mkdtemp(join(tmpdir(), "paddock-texts-"));
const cache = join(tmpdir(), "paddock-texts-cache");
const signal = new AbortController().signal;
const usual = ["sms_spam/sms.tsv", "waimai_10k/waimai_10k.csv"].map((name) => join(shared, "data/text", name));
const number = (x: number | undefined) => (x === undefined ? "-" : x.toFixed(4)).padStart(8);

console.log(
  "texts            seed who                        accuracy  macroF1  logLoss       r2     rmse | parameters  steps   best train-s cpu-s",
);
for (const given of positionals.length ? positionals : usual)
  for (const seed of options.seeds.split(",").map(Number)) {
    const [, file, target] = /^(.*?)(?::([^:/\\]+))?$/.exec(given)!;
    let run = "";
    for (const model of options.models.split(",")) {
      run = join(scratch, `${basename(file!)}-${seed}-${basename(model)}`);
      await ours(model, { data: resolve(file!), ...(target ? { target } : {}), seed, model, ...(JSON.parse(options.spec) as object) }, run);
    }
    if (existsSync(peer)) await theirs(basename(file!), seed, run);
  }
await rm(scratch, { recursive: true, force: true });

function line(name: string, seed: number, who: string, m: Record<string, number | undefined>, rest = ""): void {
  const told = [m["accuracy"], m["macroF1"], m["logLoss"], m["r2"], m["rmse"]].map(number).join(" ");
  console.log(`${name.padEnd(16)} ${String(seed).padStart(4)} ${who.padEnd(26)} ${told} | ${rest}`);
}

async function ours(model: string, spec: TrainSpec, run: string): Promise<void> {
  const { maxEpochs: epochs } = await text.plan(spec, { cache, signal });
  const before = process.cpuUsage();
  const result = await trainRun({
    run,
    spec: { epochs, ...spec },
    cache,
    signal,
    control: new Control(),
    onProgress: () => {},
    onPoint: () => {},
  });
  const { user, system } = process.cpuUsage(before);
  const facts = [result.model.parameters, result.steps, result.bestStep, result.seconds.toFixed(1), ((user + system) / 1e6).toFixed(1)];
  line(basename(spec.data), spec.seed!, basename(model), result.metrics.test ?? {}, facts.map((x) => String(x).padStart(7)).join(" "));
}

/** scikit-learn learns from the training part of that run, and is tested on its test part. */
async function theirs(name: string, seed: number, run: string): Promise<void> {
  const record = (await readJson<RunRecord>(runPaths(run).record))!;
  const prepared = await prepare({ run, record, cache, signal, paths: runPaths(run) });
  try {
    const { table, encoding, encoded } = prepared;
    const cells = await table.rows(0, table.profile.rows);
    const place = (column: string) => table.profile.columns.findIndex((one) => one.name === column);
    const rowsOf = async (part: "train" | "test") => {
      const { rowNumbers } = await encoded[part].range(0, encoded[part].rows);
      return [...rowNumbers].map((row) => [cells[row - 1]![place(encoding.text)]!, cells[row - 1]![place(encoding.target)]!]);
    };
    const path = join(run, "split.json");
    await writeFile(path, JSON.stringify({ task: encoding.task, train: await rowsOf("train"), test: await rowsOf("test") }));
    const { stdout, stderr, status } = spawnSync(peer, [resolve(import.meta.dirname, "../../bench/peer/texts.py"), path], {
      encoding: "utf8",
    });
    if (status !== 0) return console.error(stderr.split("\n").slice(-3).join(" "));
    for (const [who, metrics] of Object.entries(JSON.parse(stdout) as Record<string, Record<string, number>>))
      line(name, seed, who, metrics);
  } finally {
    await prepared.close();
  }
}
