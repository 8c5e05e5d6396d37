import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Device, MemoryForecast, MemoryNeed } from "../ipc/types.ts";
import { MemoryPlans } from "./memoryPlans.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "paddock-plans-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const need = (weights: number, bits: 32 | 4 = 32): MemoryNeed => ({
  settings: { method: "inference", bits, batch: 1, context: 64 },
  bytes: { weights, gradients: 0, optimizer: 0, activations: 0, cache: 0, runtime: 100e6 },
  total: weights + 100e6,
});
const forecast = (weights: number): MemoryForecast => ({
  name: "a",
  kind: "language",
  parameters: weights / 4,
  trainable: 0,
  ...need(weights),
  smaller: [need(weights / 8, 4)],
});
const device = (memoryBytes: number | null, works = true): Device => ({
  id: "cpu",
  kind: "cpu",
  name: "cpu",
  memoryBytes,
  usedBytes: memoryBytes === null ? null : 0,
  works,
  why: "none",
});

test("each device: it fits, fits with less, does not fit, does not work, does not tell", async () => {
  const plans = new MemoryPlans(join(folder, "none.json"));
  const devices = [device(16e9), device(4e9), device(5e8), device(16e9, false), device(null)];
  const { fits } = await plans.against(forecast(8e9), devices);
  expect(fits.map(({ fits: one, by, with: less }) => [one, by, less?.settings.bits])).toEqual([
    [true, "free", undefined],
    [false, "free", 4],
    [false, "free", undefined],
    [false, "broken", undefined],
    [false, "unknown", undefined],
  ]);
  expect(fits[1]!.why).toContain("--bits 4");
});

test("what was measured corrects the program's part of small models and the rest of large ones, and is kept", async () => {
  const path = join(folder, "new/memory.json");
  const plans = new MemoryPlans(path);
  await plans.learn("cpu", forecast(4e6), 134e6); // 30 MB more than the program was taken for
  const small = await plans.against(forecast(4e6), [device(1e9)]);
  expect(small).toMatchObject({ total: 134e6, uncorrected: 104e6, learnedFrom: 1, measured: { bytes: 134e6 } });
  await plans.learn("cpu", { ...forecast(2e9), name: "b" }, 2.63e9);
  const large = await new MemoryPlans(path).against(forecast(4e9), [device(1e9)]);
  expect(large.total / 5.13e9).toBeCloseTo(1, 2); // 1.25 of the rest, as the large one had it
  expect(large.bytes.weights).toBe(4e9);
  expect(large.learnedFrom).toBe(2);
  await writeFile(path, "{");
  expect((await plans.against(forecast(4e6), [])).learnedFrom).toBe(0);
  await plans.learn("cpu", forecast(4e6), 1e12); // beyond belief: bounded
  expect((await plans.against(forecast(4e6), [])).total).toBeLessThan(300e6);
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ version: 1 });
});
