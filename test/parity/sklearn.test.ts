// The scikit-learn peer that benchmarks compare with does what it says, on tables small enough to know the answer.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../shared.ts";
import { peer, python } from "./peer.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-sklearn-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Peers {
  rows: { train: number; test: number };
  columns: { numbers: number; texts: number };
  models: Record<string, { metrics: Record<string, number> } | { error: string }>;
}

async function compare(rows: string[], ...args: string[]): Promise<Peers | undefined> {
  const [train, held] = [join(folder, "train.csv"), join(folder, "test.csv")];
  const header = args.includes("--no-header") ? [] : [rows[0]!];
  const body = rows.slice(header.length);
  await writeFile(train, [...header, ...body.slice(0, -20), ""].join("\n"));
  await writeFile(held, [...header, ...body.slice(-20), ""].join("\n"));
  return peer<Peers>(join(root, "bench/peer/sklearn.py"), ["--train", train, "--test", held, "--models", "linear,dummy", ...args]);
}

test.skipIf(!python)("classes, from numbers with missing ones and words", { timeout: 300_000 }, async (context) => {
  const rows = Array.from({ length: 80 }, (_, i) => `${i % 7 ? i % 9 : ""},${["red", "blue", "na"][i % 3]},${i % 3 === 0 ? "yes" : "no"}`);
  const answer = await compare(["n,colour,y", ...rows], "--target", "y", "--task", "classification");
  if (!answer) return context.skip("Python's peers cannot be installed here");
  expect(answer).toMatchObject({ rows: { train: 60, test: 20 }, columns: { numbers: 1, texts: 1 } });
  expect(answer.models["linear"]).toMatchObject({ metrics: { accuracy: 1, macroF1: 1, rocAuc: 1 } });
  expect(answer.models["dummy"]).toMatchObject({ metrics: { rocAuc: 0.5 } });
});

test.skipIf(!python)("numbers, without a line of names", { timeout: 300_000 }, async (context) => {
  const rows = Array.from({ length: 80 }, (_, i) => `${i % 11},${i % 5},${2 * (i % 11) - 3 * (i % 5) + 7}`);
  const answer = await compare(rows, "--target", "2", "--task", "regression", "--no-header");
  if (!answer) return context.skip("Python's peers cannot be installed here");
  const linear = answer.models["linear"] as { metrics: Record<string, number> };
  expect(linear.metrics["r2"]).toBeGreaterThan(0.999);
  expect(Object.keys(linear.metrics)).toEqual(["r2", "rmse", "mae"]);
});
