// The nets of the suite at small sizes: they lose what PyTorch loses from the same weights on the same batch (test/references/suite.mjs).
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { suite } from "../../worker/train/suite/index.ts";
import { timeEntry } from "../../worker/train/suite/time.ts";

const { losses } = JSON.parse(readFileSync(new URL("../references/suite.json", import.meta.url), "utf8")) as {
  losses: Record<string, number[]>;
};

it("has losses of PyTorch for every net", () => {
  expect(Object.keys(losses)).toEqual(Object.keys(suite));
});

it.each(Object.keys(suite))("%s loses what PyTorch loses", async (name) => {
  const theirs = losses[name]!;
  const ours = await timeEntry({ name, device: "cpu", threads: 1, steps: theirs.length, seed: 0, small: true });
  expect(ours.losses).toHaveLength(theirs.length);
  ours.losses.forEach((loss, i) => expect(Math.abs(loss - theirs[i]!) / theirs[i]!, `step ${i}`).toBeLessThan(1e-4));
  expect(theirs.at(-1)).toBeLessThan(theirs[0]!);
  expect(ours.stepMs.p10).toBeGreaterThan(0);
  expect(ours.stepMs.median).toBeLessThanOrEqual(ours.stepMs.p90);
  expect(ours.peakMemoryBytes).toBeGreaterThan(10e6);
  expect(ours.peer).toBeNull();
});

it("names the nets where one is asked for that is not there", async () => {
  const asked = timeEntry({ name: "toString", device: "cpu", steps: 1, seed: 0, small: true });
  await expect(asked).rejects.toMatchObject({ code: "usage", hint: expect.stringContaining("mlp, convnet") as string });
});
