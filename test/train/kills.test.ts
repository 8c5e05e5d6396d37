// Killed without warning at random moments of the main job (import, steps, checkpoints, the end of a run, exports, writes of the project), the host,
// the worker or both: nothing that was finished is lost, nothing half-written is taken for whole, and in the end there is what there would have
// been. PADDOCK_KILLS says how often (200 take about twenty minutes), PADDOCK_SEED which moments.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunRecord, RunReport } from "../../ipc/types.ts";
import { Random } from "../../worker/random.ts";
import { readCheckpoint } from "../../worker/train/checkpoint.ts";
import { bundle, bundleWorker } from "./bundle.ts";
import { writeTable } from "./table.ts";

const kills = Number(process.env["PADDOCK_KILLS"] ?? 8);
const seed = Number(process.env["PADDOCK_SEED"] ?? 1);
const spec = { target: "price", steps: 60, config: { width: 16, depth: 2, members: 2, folds: 0 }, logLosses: true };

let folder: string;
let entry: string;
let program: string;
let data: string;
const living = new Set<ChildProcess>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-kills-"));
  entry = await bundleWorker("kills", 15);
  program = await bundle("kills-host", "test/train/killHost.ts");
  data = await writeTable(folder, 150);
}, 120_000);
afterAll(async () => {
  for (const child of living) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
  for (const path of [entry, program]) await rm(dirname(path), { recursive: true, force: true });
});

interface Told {
  phase?: string;
  worker?: number;
  project?: string;
  run?: string;
  done?: string;
  exported?: string;
  renamed?: number;
}

/** The job on a workspace, with what it told. */
class Attempt {
  readonly told: Told[] = [];
  stderr = "";
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;

  constructor(workspace: string) {
    this.child = spawn(process.execPath, [program, workspace, entry, data, JSON.stringify(spec)], { stdio: ["ignore", "pipe", "pipe"] });
    living.add(this.child);
    createInterface(this.child.stdout!).on("line", (line) => this.told.push(JSON.parse(line) as Told));
    this.child.stderr!.on("data", (text: Buffer) => (this.stderr += text.toString()));
    this.ended = new Promise((resolve) =>
      this.child.on("close", (code, signal) => {
        living.delete(this.child);
        resolve({ code, signal });
      }),
    );
  }

  get phase(): string {
    return this.told.findLast((one) => one.phase)?.phase ?? "start";
  }

  /** Kills the host, its newest worker, or both. */
  kill(what: "host" | "worker" | "both"): void {
    const worker = this.told.findLast((one) => one.worker)?.worker;
    if (what !== "host" && worker !== undefined)
      try {
        process.kill(worker, "SIGKILL");
      } catch {
        // it has ended by itself
      }
    if (what !== "worker") this.child.kill("SIGKILL");
  }
}

/** Every file below, by its path; links and folders that come and go are passed over. */
async function filesBelow(root: string, at = root): Promise<string[]> {
  const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map((one) => (one.isDirectory() ? filesBelow(root, join(at, one.name)) : [relative(root, join(at, one.name))])),
  );
  return found.flat();
}

const json = async <T>(path: string): Promise<T | undefined> => {
  const text = await readFile(path, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as T);
};
const curveOf = async (run: string) => (await readFile(join(run, "metrics.jsonl"), "utf8")).replaceAll(/"seconds":[^,]*/g, "");

/** What a workspace holds that is finished, so that it can be seen that none of it goes again. */
interface Finished {
  project?: string;
  name: number;
  step: number;
  done: boolean;
  exported: string[];
}

/** Opens all there is. Throws where something is neither whole nor plainly a draft. */
async function examine(workspace: string, calm: Calm): Promise<Finished> {
  const found: Finished = { name: 0, step: 0, done: false, exported: [] };
  for (const file of await filesBelow(join(workspace, "projects"))) {
    const path = join(workspace, "projects", file);
    const name = file.split("/").at(-1)!;
    if (name.endsWith(".json")) {
      const value = await json<Record<string, unknown>>(path);
      if (name === "project.json") {
        found.project = String(value!["id"]);
        found.name = Number(/^name (\d+)$/.exec(String(value!["name"]))?.[1] ?? 0);
      }
      if (name === "run.json") {
        found.done = (value as unknown as RunRecord).state === "done";
        if (found.done) expect((value as unknown as RunRecord).result!.metrics).toEqual(calm.metrics);
      }
    } else if (name === "last.safetensors") found.step = (await readCheckpoint(path))?.trainer.step ?? 0;
    else if (file.endsWith("model.onnx") && !file.includes(".draft/")) {
      expect(await readFile(path), file).toEqual(calm.model);
      if (file.includes("exports/onnx/")) found.exported.push("onnx");
    } else if (name === "files.zip") found.exported.push("safetensors");
    else if (name === "things.csv") expect(await readFile(path, "utf8")).toBe(calm.data);
  }
  return found;
}

interface Calm {
  metrics: RunReport["metrics"];
  losses: number[];
  curve: string;
  model: Buffer;
  data: string;
  /** Milliseconds of the whole job. */
  took: number;
}

async function undisturbed(): Promise<Calm> {
  const began = performance.now();
  const attempt = new Attempt(join(folder, "calm"));
  expect(await attempt.ended, attempt.stderr).toEqual({ code: 0, signal: null });
  const took = performance.now() - began;
  const run = (attempt.told.at(-1) as { folder: string }).folder;
  const { result } = (await json<RunRecord>(join(run, "run.json")))!;
  const model = await readFile(join(run, "model.onnx"));
  return { metrics: result!.metrics, losses: result!.losses!, curve: await curveOf(run), model, data: await readFile(data, "utf8"), took };
}

/**
 * What only a process that lives may leave: drafts. Not locks: one whose worker outlived its host, and ended after the next host had looked, is
 * taken away at the start after that, and bars nobody.
 */
const passing = /\.(?:tmp|draft|stale)(?:\/|$)|\/draft-|\.json\.[0-9a-f-]{36}$/;

test(
  `${kills} kills at random moments, seed ${seed}: nothing finished is lost, and the end is the same`,
  { timeout: 60_000 + kills * 40_000 },
  async () => {
    const random = new Random(seed, "kills");
    const calm = await undisturbed();
    const where = new Map<string, number>();
    let done = 0;
    for (let round = 1; done < kills; round++) {
      const workspace = join(folder, `round${round}`);
      let before: Finished = { name: 0, step: 0, done: false, exported: [] };
      // A round has its fill of kills, then comes to its end in peace.
      const most = 5 + Math.floor(random.uniform() * 8);
      for (let n = 1; ; n++) {
        const attempt = new Attempt(workspace);
        const at = `round ${round}, attempt ${n}, kill ${done + 1}`;
        let over = false;
        void attempt.ended.then(() => (over = true));
        for (; n <= most && !over && done < kills; n++) {
          const what = (["host", "worker", "both"] as const)[Math.floor(random.uniform() * 3)]!;
          const wait = random.uniform() * calm.took * 0.9;
          await Promise.race([sleep(wait), attempt.ended]);
          if (over) break;
          where.set(`${what} in ${attempt.phase}`, (where.get(`${what} in ${attempt.phase}`) ?? 0) + 1);
          attempt.kill(what);
          done++;
          if (what !== "worker") break;
        }
        const end = await attempt.ended;
        const renamed = attempt.told.findLast((one) => one.renamed)?.renamed ?? 0;
        const now = await examine(workspace, calm);
        if (before.project) expect(now.project, at).toBe(before.project);
        expect(now.step, `${at}: a checkpoint went back`).toBeGreaterThanOrEqual(before.step);
        if (before.done || attempt.told.some((one) => one.done)) expect(now.done, `${at}: a finished run`).toBe(true);
        if (renamed) expect(now.name, `${at}: what was told to be written`).toBeGreaterThanOrEqual(renamed);
        before = now;
        if (end.signal === "SIGKILL") continue;
        expect(end, `${at}\n${attempt.stderr}\n${JSON.stringify(attempt.told.slice(-5))}`).toEqual({ code: 0, signal: null });
        const { folder: run } = attempt.told.at(-1) as { folder: string };
        const record = (await json<RunRecord>(join(run, "run.json")))!;
        expect(record.result!.losses, at).toEqual(calm.losses);
        expect(await curveOf(run), at).toBe(calm.curve);
        expect(now, at).toMatchObject({ done: true, name: 15, exported: ["onnx", "safetensors"] });
        expect(
          (await filesBelow(workspace)).filter((file) => passing.test(file)),
          `${at}: left behind`,
        ).toEqual([]);
        break;
      }
      await rm(workspace, { recursive: true, force: true });
    }
    console.log(
      `${done} kills: ${[...where]
        .sort()
        .map(([what, count]) => `${what} ${count}`)
        .join(", ")}`,
    );
  },
);
