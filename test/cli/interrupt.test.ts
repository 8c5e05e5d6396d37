import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test as everywhere } from "vitest";
import type { RunRecord } from "../../ipc/types.ts";
import { home, isAlive, paddock, start, table } from "./setUp.ts";

/** Windows knows no signal that a process could answer: there, a kill is the end. */
const test = everywhere.skipIf(process.platform === "win32");

const spec = ["--target", "y", "--steps", "600", "--seed", "5", "--log-losses", "--json"];
const record = (run: string) => JSON.parse(readFileSync(join(run, "run.json"), "utf8")) as RunRecord;

/** Resolves when the run trains. */
async function training(run: string): Promise<void> {
  const path = join(run, "run.json");
  await expect.poll(() => existsSync(path) && record(run).state, { timeout: 60_000, interval: 10 }).toBe("running");
}

/** The children of a process: as Linux lists them, else as pgrep finds them. */
function children(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  const told = existsSync(path) ? readFileSync(path, "utf8") : spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8" }).stdout;
  return told.trim().split(/\s+/).filter(Boolean).map(Number);
}

const gone = (pids: number[]) => expect.poll(() => pids.filter(isAlive), { timeout: 30_000 }).toEqual([]);

test("Ctrl-C keeps a checkpoint, exits with 5 and says how to resume; resumed equals never stopped", async () => {
  const whole = await paddock(["train", table(), "--out", join(home, "whole"), ...spec]);
  expect(whole.code).toBe(0);
  const run = join(home, "stopped");
  const { child, ended } = start(["train", table(), "--out", run, ...spec]);
  await training(run);
  const workers = children(child.pid!);
  child.kill("SIGINT");
  const { code, json, stderr } = await ended;
  expect([code, stderr]).toEqual([5, ""]);
  expect(json).toMatchObject({ run, stopped: "interrupted", error: { code: "interrupted", data: { run } } });
  expect((json["error"] as { hint: string }).hint).toContain(`paddock train --resume ${run}`);
  expect(record(run).state).toBe("interrupted");
  await gone(workers);
  const again = await paddock(["train", table(), "--out", run, ...spec]);
  expect(again.json).toMatchObject({ error: { code: "folderNotEmpty" } });
  const resumed = await paddock(["train", "--resume", run, "--json"]);
  expect(resumed.code).toBe(0);
  expect(resumed.json["metrics"]).toEqual(whole.json["metrics"]);
  expect(resumed.json["losses"]).toEqual(whole.json["losses"]);
});

test("killed without warning, no worker stays, and the run resumes", async () => {
  const run = join(home, "killed");
  const { child, ended } = start(["train", table(), "--out", run, ...spec]);
  await training(run);
  const workers = children(child.pid!);
  child.kill("SIGKILL");
  expect((await ended).code).toBeNull();
  await gone(workers);
  const { code, json } = await paddock(["train", "--resume", run, "--json"]);
  expect(code).toBe(0);
  expect(json).toMatchObject({ steps: 600 });
});

test("a worker killed by the system is out of memory: exit code 4, resumable", async () => {
  const run = join(home, "oom");
  const { child, ended } = start(["train", table(), "--out", run, ...spec]);
  await training(run);
  const [worker] = children(child.pid!);
  if (worker === undefined) {
    child.kill("SIGINT");
    await ended;
    return;
  }
  process.kill(worker, "SIGKILL");
  const { code, json } = await ended;
  expect(code).toBe(4);
  expect(json).toMatchObject({ error: { code: "outOfMemory", data: { signal: "SIGKILL" } } });
  expect(record(run)).toMatchObject({ state: "interrupted", error: { code: "outOfMemory" } });
  expect(readdirSync(run)).not.toContain("run.lock");
  expect((await paddock(["train", "--resume", run, "--json"])).code).toBe(0);
});

test("in the workspace too, Ctrl-C interrupts the project's run", async () => {
  const workspace = join(home, "stopping");
  const { child, ended } = start(["train", table("stopping.csv"), ...spec], { workspace });
  const projects = join(workspace, "projects");
  const runs = () =>
    (existsSync(projects) ? readdirSync(projects) : []).flatMap((id) => {
      const folder = join(projects, id, "runs");
      return existsSync(folder) ? readdirSync(folder).map((run) => join(folder, run)) : [];
    });
  await expect.poll(() => runs().length, { timeout: 60_000 }).toBe(1);
  const [run] = runs();
  await training(run!);
  child.kill("SIGINT");
  const { code, json } = await ended;
  expect(code).toBe(5);
  expect(json).toMatchObject({ run, stopped: "interrupted" });
  expect(record(run!).state).toBe("interrupted");
  expect((await paddock(["train", "--resume", run!, "--json"], { workspace })).code).toBe(0);
});

test("two at one run: the second is refused", async () => {
  const run = join(home, "two");
  const { child, ended } = start(["train", table(), "--out", run, ...spec]);
  await training(run);
  expect((await paddock(["train", "--resume", run, "--json"])).json).toMatchObject({ error: { code: "runBusy" } });
  child.kill("SIGINT");
  expect((await ended).code).toBe(5);
});

test("serve prints its address, and Ctrl-C closes it cleanly", async () => {
  const { child, ended } = start(["serve", "--no-open", "--json"], { workspace: join(home, "served") });
  const line = await new Promise<string>((resolve) => child.stdout!.once("data", (text: string) => resolve(text)));
  const { url } = JSON.parse(line) as { url: string };
  expect((await fetch(url)).status).toBe(200);
  expect((await fetch(new URL("/", url))).status).toBe(401);
  child.kill("SIGINT");
  expect((await ended).code).toBe(0);
});
