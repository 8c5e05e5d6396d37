import { expect, test } from "vitest";
import { Random } from "../../random.ts";
import { blocksOf, blockSize, partsOf, placeOf } from "./blocks.ts";

async function* pieces(text: string, length: number): AsyncGenerator<string> {
  for (let from = 0; from < text.length; from += length) yield text.slice(from, from + length);
}
async function blocks(text: string, length = 1000): Promise<string[]> {
  const found: string[] = [];
  for await (const block of blocksOf(pieces(text, length), blockSize(text.length))) found.push(block);
  return found;
}

const random = new Random(1, "prose");
const paragraph = () => Array.from({ length: 20 + (random.next() % 60) }, () => `w${random.next() % 500}`).join(" ");
const prose = Array.from({ length: 900 }, paragraph).join("\n\n");

test("joined, the blocks are the text, however it was read; line ends are made alike", async () => {
  const found = await blocks(prose);
  expect(found.join("")).toBe(prose);
  expect(found.length).toBeGreaterThan(40);
  expect(await blocks(prose, 77)).toEqual(found);
  expect(await blocks(prose.replaceAll("\n", "\r\n"), 501)).toEqual(found);
  const endless = "x".repeat(200_000); // no place to end
  expect((await blocks(endless)).join("")).toBe(endless);
  const faces = "🙂".repeat(40_000);
  for (const block of await blocks(faces)) expect(block).toMatch(/^(🙂)+$/u);
});

test("text that is added moves no block but those next to it", async () => {
  const found = await blocks(prose);
  const at = found.slice(0, 20).join("").length;
  const more = await blocks(prose.slice(0, at) + `${paragraph()}\n\n` + prose.slice(at));
  const kept = new Set(more);
  expect(found.filter((block) => !kept.has(block)).length).toBeLessThanOrEqual(3);
});

test("copies go together, shares are kept, and no part is empty", () => {
  const places = Float64Array.from({ length: 4000 }, (_, i) => placeOf(`block ${i % 3000}`));
  const parts = partsOf(places, { seed: 3, split: true });
  for (let i = 0; i < 1000; i++) expect(parts[i]).toBe(parts[i + 3000]);
  const share = (part: number) => parts.filter((p) => p === part).length / parts.length;
  expect(share(0)).toBeCloseTo(0.8, 1);
  expect(share(1)).toBeCloseTo(0.1, 1);
  for (let seed = 0; seed < 30; seed++) {
    const few = Float64Array.from({ length: 4 }, (_, i) => placeOf(`few ${i}`));
    expect([...new Set(partsOf(few, { seed, split: true }))].sort()).toEqual([0, 1, 2]);
  }
  expect(partsOf(places, { seed: 3, split: false }).every((part) => part === 0)).toBe(true);
});
