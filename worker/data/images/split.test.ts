import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { splitPictures } from "./split.ts";

const shaOf = (i: number) => createHash("sha256").update(`picture ${i}`).digest("hex");
const rows = (count: number, classes: number) => Array.from({ length: count }, (_, i) => ({ sha: shaOf(i), label: i % classes }));
const options = { seed: 1, split: true };
const sizes = (parts: Uint8Array) => [0, 1, 2].map((part) => parts.filter((p) => p === part).length);

test("parts are near 80, 10 and 10 %; more pictures move no old one", () => {
  const few = splitPictures(rows(2000, 4), options);
  const [train, validation, test] = sizes(few);
  expect(train! / 2000).toBeCloseTo(0.8, 1);
  expect(validation! / 2000).toBeCloseTo(0.1, 1);
  expect(test! / 2000).toBeCloseTo(0.1, 1);
  expect(splitPictures(rows(3000, 4), options).subarray(0, 2000)).toEqual(few);
});

test("twenty pictures of two classes: each class is learned from, and each part has some, whatever the seed", () => {
  for (let seed = 0; seed < 50; seed++) {
    const set = rows(20, 2);
    const parts = splitPictures(set, { seed, split: true });
    expect(Math.min(...sizes(parts)), `seed ${seed}`).toBeGreaterThan(0);
    for (const label of [0, 1]) expect(set.some((row, i) => row.label === label && parts[i] === 0)).toBe(true);
  }
});

test("copies stay together, also in two classes", () => {
  const set = [...rows(30, 3), ...rows(30, 3).map((row) => ({ ...row, label: (row.label + 1) % 3 }))];
  const parts = splitPictures(set, options);
  expect(parts.subarray(30)).toEqual(parts.subarray(0, 30));
});

test("as many classes as pictures are parted in one pass: all learn", () => {
  const many = rows(20_000, 20_000); // rows times classes are 400 million
  expect(sizes(splitPictures(many, options))[0]).toBeGreaterThanOrEqual(19_998);
});
