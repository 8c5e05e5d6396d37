// What the host's tests share: the stand-in worker built for plain Node, workspaces of their own, and a check that no process is left.
import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { afterAll, afterEach, expect } from "vitest";
import type { HostEvents } from "../../ipc/host.ts";
import { childWorker } from "../../main/childWorker.ts";
import { type Host, type HostOptions, createHost } from "../../main/host.ts";
import type { StartWorker, WorkerProcess } from "../../main/workers.ts";
import { root } from "../shared.ts";

/** Node runs no TypeScript, so the stand-in is built (a tenth of a second) into a folder of this test file. */
async function buildStandIn(): Promise<string> {
  const outDir = mkdtempSync(join(tmpdir(), "paddock-stand-in-"));
  afterAll(() => rm(outDir, { recursive: true, force: true }));
  await build({
    configFile: false,
    root,
    logLevel: "error",
    publicDir: false,
    build: {
      ssr: true,
      target: "node20",
      outDir,
      rollupOptions: { input: join(root, "test/host/standIn.ts"), output: { entryFileNames: "standIn.mjs" } },
    },
  });
  return join(outDir, "standIn.mjs");
}

const entry = await buildStandIn();

/** Processes started in this file; every test ends with none alive. */
const started: WorkerProcess[] = [];

export function standIn(env: Record<string, string> = {}): StartWorker {
  const start = childWorker(entry, { env: { ...process.env, ...env } });
  return () => {
    const worker = start();
    started.push(worker);
    return worker;
  };
}

export const alive = () => started.filter((worker) => worker.exit === undefined);

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  const left = alive().map((worker) => worker.pid);
  for (const worker of alive()) worker.kill();
  expect(left, "worker processes left behind").toEqual([]);
});

/** A folder that the test's end removes. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "paddock-host-"));
  cleanUps.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function table(folder: string, name = "points.csv", text = "x,y\n1,6\n2,10\n3,14\n"): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

export type Told = { [K in keyof HostEvents]: { name: K; value: HostEvents[K] } }[keyof HostEvents];

/** A host on a workspace of its own, with everything it tells, ended with the test. */
export async function openHost(
  options: Partial<HostOptions> = {},
): Promise<{ host: Host; told: Told[]; workspace: string; until: typeof until }> {
  const workspace = options.workspace ?? scratch();
  const host = await createHost({ workspace, door: "electron", version: "0.0.0", startWorker: standIn(), ...options });
  cleanUps.push(() => host.dispose());
  const told: Told[] = [];
  const waiting = new Set<() => void>();
  host.onEvent((name, value) => {
    told.push({ name, value } as Told);
    for (const look of [...waiting]) look();
  });
  /** The first event (also of those told before) that the test looks for. */
  function until(wanted: (event: Told) => boolean): Promise<Told> {
    return new Promise((resolve) => {
      const look = () => {
        const found = told.find(wanted);
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  }
  return { host, told, workspace, until };
}

export const signal = () => new AbortController().signal;
