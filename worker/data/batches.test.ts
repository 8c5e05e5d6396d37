import { expect, test } from "vitest";
import { batches, blockRows, groupBlocks } from "./batches.ts";

const all = (rows: number, batch: number, options: Parameters<typeof batches>[2]) => [...batches(rows, batch, options)].map((p) => [...p]);

test("every row once an epoch, the same order for the same seed and epoch, others for others", () => {
  const rows = blockRows * groupBlocks * 2 + 17;
  const order = (seed: number, epoch: number) => all(rows, 1000, { seed, epoch, shuffle: true }).flat();
  const first = order(1, 0);
  expect(new Set(first).size).toBe(rows);
  expect(Math.max(...first.slice(0, 5000), ...first.slice(-5000))).toBeLessThan(rows);
  expect(order(1, 0)).toEqual(first);
  expect(order(1, 1)).not.toEqual(first);
  expect(order(2, 0)).not.toEqual(first);
});

test("a resumed epoch goes on where it stopped", () => {
  const whole = all(1003, 64, { seed: 5, epoch: 3, shuffle: true });
  expect(all(1003, 64, { seed: 5, epoch: 3, shuffle: true, from: 7 })).toEqual(whole.slice(7));
  expect(whole.at(-1)!.length).toBe(1003 % 64);
});

test("without shuffling, in order", () => {
  expect(all(5, 2, { seed: 1, epoch: 9, shuffle: false })).toEqual([[0, 1], [2, 3], [4]]); // prettier-ignore
  expect(all(0, 2, { seed: 1, epoch: 0, shuffle: true })).toEqual([]);
});

test("a group of blocks is all that a batch draws from", () => {
  const rows = blockRows * groupBlocks * 3;
  for (const batch of all(rows, blockRows, { seed: 1, epoch: 0, shuffle: true }))
    expect(new Set(batch.map((row) => Math.floor(row / blockRows))).size).toBeLessThanOrEqual(groupBlocks);
});
