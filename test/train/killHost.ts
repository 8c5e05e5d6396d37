// A program that does the main job from wherever the workspace stands: import, train, export, write the project; then it ends. It is there to be
// killed (kills.test.ts). What it tells goes to stdout, a line of JSON each.
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../ipc/error.ts";
import type { TrainSpec } from "../../ipc/types.ts";
import { childWorker } from "../../main/childWorker.ts";
import { createHost } from "../../main/host.ts";
import { runFiles } from "../../main/runs.ts";
import { readRun } from "../../main/runs.ts";
import { workspacePaths } from "../../main/paths.ts";

const [workspace, entry, data, spec] = process.argv.slice(2) as [string, string, string, string];
const { signal } = new AbortController();
const tell = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);

/** Until it is done, however often a worker is killed on the way. */
async function persist<T>(work: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await work();
    } catch (thrown) {
      const { code, message } = AppError.from(thrown);
      if (!["workerDied", "outOfMemory", "runBusy"].includes(code)) throw thrown;
      tell({ again: code, message });
      await sleep(20);
    }
}

const start = childWorker(entry);
const host = await createHost({
  workspace,
  door: "cli",
  version: "0.0.0",
  startWorker: () => {
    const worker = start();
    tell({ worker: worker.pid });
    return worker;
  },
});
const { handlers } = host;
tell({ phase: "open" });

const [known] = await handlers.projects(undefined, signal);
if (!known) tell({ phase: "import" });
const project = known?.id ?? (await persist(() => handlers.createProject({ source: { kind: "path", path: data } }, signal))).id;
tell({ phase: "train", project });

const paths = workspacePaths(workspace);
const [begun] = (await handlers.project({ id: project }, signal)).runs;
const run = begun?.id ?? (await handlers.startRun({ project, spec: JSON.parse(spec) as Omit<TrainSpec, "data"> }, signal)).id;
tell({ run });
for (;;) {
  const record = await (host.finished(project, run) ?? readRun(paths.run(project, run)));
  if (record.state === "done") break;
  if (record.state !== "interrupted" && record.error?.code !== "workerDied" && record.error?.code !== "outOfMemory")
    throw new Error(`the run is ${record.state}: ${JSON.stringify(record.error)}`);
  tell({ resume: record.state, why: record.error?.message });
  await persist(() => handlers.resumeRun({ project, run }, signal));
}
tell({ done: run });

tell({ phase: "export" });
for (const to of ["onnx", "safetensors"] as const) {
  await persist(() => handlers.exportRun({ project, run, to }, signal));
  tell({ exported: to });
}

tell({ phase: "write" });
for (let n = 1; n <= 15; n++) {
  await handlers.renameProject({ id: project, name: `name ${n}` }, signal);
  tell({ renamed: n });
}
tell({ phase: "end", folder: paths.run(project, run), model: runFiles(paths.run(project, run)).model });
await host.dispose();
