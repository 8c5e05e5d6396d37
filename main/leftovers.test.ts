import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { removeLeftovers } from "./leftovers.ts";
import { takeLock, takeLockInTime } from "./locks.ts";
import { workspacePaths } from "./paths.ts";

const gone = spawnSync(process.execPath, ["-e", ""]).pid;

test("what killed processes left goes, what living ones are making and what is finished stays; titles laid aside come back", async () => {
  const root = mkdtempSync(join(tmpdir(), "paddock-leftovers-"));
  const paths = workspacePaths(root);
  const run = paths.run("p-1", "r-1");
  const data = join(paths.project("p-1"), "data");
  for (const folder of [data, join(run, "checkpoints"), join(run, "exports/safetensors"), paths.models])
    mkdirSync(folder, { recursive: true });
  const living = process.ppid;
  const left = [
    join(root, `.settings.json.${gone}.0a1b2c3d.tmp`),
    join(paths.project("p-1"), `.project.json.${gone}.0a1b2c3d.tmp`),
    join(data, `.ratings.csv.${gone}.0a1b2c3d.tmp`),
    join(run, `.run.json.${gone}.tmp`),
    join(run, `run.lock.${gone}.0a1b2c3d`),
    join(run, "run.lock.0a1b2c3d.stale"),
    join(run, "checkpoints", `.last.safetensors.${process.pid}.tmp`),
    join(run, "exports/safetensors", "files.zip.tmp"),
  ];
  const kept = [
    join(run, `.run.json.${living}.tmp`),
    join(run, "run.json"),
    join(run, "checkpoints", "last.safetensors"),
    join(run, "exports/safetensors", "files.zip"),
    join(data, "ratings.csv"),
  ];
  for (const path of [...left, ...kept]) writeFileSync(path, "x");
  mkdirSync(join(run, "exports", `.model.${gone}.0a1b2c3d.draft`));
  writeFileSync(paths.record("p-1"), JSON.stringify({ file: "ratings.csv" }));
  writeFileSync(join(data, `.titles.csv.${gone}.before`), "the old");
  writeFileSync(join(data, "titles.txt"), "the new, half known");
  await removeLeftovers(paths);
  const names = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((one) => !one.isDirectory())
    .map((one) => join(one.parentPath, one.name));
  expect(names.sort()).toEqual([...kept, paths.record("p-1"), join(data, "titles.csv")].sort());
  expect(readdirSync(join(run, "exports"))).toEqual(["safetensors"]);
  expect(readFileSync(join(data, "titles.csv"), "utf8")).toBe("the old");
  rmSync(root, { recursive: true });
});

test("a folder whose host was killed is free only when the worker that it lent the lock to is gone too", async () => {
  const root = mkdtempSync(join(tmpdir(), "paddock-orphan-"));
  const path = join(root, "run.lock");
  const worker = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  const lock = (await takeLock(path))!;
  await lock.lend(worker.pid!);
  // As it is when the host was killed: its pid is nobody's.
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), pid: gone }));
  expect(await takeLock(path)).toBeUndefined();
  expect(await takeLockInTime(path, 60)).toBeUndefined();
  const waiting = takeLockInTime(path, 20_000);
  worker.kill("SIGKILL");
  await ended;
  const taken = await waiting;
  expect(taken).toBeDefined();
  await taken!.release();
  rmSync(root, { recursive: true });
});
