// Workers as utility processes: real processes behind the stand-in for electron's API.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { connect } from "../../ipc/rpc.ts";
import { createHost } from "../../main/host.ts";
import { utilityWorker } from "../../main/utilityWorker.ts";
import { Worker } from "../../main/workers.ts";
import { root } from "../shared.ts";
import { standIn } from "./standIn.ts";

const echo = fileURLToPath(new URL("./echoWorker.mjs", import.meta.url));

interface Api {
  echo(input: unknown): Promise<{ method: string; input: unknown; pid: number }>;
  hang(): Promise<never>;
  die(): Promise<never>;
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("answers calls; typed arrays arrive as they are", async () => {
  const start = utilityWorker(standIn().electron, echo);
  const process = start();
  const api = connect<Api, object>(process);
  const answer = await api.call.echo({ x: new Float32Array([1, NaN]) });
  expect(answer.input).toEqual({ x: new Float32Array([1, NaN]) });
  expect(process.pid).toBe(answer.pid);
  const gone = new Promise((resolve) => process.onClose(resolve));
  process.close();
  await gone;
  expect(alive(answer.pid)).toBe(false);
  process.send("nobody listens");
});

test("a death is told with its reason, to every call that waits", async () => {
  const process = utilityWorker(standIn().electron, echo)();
  const api = connect<Api, object>(process);
  await expect(api.call.die()).rejects.toMatchObject({ code: "connectionLost" });
  expect(process.exit).toMatchObject({ code: 7, signal: null });
  expect(process.exit!.stderr).toContain("bad_alloc");
});

test("one that never looks up is killed, and its number is known to the last", async () => {
  const process = utilityWorker(standIn().electron, echo)();
  const api = connect<Api, object>(process);
  const { pid } = await api.call.echo(0);
  const hanging = api.call.hang();
  process.kill();
  await expect(hanging).rejects.toMatchObject({ code: "connectionLost" });
  if (platform() !== "win32") expect(process.exit).toMatchObject({ signal: "SIGKILL" });
  expect(process.pid).toBe(pid);
  expect(alive(pid)).toBe(false);
});

test("one that is killed before it has started is gone all the same", async () => {
  const process = utilityWorker(standIn().electron, echo)();
  const gone = new Promise((resolve) => process.onClose(resolve));
  process.kill();
  await gone;
});

test("the host's way to stop: ask, wait, kill", async () => {
  const worker = new Worker(utilityWorker(standIn().electron, echo)());
  await worker.use((api) => (api as unknown as Api).echo(1));
  expect(worker.state).toBe("idle");
  const { pid } = worker;
  await worker.stop();
  expect(worker.state).toBe("dead");
  expect(alive(pid!)).toBe(false);
});

const built = existsSync(join(root, "dist/worker/main.js"));
describe.skipIf(!built)("the built worker", () => {
  test("fits the line for the host, and leaves no process behind", async () => {
    const workspace = mkdtempSync(join(tmpdir(), "paddock-utility-"));
    const { electron, seen } = standIn();
    const host = await createHost({
      workspace,
      door: "electron",
      version: "0",
      startWorker: utilityWorker(electron, join(root, "dist/worker/main.js")),
    });
    const { signal } = new AbortController();
    const first = await host.handlers.lessonOpen({ x: [1, 2, 3], y: [6, 10, 14], optimizer: "sgd", lr: 0.05 }, signal);
    const states = await host.handlers.lessonStep({ count: 50 }, signal);
    expect(states.at(-1)!.loss).toBeLessThan(first.loss);
    const pids = seen.workers.map((worker) => worker.pid!);
    expect(pids.length).toBeGreaterThan(0);
    await host.dispose();
    for (const pid of pids) expect(alive(pid)).toBe(false);
    rmSync(workspace, { recursive: true });
  });
});
