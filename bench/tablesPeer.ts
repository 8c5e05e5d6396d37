// scikit-learn on the rows of a run: it learns from those of training and validation together, and is tested on the same.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { RunRecord, RunResult } from "../ipc/types.ts";
import { answersOf } from "../worker/train/answers.ts";
import { readJson } from "../worker/train/files.ts";
import { prepare } from "../worker/train/kinds/table.ts";
import { runPaths } from "../worker/train/run.ts";
import type { Entry } from "./tableFiles.ts";

const script = resolve(import.meta.dirname, "../../bench/peer/sklearn.py");

export interface PeerRequest {
  run: string;
  entry: Entry;
  result: RunResult;
  /** Answers are kept here by what was asked, as they do not change when our network does. */
  cache: string;
  /** The Python to ask. */
  peer: string;
  /** Of mlp, boosting, linear, dummy. */
  models: string[];
  seed: number;
}

/** The deciding metric of each model on the test rows. Columns that the run does not use are left out there too. */
export async function askPeer({ run, entry, result, cache, peer, models, seed }: PeerRequest): Promise<Record<string, number>> {
  const record = (await readJson<RunRecord>(runPaths(run).record))!;
  const signal = new AbortController().signal;
  const prepared = await prepare({ run, record, cache, signal, paths: runPaths(run) });
  try {
    const { table, profile, data, encoding, task } = prepared;
    const cells = await table.rows(0, profile.rows);
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const rowsOf = async (part: "train" | "validation" | "test") => {
      const { rowNumbers } = await answersOf(data[part], {
        task,
        target: encoding,
        run: async ({ x, codes }) => {
          const n = (x ?? codes)!.dims[0]!;
          const width = task.outputs(encoding);
          return { answer: { dtype: "float32", dims: [n, width], data: new Float32Array(n * width) } };
        },
      });
      return [...rowNumbers];
    };
    const write = async (name: string, rows: number[]) => {
      rows.sort((a, b) => a - b);
      const lines = [profile.columns.map((c) => quote(c.name)), ...rows.map((row) => cells[row - 1]!.map((c) => quote(c.trim())))];
      const path = join(run, name);
      const text = lines.map((line) => line.join(",")).join("\n");
      await writeFile(path, text);
      return { path, text };
    };
    const train = await write("train.csv", [...new Set([...(await rowsOf("train")), ...(await rowsOf("validation"))])]);
    const test = await write("test.csv", await rowsOf("test"));
    const used = new Set(encoding.encoders.map((e) => e.column));
    const unused = profile.columns.map((c) => c.name).filter((c) => c !== entry.target && !used.has(c));
    const asked = ["--target", entry.target, "--task", result.task, "--models", models.join(), "--seed", `${seed}`];
    if (unused.length) asked.push("--ignore", ...unused);
    const key = createHash("sha256")
      .update(JSON.stringify([asked, train.text, test.text]))
      .digest("hex")
      .slice(0, 24);
    const kept = join(cache, `peer-${key}.json`);
    const known = await readJson<Record<string, number>>(kept);
    if (known) return known;
    const files = ["--train", train.path, "--test", test.path];
    const { stdout, stderr, status } = spawnSync(peer, [script, ...files, ...asked], {
      encoding: "utf8",
      env: { ...process.env, OMP_NUM_THREADS: "1" }, // threads that wait for each other on a busy machine
    });
    if (status !== 0) {
      console.error(stderr.split("\n").slice(-3).join(" "));
      return {};
    }
    const { models: told } = JSON.parse(stdout) as { models: Record<string, { metrics?: Record<string, number>; error?: string }> };
    for (const [model, { error }] of Object.entries(told)) if (error) console.error(`${model}: ${error}`);
    const found = Object.fromEntries(Object.entries(told).map(([model, m]) => [model, m.metrics?.[result.verdict.metric] ?? NaN]));
    if (Object.values(found).every(Number.isFinite)) {
      await mkdir(cache, { recursive: true });
      await writeFile(kept, JSON.stringify(found));
    }
    return found;
  } finally {
    await prepared.close();
  }
}
