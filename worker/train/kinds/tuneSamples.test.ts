import { expect, test } from "vitest";
import { batches } from "../../data/batches.ts";
import { TuneSamples } from "./tuneSamples.ts";

test("rows of like length share a batch: little of it is filling, and every row comes once", async () => {
  const rows = Array.from({ length: 240 }, (_, i) => {
    const ids = Array.from({ length: i % 2 ? 5 : 60 }, (_, t) => (i + t) % 90);
    return { ids: Int32Array.from(ids), learned: Uint8Array.from(ids, (_, t) => Number(t > 1)) };
  });
  const samples = new TuneSamples(rows, Uint32Array.from(rows.keys()), { pad: 0, piece: 8 });
  let [cells, tokens] = [0, 0];
  const seen = new Set<number>();
  for (const positions of batches(240, 8, { seed: 1, epoch: 0, shuffle: true, length: (position) => samples.length(position) })) {
    const { inputs, rowNumbers } = await samples.read(positions);
    const [count, longest] = inputs["input_ids"]!.dims as [number, number];
    cells += count * longest;
    for (const row of rowNumbers) {
      tokens += rows[row - 1]!.ids.length - 1;
      seen.add(row);
    }
  }
  expect(seen.size).toBe(240);
  expect(cells).toBeLessThan(1.1 * tokens);
});
