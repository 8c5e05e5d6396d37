import { describe, expect, test } from "vitest";
import { oomKilledSince, oomKills } from "../../main/oomKiller.ts";
import { Worker, WarmWorker, describeDeath } from "../../main/workers.ts";
import { alive, scratch, signal, standIn, table } from "./setUp.ts";

const cache = "";
const hanging = () => table(scratch(), "a.csv", "hang,y\n1,2\n");
const deaf = () => table(scratch(), "a.csv", "deaf,y\n1,2\n");

describe("a worker", () => {
  test("goes from starting to idle, busy and dead, and says so", async () => {
    const worker = new Worker(standIn()());
    const states = [worker.state];
    worker.onState((state) => states.push(state));
    await worker.use((api) => api.form({ run: "" }));
    await worker.use((api) => api.form({ run: "" }));
    await worker.stop();
    expect(states).toEqual(["starting", "busy", "idle", "busy", "idle", "stopping", "dead"]);
    await expect(worker.use((api) => api.form({ run: "" }))).rejects.toMatchObject({ code: "workerDied" });
  });

  test("that does not leave when asked is killed", async () => {
    const worker = new Worker(standIn({ STAND_IN_STAYS: "1" })());
    await worker.use((api) => api.form({ run: "" }));
    await worker.stop(50);
    expect(worker.state).toBe("dead");
    expect(alive()).toEqual([]);
  });

  test("answers a cancelled call itself when it can", async () => {
    const worker = new Worker(standIn()());
    const controller = new AbortController();
    worker.listen("working", () => controller.abort());
    const call = worker.use((api) => api.inspect({ file: hanging(), cache }, controller.signal), controller.signal);
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
    expect(worker.state).toBe("idle");
    await worker.stop();
  });

  test("that is deaf to a cancelled call is killed, and the call is cancelled", async () => {
    const worker = new Worker(standIn()());
    const controller = new AbortController();
    worker.listen("working", () => controller.abort());
    const call = worker.use((api) => api.inspect({ file: deaf(), cache }, controller.signal), controller.signal, 50);
    await expect(call).rejects.toMatchObject({ code: "cancelled" });
    expect(worker.state).toBe("dead");
  });
});

describe("a warm worker", () => {
  test("serves many calls with one process, rests, and starts again", async () => {
    const pids = new Set<number | undefined>();
    const warm = new WarmWorker(standIn(), { rest: 1, onStart: (worker) => pids.add(worker.pid) });
    await Promise.all([warm.use((api) => api.form({ run: "" })), warm.use((api) => api.form({ run: "" }))]);
    expect(pids.size).toBe(1);
    await expect.poll(() => alive().length).toBe(0);
    await warm.use((api) => api.form({ run: "" }));
    expect(pids.size).toBe(2);
    await warm.dispose();
    await expect(warm.use((api) => api.form({ run: "" }))).rejects.toMatchObject({ code: "connectionLost" });
  });

  test("a death under one call does not reach the next", async () => {
    const warm = new WarmWorker(standIn());
    const predict = (x: string) => warm.use((api) => api.predict({ run: "", rows: [{ x }] }, signal()));
    // Windows tells of no signal.
    const code = process.platform === "win32" ? "workerDied" : "outOfMemory";
    await expect(predict("die SIGKILL")).rejects.toMatchObject({ code });
    expect(await predict("2")).toEqual([{ row: 1, prediction: 4 }]);
    await warm.dispose();
  });
});

describe("the reason of a death", () => {
  const reason = (code: number | null, exitSignal: string | null, stderr = "", asked = false, oomKilled?: boolean) =>
    describeDeath({ code, signal: exitSignal, stderr }, { pid: 1, asked, oomKilled });
  test.each([
    [reason(null, "SIGKILL"), "outOfMemory", "The system ended the worker process, most likely because memory ran out."],
    [reason(137, null), "outOfMemory", "The system ended the worker process, most likely because memory ran out."],
    [
      reason(134, "SIGABRT", "terminate called after throwing an instance of 'std::bad_alloc'\n"),
      "outOfMemory",
      "The worker process ran out of memory.",
    ],
    [
      reason(1, null, "RangeError: Array buffer allocation failed: cannot allocate memory\n"),
      "outOfMemory",
      "The worker process ran out of memory.",
    ],
    [reason(null, "SIGSEGV"), "workerDied", "The worker process ended unexpectedly (signal SIGSEGV)."],
    [
      reason(1, null, "Error: Cannot find module 'x'\n    at y\n\nNode.js v20.20.2\n"),
      "workerDied",
      "The worker process ended unexpectedly (exit code 1): Error: Cannot find module 'x'",
    ],
    [reason(null, "SIGKILL", "", true), "workerDied", "The worker process was ended by Paddock."],
    [reason(null, "SIGKILL", "", false, true), "outOfMemory", "The system ended the worker process because memory ran out."],
    [reason(null, "SIGKILL", "", false, false), "outOfMemory", "The system ended the worker process, most likely because memory ran out."],
  ])("%s", (error, code, message) => {
    expect(error).toMatchObject({ code, message });
  });

  test("the kernel's counts say whether it was memory, where there are any", () => {
    const before = new Map([
      ["/proc/vmstat", 3],
      ["group", 0],
    ]);
    expect(oomKilledSince(before, before)).toBe(false);
    expect(oomKilledSince(before, new Map(before).set("group", 1))).toBe(true);
    expect(oomKilledSince(before, new Map())).toBe(false);
    expect(oomKilledSince(new Map())).toBeUndefined();
    if (process.platform === "linux") expect(oomKills().size).toBeGreaterThan(0);
  });
});
