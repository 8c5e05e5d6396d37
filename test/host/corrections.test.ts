// The data flywheel from end to end, on the real worker: a wrong answer corrected where it was seen, the next training begun from the last
// weights, and the correction withdrawn. And the file that it all lies in.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { correctionsOf } from "../../ipc/corrections.ts";
import { memoryPair } from "../../ipc/port.ts";
import { serve } from "../../ipc/rpc.ts";
import type { RunRecord } from "../../ipc/types.ts";
import type { WorkerApi, WorkerEvents } from "../../ipc/worker.ts";
import type { StartWorker } from "../../main/workers.ts";
import { createWorker } from "../../worker/serve.ts";
import { writeTable } from "../train/table.ts";
import { openHost, scratch, signal } from "./setUp.ts";

/** The worker in this process, behind a port as another process would be. */
const inProcess: StartWorker = () => {
  const [here, there] = memoryPair();
  const worker = createWorker((name, value) => server.emit(name, value));
  const server = serve<WorkerApi, WorkerEvents>(there, worker.handlers);
  there.onClose(() => void worker.dispose());
  return {
    pid: process.pid,
    send: (message) => here.send(message),
    onMessage: (listener) => here.onMessage(listener),
    onClose: (listener) => here.onClose(listener),
    close: () => here.close(),
    kill: () => here.close(),
  };
};

test("a wrong answer is corrected, learned, and withdrawn again", { timeout: 120_000 }, async () => {
  const { host, until, workspace } = await openHost({ startWorker: inProcess });
  const { handlers } = host;
  const { id } = await handlers.createProject({ source: { kind: "path", path: await writeTable(scratch(), 300) } }, signal());
  const spec = { target: "kind", task: "classification" as const, steps: 40 };
  const trained = async (from?: string) => {
    const { id: run } = await handlers.startRun({ project: id, spec: from === undefined ? spec : { from, steps: 5 } }, signal());
    await until(({ name, value }) => name === "runChanged" && value.run?.id === run && value.run.state === "done");
    const record = JSON.parse(readFileSync(join(workspace, "projects", id, "runs", run, "run.json"), "utf8")) as RunRecord;
    return { run, result: record.result!, record };
  };
  const first = await trained();
  const seen = async (run: string) => (await handlers.mistakes({ project: id, run, split: "test" }, signal())).mistakes;
  const wrong = (await seen(first.run)).find(({ right }) => !right)!;
  const key = { project: id, run: first.run, hash: wrong.hash! };

  await expect(handlers.correct({ ...key, to: "enormous" }, signal())).rejects.toMatchObject({ code: "valueInvalid" });
  await expect(handlers.correct({ ...key, hash: "12345", to: "old" }, signal())).rejects.toMatchObject({ code: "usage" });
  expect(await handlers.corrections({ id }, signal())).toEqual([]);
  const made = await handlers.correct({ ...key, to: wrong.prediction }, signal());
  const told = { hash: wrong.hash, row: wrong.row, from: wrong.truth, to: wrong.prediction, run: first.run, origin: "result" };
  expect(made).toMatchObject(told);
  expect(await handlers.corrections({ id }, signal())).toEqual([{ ...made, lost: false }]);
  expect((await handlers.health({ id, spec }, signal()))[0]).toMatchObject({ code: "corrections", data: { count: 1, lost: 0 } });

  const better = await trained(first.run);
  expect(better.result).toMatchObject({ from: { run: first.run, before: { metric: "accuracy" } }, corrections: { rows: 1, lost: 0 } });
  const { test } = better.record.plan!.rows;
  expect(better.result.from!.before!.value * test).toBeCloseTo(first.result.metrics.test!["accuracy"]! * test + 1, 6);
  expect(better.record.plan!.rows).toEqual(first.record.plan!.rows);
  const after = (await seen(better.run)).find(({ hash }) => hash === wrong.hash);
  if (after) expect(after.truth).toBe(wrong.prediction);
  // What the user chose for the next training is as it was.
  expect((await handlers.project({ id }, signal())).spec).toEqual(spec);

  // Said again, it takes the place of what was said; said as the data have it, it is withdrawn.
  const third =
    better.record.plan!.classes === 3 ? ["large", "old", "small"].find((one) => one !== wrong.truth && one !== wrong.prediction)! : "";
  await handlers.correct({ ...key, run: better.run, to: third }, signal());
  expect(await handlers.corrections({ id }, signal())).toMatchObject([{ from: wrong.truth, to: third }]);
  expect(await handlers.correct({ ...key, to: wrong.truth }, signal())).toBeNull();
  expect(await handlers.corrections({ id }, signal())).toEqual([]);

  const again = await handlers.correct({ ...key, to: wrong.prediction }, signal());
  await handlers.undoCorrection({ id, correction: again!.id }, signal());
  await expect(handlers.undoCorrection({ id, correction: again!.id }, signal())).rejects.toMatchObject({ code: "usage" });
  const back = await trained(first.run);
  expect(back.result.corrections).toBeUndefined();
  expect(back.result.from!.before!.value).toBeCloseTo(first.result.metrics.test!["accuracy"]!, 6);
});

test("half a line costs that one correction; a row that is gone keeps its correction, which says so", { timeout: 60_000 }, async () => {
  const { host, until, workspace } = await openHost({ startWorker: inProcess });
  const { handlers } = host;
  const { id, file } = await handlers.createProject({ source: { kind: "path", path: await writeTable(scratch(), 120) } }, signal());
  const { id: run } = await handlers.startRun({ project: id, spec: { target: "kind", steps: 3 } }, signal());
  await until(({ name, value }) => name === "runChanged" && value.run?.id === run && value.run.state === "done");
  const { mistakes } = await handlers.mistakes({ project: id, run, split: "train" }, signal());
  const [one, two] = mistakes.filter(({ right }) => !right);
  const to = (sample: typeof one) => handlers.correct({ project: id, run, hash: sample!.hash!, to: sample!.prediction }, signal());
  await to(one);
  const path = join(workspace, "projects", id, "corrections.jsonl");
  appendFileSync(path, `{"do":"correct","id":"torn","ha`);
  await to(two);
  const hashes = async () => (await handlers.corrections({ id }, signal())).map(({ hash, lost }) => [hash, lost]);
  expect(await hashes()).toEqual([
    [one!.hash, false],
    [two!.hash, false],
  ]);
  expect(correctionsOf(`null\n[]\n"x"\n{"do":"correct"}\n{"do":"undo"}\n${readFileSync(path, "utf8")}`)).toHaveLength(2);
  const data = join(workspace, "projects", id, "data", file);
  const lines = readFileSync(data, "utf8").split("\n");
  writeFileSync(data, [...lines.slice(0, one!.row), lines[one!.row]!.replace(/^[^,]*/, "77.7"), ...lines.slice(one!.row + 1)].join("\n"));
  expect(await hashes()).toEqual([
    [one!.hash, true],
    [two!.hash, false],
  ]);
});
