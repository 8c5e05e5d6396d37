import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type SplitPicturesOptions, type SplitRow, splitPictures as split } from "./split.ts";

const shaOf = (i: number) => createHash("sha256").update(`picture ${i}`).digest("hex");
const rows = (count: number, classes: number) => Array.from({ length: count }, (_, i) => ({ sha: shaOf(i), label: i % classes }));
const options = { seed: 1, split: true };
const splitPictures = (rows: readonly SplitRow[], options: SplitPicturesOptions) => split(rows, options).parts;
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

test("by class, each gives a tenth to each other part, to the picture, and the settled cuts move no old one", () => {
  const classes = ["often", "rare"];
  const make = (often: number, rare: number, from = 0): SplitRow[] => [
    ...Array.from({ length: often }, (_, i) => ({ sha: shaOf(from + i), label: 0 })),
    ...Array.from({ length: rare }, (_, i) => ({ sha: shaOf(100_000 + from + i), label: 1 })),
  ];
  const set = make(400, 20);
  const first = split(set, { ...options, classes, by: { by: "stratified" } });
  const of = (parts: Uint8Array, label: number) => sizes(parts.filter((_, i) => set[i]!.label === label));
  expect(of(first.parts, 0)).toEqual([320, 40, 40]);
  expect(of(first.parts, 1)).toEqual([16, 2, 2]);
  const more = split([...set, ...make(300, 90, 5000)], { ...options, classes, by: first.by });
  expect(more.parts.subarray(0, set.length)).toEqual(first.parts);
  expect(more.by).toEqual(first.by);
});

test("by folder, a patient lies wholly in one part, whichever folder is the outer one; new patients move no old one", () => {
  const classes = ["ill", "well"];
  const pictures = (patients: number): SplitRow[] =>
    Array.from({ length: patients * 6 }, (_, i) => {
      const [patient, label] = [Math.floor(i / 6), i % 2];
      return { sha: shaOf(i), label, name: i % 3 ? `${classes[label]}/p${patient}/${i}.png` : `p${patient}/${classes[label]}/${i}.png` };
    });
  const by = { by: "group", column: "folder" } as const;
  const parts = splitPictures(pictures(60), { ...options, classes, by });
  for (let patient = 0; patient < 60; patient++) expect(new Set(parts.subarray(patient * 6, patient * 6 + 6)).size).toBe(1);
  expect(Math.min(...sizes(parts))).toBeGreaterThan(0);
  expect(splitPictures(pictures(90), { ...options, classes, by }).subarray(0, 360)).toEqual(parts);
  const flat = pictures(9).map((row, i) => ({ ...row, name: `${classes[row.label]}/${i}.png` }));
  expect(() => split(flat, { ...options, classes, by })).toThrow(/fewer than three folders/);
});

test("a time, or a column that there is not, is refused with what there is", () => {
  expect(() => split(rows(30, 2), { ...options, by: { by: "time", column: "day" } })).toThrow(/not split by time/);
  expect(() => split(rows(30, 2), { ...options, by: { by: "group", column: "city" } })).toThrow(/no column "city"/);
});
