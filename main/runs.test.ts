import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readRun, summarize } from "./runs.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-run-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const sound = { version: 1, id: "r", created: 1, state: "done", spec: { data: "x.csv" } };
const write = (record: object) => writeFileSync(join(folder, "run.json"), JSON.stringify(record));

test("what is shown of a run is checked when its record is read", async () => {
  write({
    ...sound,
    plan: { model: { name: "mlp" } },
    result: { model: { name: "mlp" }, verdict: { metric: "r2", network: null } },
    more: 1,
  });
  expect(summarize("p", await readRun(folder))).toMatchObject({ model: "mlp", score: { metric: "r2" } });
  for (const wrong of [
    { plan: {} },
    { plan: null },
    { result: { verdict: {} } },
    { result: {} },
    { spec: { data: "x", model: {} } },
    { error: 1 },
  ]) {
    write({ ...sound, ...wrong });
    await expect(readRun(folder), JSON.stringify(wrong)).rejects.toMatchObject({ code: "runInvalid" });
  }
});
