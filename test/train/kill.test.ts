// A worker killed in the midst of training: another one goes on from the checkpoint, to the same bits.
import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Listeners, type Port } from "../../ipc/port.ts";
import { type Client, connect } from "../../ipc/rpc.ts";
import type { RunProgress, TrainSpec } from "../../ipc/types.ts";
import type { WorkerApi, WorkerEvents } from "../../ipc/worker.ts";
import { bundleWorker } from "./bundle.ts";
import { writeTable } from "./table.ts";

let folder: string;
let entry: string;
let spec: TrainSpec;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-kill-"));
  entry = await bundleWorker("kill");
  spec = { data: await writeTable(folder), target: "price", epochs: 800, config: { width: 64, depth: 4, members: 4 } };
}, 60_000);
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
  await rm(dirname(entry), { recursive: true, force: true });
});

function worker(): { child: ChildProcess; client: Client<WorkerApi, WorkerEvents>; exit: Promise<number | null> } {
  const child = fork(entry, [], { serialization: "advanced", execArgv: [] });
  children.add(child);
  const closes = new Listeners<[string?]>();
  const exit = new Promise<number | null>((resolve) =>
    child.on("exit", (code) => {
      closes.tell("gone");
      resolve(code);
    }),
  );
  const port: Port = {
    send: (message) => void (child.connected && child.send(message as never)),
    onMessage: (listener) => {
      child.on("message", listener);
      return () => child.off("message", listener);
    },
    onClose: (listener) => closes.add(listener),
    close: () => child.disconnect(),
  };
  return { child, client: connect<WorkerApi, WorkerEvents>(port), exit };
}

/** Resolves with the first progress that fits. */
const seen = (client: Client<WorkerApi, WorkerEvents>, fits: (progress: RunProgress) => boolean) =>
  new Promise<RunProgress>((resolve) => {
    const off = client.listen("progress", (progress) => {
      if (!fits(progress)) return;
      off();
      resolve(progress);
    });
  });

test("killed after a checkpoint, resumed: the same metrics, curve and file", async () => {
  const cache = join(folder, "cache");
  const calm = worker();
  const expected = await calm.client.call.train({ run: join(folder, "calm"), spec, cache });
  calm.client.close();
  expect(await calm.exit).toBe(0);

  const run = join(folder, "killed");
  const first = worker();
  const lost = first.client.call.train({ run, spec, cache }).catch((thrown: unknown) => thrown);
  await new Promise<void>((resolve) => first.client.listen("point", (point) => point.step >= 15 && resolve()));
  const paused = seen(first.client, (p) => p.state === "paused");
  await first.client.call.pause();
  const { step } = await paused; // a checkpoint is written now
  const further = new Promise<void>((resolve) => first.client.listen("point", (point) => point.step > step && resolve()));
  await first.client.call.resume();
  await further;
  first.child.kill("SIGKILL");
  expect(await lost).toMatchObject({ code: "connectionLost" });
  await first.exit;

  const second = worker();
  const result = await second.client.call.train({ run, cache });
  second.client.close();
  expect(await second.exit).toBe(0);
  expect(result.metrics).toEqual(expected.metrics);
  expect(result.steps).toBe(expected.steps);
  const without = async (name: string) => (await readFile(join(folder, name, "metrics.jsonl"), "utf8")).replaceAll(/"seconds":[^,]*/g, "");
  expect(await without("killed")).toBe(await without("calm"));
  expect(await readFile(join(run, "model.onnx"))).toEqual(await readFile(join(folder, "calm", "model.onnx")));
});

test("a closed channel keeps a checkpoint and ends the worker", async () => {
  const run = join(folder, "closed");
  const { client, child, exit } = worker();
  void client.call.train({ run, spec: { ...spec, epochs: 5000 }, cache: join(folder, "cache") }).catch(() => {});
  await seen(client, (p) => p.state === "running" && p.step >= 5);
  child.disconnect();
  expect(await exit).toBe(0);
  expect(JSON.parse(await readFile(join(run, "run.json"), "utf8"))).toMatchObject({ state: "interrupted" });
  expect((await readFile(join(run, "checkpoints/last.safetensors"))).length).toBeGreaterThan(1000);
});
