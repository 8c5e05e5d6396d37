import { appendFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Host } from "../../main/host.ts";
import type { RunRecord, RunState } from "../../ipc/types.ts";
import { takeLock } from "../../main/locks.ts";
import { openHost, scratch, signal, standIn, table, type Told } from "./setUp.ts";

const create = async (host: Host, text?: string) =>
  (await host.handlers.createProject({ source: { kind: "path", path: table(scratch(), "points.csv", text) } }, signal())).id;

const reached = (run: string, state: RunState) => (event: Told) =>
  event.name === "runChanged" && event.value.run?.id === run && event.value.run.state === state;

const recordOf = (workspace: string, project: string, run: string) =>
  JSON.parse(readFileSync(join(workspace, "projects", project, "runs", run, "run.json"), "utf8")) as RunRecord;

describe("a run", () => {
  test("goes through its states, tells its curve, and ends with a result, a report and a score", async () => {
    const { host, told, until, workspace } = await openHost();
    const project = await create(host);
    const started = await host.handlers.startRun({ project, spec: { target: "y", config: { steps: 30 } } }, signal());
    expect(started).toMatchObject({ project, target: "y" });
    await until(reached(started.id, "done"));
    const run = await host.handlers.run({ project, run: started.id }, signal());
    expect(run).toMatchObject({ state: "done", model: "mlp", score: { metric: "r2", value: 0.9 }, result: { stopped: "converged" } });
    expect(run.curve.map((point) => point.step)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    const points = told.flatMap((event) => (event.name === "points" ? event.value.points : []));
    expect(points.map((point) => point.step)).toEqual(run.curve.map((point) => point.step));
    expect(told.filter((event) => event.name === "points").length).toBeLessThan(10);
    const states = told.flatMap((event) => (event.name === "runChanged" && event.value.run ? [event.value.run.state] : []));
    expect(states).toEqual(["queued", "preparing", "running", "done"]);
    expect(await host.handlers.report({ project, run: started.id }, signal())).toMatchObject({ task: "regression" });
    await until((event) => event.name === "projectsChanged" && told.indexOf(event) > told.findIndex(reached(started.id, "done")));
    expect((await host.handlers.projects(undefined, signal()))[0]).toMatchObject({ score: { metric: "r2", value: 0.9 }, running: false });
    expect(readdirSync(join(workspace, "projects", project, "runs", started.id))).not.toContain("run.lock");
  });

  test("waits in the queue while another trains; a paused one gives way", async () => {
    const { host, until } = await openHost();
    const { handlers } = host;
    const project = await create(host);
    const first = await handlers.startRun({ project, spec: { config: { steps: 20, holdAt: 5 } } }, signal());
    await until((event) => event.name === "run" && event.value.run === first.id && event.value.progress.step === 5);
    const second = await handlers.startRun({ project, spec: {} }, signal());
    expect((await handlers.run({ project, run: second.id }, signal())).state).toBe("queued");
    expect((await handlers.status(undefined, signal())).running.map(({ run, state }) => [run, state])).toEqual([
      [first.id, "running"],
      [second.id, "queued"],
    ]);
    await handlers.pauseRun({ project, run: first.id }, signal());
    await until(reached(first.id, "paused"));
    await until(reached(second.id, "done"));
    expect((await handlers.run({ project, run: first.id }, signal())).state).toBe("paused");
    await handlers.resumeRun({ project, run: first.id }, signal());
    await until(reached(first.id, "done"));
  });

  test("stopped by hand keeps its best point and is done; taken from the queue it is interrupted", async () => {
    const { host, until } = await openHost();
    const { handlers } = host;
    const project = await create(host);
    const first = await handlers.startRun({ project, spec: { config: { holdAt: 5 } } }, signal());
    const second = await handlers.startRun({ project, spec: {} }, signal());
    await until((event) => event.name === "run" && event.value.run === first.id && event.value.progress.step === 5);
    await handlers.stopRun({ project, run: second.id }, signal());
    expect((await handlers.run({ project, run: second.id }, signal())).state).toBe("interrupted");
    await handlers.stopRun({ project, run: first.id }, signal());
    await until(reached(first.id, "done"));
    expect((await handlers.run({ project, run: first.id }, signal())).result?.stopped).toBe("interrupted");
    await handlers.resumeRun({ project, run: second.id }, signal());
    await until(reached(second.id, "done"));
  });

  test("that is refused fails with the reason", async () => {
    const { host, until, workspace } = await openHost();
    const project = await create(host);
    const { id } = await host.handlers.startRun({ project, spec: { config: { refuse: "yes" } } }, signal());
    await until(reached(id, "failed"));
    expect(recordOf(workspace, project, id).error).toMatchObject({ code: "targetConstant", data: { column: "y" } });
  });

  test.each<[string, string, object]>([
    ["exit 7", "workerDied", { exitCode: 7, signal: null, stderr: ["the last words"] }],
    // Windows tells of no signal.
    ...(process.platform === "win32"
      ? []
      : [["SIGKILL", "outOfMemory", { exitCode: null, signal: "SIGKILL" }] as [string, string, object]]),
    ["memory", "outOfMemory", { exitCode: 134 }],
  ])("whose worker dies (%s) is interrupted with the reason and resumes", async (die, code, data) => {
    const { host, told, until, workspace } = await openHost();
    const project = await create(host);
    const { id } = await host.handlers.startRun({ project, spec: { config: { steps: 10, dieAt: 6, die } } }, signal());
    await until(reached(id, "interrupted"));
    const dead = await host.handlers.run({ project, run: id }, signal());
    expect(dead.error).toMatchObject({ code, data: { ...data, kept: true } });
    expect(dead.error!.hint).toContain("from its last checkpoint");
    expect(recordOf(workspace, project, id)).toMatchObject({ state: "interrupted", error: { code } });
    expect(recordOf(workspace, project, id).memoryDeaths).toBe(die === "memory" ? 1 : undefined);
    told.length = 0;
    await host.handlers.resumeRun({ project, run: id }, signal());
    await until(reached(id, "done"));
    const run = await host.handlers.run({ project, run: id }, signal());
    expect(run.curve.map((point) => point.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(run.error).toBeUndefined();
  });

  test("whose worker dies before a checkpoint has failed, and says what is true", async () => {
    const { host, until, workspace } = await openHost();
    const project = await create(host);
    const { id } = await host.handlers.startRun({ project, spec: { config: { dieAt: 6, silent: true } } }, signal());
    await until(reached(id, "failed"));
    const { error } = recordOf(workspace, project, id);
    expect(error).toMatchObject({
      code: "workerDied",
      hint: expect.stringMatching(/Nothing of the run was kept yet: train again\.$/) as string,
    });
    expect(error!.hint).not.toMatch(/resume/i);
  });

  test("whose worker dies for want of memory before a checkpoint begins anew, with half as many rows at once", async () => {
    const { host, until, workspace } = await openHost();
    const project = await create(host);
    const { id } = await host.handlers.startRun({ project, spec: { config: { dieAt: 6, silent: true, die: "memory" } } }, signal());
    await until(reached(id, "interrupted"));
    const { error, memoryDeaths } = recordOf(workspace, project, id);
    expect(memoryDeaths).toBe(1);
    expect(error!.hint).toMatch(/Resume the run: it begins anew, .* with half as many rows at once\.$/);
  });

  test("is interrupted when the host closes, and so is what waits; the next host resumes both", async () => {
    const workspace = scratch();
    const one = await openHost({ workspace });
    const project = await create(one.host);
    const first = await one.host.handlers.startRun({ project, spec: { config: { holdAt: 5 } } }, signal());
    const second = await one.host.handlers.startRun({ project, spec: {} }, signal());
    await one.until((event) => event.name === "run" && event.value.progress.step === 5);
    await one.host.dispose();
    expect(recordOf(workspace, project, first.id)).toMatchObject({ state: "interrupted", error: { code: "interrupted" } });
    expect(recordOf(workspace, project, second.id)).toMatchObject({ state: "interrupted" });
    const two = await openHost({ workspace });
    for (const { id } of [first, second]) {
      await two.host.handlers.resumeRun({ project, run: id }, signal());
      await two.until(reached(id, "done"));
    }
  });

  test("goes into the trash when it is removed, but not while it trains", async () => {
    const { host, until, workspace } = await openHost();
    const { handlers } = host;
    const project = await create(host);
    const { id: run } = await handlers.startRun({ project, spec: { config: { holdAt: 5 } } }, signal());
    await until((event) => event.name === "run" && event.value.progress.step === 5);
    await expect(handlers.removeRun({ project, run }, signal())).rejects.toMatchObject({ code: "runBusy" });
    await expect(handlers.removeProject({ id: project }, signal())).rejects.toMatchObject({ code: "runBusy" });
    await handlers.stopRun({ project, run }, signal());
    await until(reached(run, "done"));
    await handlers.removeRun({ project, run }, signal());
    await expect(handlers.run({ project, run }, signal())).rejects.toMatchObject({ code: "runMissing" });
    expect(readdirSync(join(workspace, "trash"))).toEqual([`${project}--${run}`]);
    expect((await handlers.project({ id: project }, signal())).score).toBeNull();
  });
});

describe("a run that a crash left under way", () => {
  async function left(state: RunState): Promise<{ workspace: string; project: string; run: string; folder: string }> {
    const workspace = scratch();
    const { host, until } = await openHost({ workspace });
    const project = await create(host);
    const { id } = await host.handlers.startRun({ project, spec: { config: { steps: 10 } } }, signal());
    await until(reached(id, "done"));
    await host.dispose();
    const folder = join(workspace, "projects", project, "runs", id);
    const { result: _, ...record } = recordOf(workspace, project, id);
    writeFileSync(join(folder, "run.json"), JSON.stringify({ ...record, state }));
    writeFileSync(join(folder, "checkpoints/last/state.json"), JSON.stringify({ step: 4 }));
    return { workspace, project, run: id, folder };
  }

  test.each(["queued", "preparing", "running", "paused", "finishing"] as const)("(%s) is found interrupted and resumes", async (state) => {
    const { workspace, project, run, folder } = await left(state);
    appendFileSync(join(folder, "metrics.jsonl"), '{"step":11,"epo');
    const { host, until } = await openHost({ workspace });
    const found = await host.handlers.run({ project, run }, signal());
    expect(found).toMatchObject({ state: "interrupted", error: { code: "interrupted" } });
    expect(found.curve.at(-1)?.step).toBe(10);
    expect((await host.handlers.status(undefined, signal())).running).toEqual([]);
    await host.handlers.resumeRun({ project, run }, signal());
    await until(reached(run, "done"));
    expect((await host.handlers.run({ project, run }, signal())).curve.map((point) => point.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("is left alone while another living process has its lock, and steered by none but it", async () => {
    const { workspace, project, run, folder } = await left("running");
    const lock = await takeLock(join(folder, "run.lock"));
    expect(lock).toBeDefined();
    const { host } = await openHost({ workspace });
    expect((await host.handlers.run({ project, run }, signal())).state).toBe("running");
    await expect(host.handlers.pauseRun({ project, run }, signal())).rejects.toMatchObject({ code: "runBusy" });
    await expect(host.handlers.resumeRun({ project, run }, signal())).rejects.toMatchObject({ code: "runBusy" });
    await expect(host.handlers.removeProject({ id: project }, signal())).rejects.toMatchObject({ code: "runBusy" });
    await lock!.release();
    expect((await host.handlers.run({ project, run }, signal())).state).toBe("interrupted");
  });

  test("from a newer Paddock is refused and left as it is", async () => {
    const { workspace, project, run, folder } = await left("running");
    const newer = JSON.stringify({ version: 9, anything: true });
    writeFileSync(join(folder, "run.json"), newer);
    const { host } = await openHost({ workspace });
    await expect(host.handlers.run({ project, run }, signal())).rejects.toMatchObject({ code: "runNewer" });
    expect((await host.handlers.project({ id: project }, signal())).runs).toEqual([]);
    expect(readFileSync(join(folder, "run.json"), "utf8")).toBe(newer);
  });
});

describe("using a run", () => {
  async function trained() {
    const opened = await openHost();
    const project = await create(opened.host);
    const { id: run } = await opened.host.handlers.startRun({ project, spec: {} }, signal());
    await opened.until(reached(run, "done"));
    return { ...opened, project, run };
  }

  test("form, rows, a file of rows, and the model to take away", async () => {
    const { host, project, run } = await trained();
    expect((await host.handlers.form({ project, run }, signal())).fields[0]?.name).toBe("x");
    expect(await host.handlers.predict({ project, run, rows: [{ x: "4" }] }, signal())).toEqual([{ row: 1, prediction: 8 }]);
    const path = table(scratch(), "new.csv", "x\n5\n6\n");
    const first = await host.handlers.predictFile({ project, run, source: { kind: "path", path } }, signal());
    const second = await host.handlers.predictFile({ project, run, source: { kind: "path", path } }, signal());
    expect(first).toMatchObject({
      rows: 2,
      head: [{ prediction: 10 }, { prediction: 12 }],
      handout: { name: "new-predictions.csv", bytes: 17 },
    });
    expect(second.handout.name).toBe("new-predictions-2.csv");
    expect(existsSync(first.handout.path)).toBe(true);
    const model = await host.handlers.exportOnnx({ project, run }, signal());
    expect(model).toMatchObject({ name: "points.onnx", bytes: 7 });
  });

  test("a prediction that kills the worker says so, and the next call has a new worker", async () => {
    const { host, project, run } = await trained();
    const predict = (x: string) => host.handlers.predict({ project, run, rows: [{ x }] }, signal());
    await expect(predict("die exit 3")).rejects.toMatchObject({ code: "workerDied", data: { exitCode: 3 } });
    expect(await predict("1")).toEqual([{ row: 1, prediction: 2 }]);
  });

  test("a run without a model says so", async () => {
    const { host, until } = await openHost();
    const project = await create(host);
    const { id: run } = await host.handlers.startRun({ project, spec: { config: { refuse: "yes" } } }, signal());
    await until(reached(run, "failed"));
    for (const call of ["form", "report", "exportOnnx"] as const)
      await expect(host.handlers[call]({ project, run }, signal()), call).rejects.toMatchObject({ code: "runNotTrained" });
  });
});

test("the lesson has a worker of its own, which closing ends", async () => {
  const { host } = await openHost();
  await host.handlers.lessonOpen({ x: [1], y: [2], optimizer: "sgd", lr: 0.1 }, signal());
  expect(await host.handlers.lessonStep({ count: 3 }, signal())).toMatchObject([{ step: 3 }]);
  await host.handlers.lessonClose(undefined, signal());
});

test("the status counts what the workers refused, and is told while somebody listens", async () => {
  const { host, until } = await openHost();
  const project = await create(host);
  const { id } = await host.handlers.startRun({ project, spec: {} }, signal());
  await until(reached(id, "done"));
  const status = await host.handlers.status(undefined, signal());
  expect(status).toMatchObject({ device: "cpu", networkRefused: 2, running: [], memory: { deviceKind: "ram" } });
  expect(status.memory.deviceTotalBytes).toBeGreaterThan(status.memory.deviceUsedBytes);
  await until((event) => event.name === "status");
});

test("settings are kept, told, and a newer file is not overwritten", async () => {
  const { host, told, workspace } = await openHost();
  const { handlers } = host;
  expect(await handlers.changeSettings({ language: "zh" }, signal())).toMatchObject({ language: "zh", theme: "auto" });
  expect(told).toContainEqual({ name: "settingsChanged", value: await handlers.settings(undefined, signal()) });
  const newer = JSON.stringify({ version: 2 });
  writeFileSync(join(workspace, "settings.json"), newer);
  expect(await handlers.settings(undefined, signal())).toMatchObject({ version: 1, language: "auto" });
  await expect(handlers.changeSettings({ theme: "dark" }, signal())).rejects.toMatchObject({ code: "recordNewer" });
  expect(readFileSync(join(workspace, "settings.json"), "utf8")).toBe(newer);
});

test("each device is tried in a process of its own; one that dies is told, one that hangs is given up", async () => {
  const { Devices } = await import("../../main/devices.ts");
  const devices = new Devices(standIn(), 3000);
  const found = await devices.list();
  const facts = Object.fromEntries(found.map((device) => [device.id, device]));
  expect(facts["cpu"]).toMatchObject({ works: true });
  expect(facts["webgpu"]).toMatchObject({ works: false, why: expect.stringContaining("exit code 9") as string });
  const other = found.find((device) => device.id === "tensorflow" || device.id === "coreml");
  expect(other?.why).toBe("It did not answer within 3 seconds.");
  expect(await devices.list()).toBe(found);
  const again = await devices.list(true);
  expect(again.find((device) => device.id === "cpu")!.name).not.toBe(facts["cpu"]!.name);
});
