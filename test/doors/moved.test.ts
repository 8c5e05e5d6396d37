// A workspace on a stick comes back under another path (E: instead of F:, another mount point): all in it goes on working.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { childWorker } from "../../main/childWorker.ts";
import { createHost } from "../../main/host.ts";
import { root } from "../shared.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-moved-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const signal = () => new AbortController().signal;
const open = (name: string) =>
  createHost({
    workspace: join(folder, name),
    door: "cli",
    version: "0.0.0",
    startWorker: childWorker(join(root, "dist/worker/main.js")),
  });

test("a project, its data, its finished and its interrupted training, after the workspace has moved", { timeout: 180_000 }, async () => {
  const rows = Array.from({ length: 400 }, (_, i) => `${i % 17},${(i * 7) % 11},${(i % 17) + 2 * ((i * 7) % 11)}`);
  writeFileSync(join(folder, "sums.csv"), `a,b,y\n${rows.join("\n")}\n`);
  const before = await open("first");
  const { id: project } = await before.handlers.createProject({ source: { kind: "path", path: join(folder, "sums.csv") } }, signal());
  const start = async (steps: number) =>
    (await before.handlers.startRun({ project, spec: { target: "y", seed: 1, steps, device: "cpu" } }, signal())).id;
  const done = await start(20);
  await before.finished(project, done);
  const cut = await start(3000);
  await expect
    .poll(async () => (await before.handlers.run({ project, run: cut }, signal())).curve.length, { timeout: 60_000 })
    .toBeGreaterThan(0);
  await before.dispose();
  renameSync(join(folder, "first"), join(folder, "second"));
  rmSync(join(folder, "sums.csv"));

  const { handlers, finished, dispose } = await open("second");
  try {
    expect((await handlers.run({ project, run: cut }, signal())).state).toBe("interrupted");
    expect(await handlers.rows({ id: project, offset: 0, limit: 1 }, signal())).toEqual([["0", "0", "0"]]);
    const [answer] = await handlers.predict({ project, run: done, rows: [{ a: "3", b: "4" }] }, signal());
    expect(answer!.prediction).toEqual(expect.any(Number));
    expect((await handlers.exportRun({ project, run: done, to: "onnx-int8" }, signal())).result.compared.count).toBeGreaterThan(0);
    expect(await handlers.importance({ project, run: done, measure: true }, signal())).toBeTruthy();
    await handlers.resumeRun({ project, run: cut }, signal());
    await handlers.stopRun({ project, run: cut }, signal());
    const ended = await finished(project, cut);
    expect([ended!.state, ended!.error]).toEqual(["done", undefined]);
  } finally {
    await dispose();
  }
});
