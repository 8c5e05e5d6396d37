import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockOwner, takeLock } from "./locks.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "paddock-locks-"));
  path = join(folder, "run.lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("one holds it, the others do not, until it is released", async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => takeLock(path)));
  const held = all.filter((lock) => lock !== undefined);
  expect(held).toHaveLength(1);
  expect((await lockOwner(path))?.pid).toBe(process.pid);
  await held[0]!.release();
  expect(await lockOwner(path)).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
  expect(await takeLock(path)).toBeDefined();
});

test.each([
  ["a process that is gone", JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), began: "" })],
  ["a process whose number another has now", JSON.stringify({ pid: process.pid, host: hostname(), began: "1" })],
  ["nobody: it is torn", '{"pid":12'],
])("the lock of %s is taken, by one", async (_, text) => {
  if (text.includes('"began":"1"') && process.platform !== "linux") return;
  writeFileSync(path, text);
  const held = (await Promise.all(Array.from({ length: 10 }, () => takeLock(path)))).filter((lock) => lock !== undefined);
  expect(held).toHaveLength(1);
  expect(readdirSync(folder)).toEqual(["run.lock"]);
});

test("the lock of another machine is believed", async () => {
  writeFileSync(path, JSON.stringify({ pid: 1, host: "elsewhere.example", began: "" }));
  expect(await takeLock(path)).toBeUndefined();
});
