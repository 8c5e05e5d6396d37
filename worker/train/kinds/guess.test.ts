// What a file or folder is taken as, why, and what else it could be.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create as createTar } from "tar";
import { afterAll, expect, test } from "vitest";
import type { TableProfile, TrainSpec } from "../../../ipc/types.ts";
import { guessKind, kindOf, kinds } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-kinds-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const source = () => ({ cache: join(folder, "cache"), signal: new AbortController().signal });
const guess = (path: string, asked: Partial<TrainSpec> = {}) => guessKind(path, asked, source());
const write = (name: string, content: string) => {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  return path;
};

const words = "the film was long and its music went on as if nobody had ever heard of silence before".split(" ");
const review = (i: number) => Array.from({ length: 12 }, (_, k) => words[(i * 7 + k * (1 + (i % 5))) % words.length]).join(" ");
const table = write("plain.csv", `a,b,y\n${Array.from({ length: 40 }, (_, i) => `${i % 7},${i / 3},${i % 2}`).join("\n")}\n`);
const texts = write(
  "reviews.csv",
  `review,label\n${Array.from({ length: 120 }, (_, i) => `"${review(i)}",${i % 2 ? "good" : "bad"}`).join("\n")}\n`,
);
const ratings = write(
  "ratings.csv",
  `user,item,rating\n${Array.from({ length: 60 }, (_, i) => `u${i % 12},m${(i * 5) % 17},${1 + (i % 5)}`).join("\n")}\n`,
);
const chats = write("chats.jsonl", '{"prompt":"a","completion":"b"}\n{"prompt":"c","completion":"d"}\n');
for (const name of ["a/1.txt", "a/2.txt", "b/1.txt", "b/cover.png"]) write(`mixed/${name}`, "some words");

for (const name of ["one.txt", "two.md"]) write(`loose/${name}`, "some words of a diary");
const loose = join(folder, "loose");

test.each([
  [table, "table", "columns", ["table"]],
  [texts, "text", "textColumn", ["text", "table", "language"]],
  [ratings, "ratings", "ratingNames", ["ratings", "table"]],
  [chats, "chats", "conversations", ["chats", "language", "table"]],
  [join(folder, "mixed"), "text", "textFolder", ["text", "language", "images"]],
  [write("poem.txt", "one\ntwo, three\n\nand four\n"), "language", "prose", ["language", "table", "text"]],
  [write("rows.txt", "a\tb\n1\t2\n3\t4\n"), "table", "columns", ["table", "language", "text"]],
  [write("numbers.txt", "x\n1.5\n2\n-3e4\n"), "table", "columns", ["table", "language", "text"]],
  [loose, "language", "looseTexts", ["language", "text"]],
] as const)("%s is taken as %s", async (path, kind, because, possible) => {
  const found = await guess(path);
  expect(found).toMatchObject({ kind, because, possible });
  expect(found.message).not.toBe("");
});

test("an archive of texts is taken as texts, whatever folder wraps it", async () => {
  const tar = join(folder, "mails.tar");
  for (const name of ["mails/spam/1.txt", "mails/spam/2.txt", "mails/ham/1.md", "mails/ham/2.md"]) write(name, `words of ${name}`);
  await createTar({ file: tar, cwd: folder }, ["mails"]);
  expect(await guess(tar)).toMatchObject({ kind: "text", because: "textFolder", possible: ["text"] });
  const found = await kinds.text.inspect(tar, source());
  expect(found).toMatchObject({ kind: "text", file: "mails.tar", rows: 4 });
  expect(
    (found as TableProfile).columns
      .find(({ name }) => name === "label")
      ?.top?.map(({ value }) => value)
      .sort(),
  ).toEqual(["ham", "spam"]);
});

test("another kind can be asked for, by its name or by a task; the content still says what is possible", async () => {
  expect(await guess(texts, { kind: "table" })).toMatchObject({ kind: "table", because: "asked", possible: ["table", "text", "language"] });
  expect(await guess(ratings, { task: "recommend" })).toMatchObject({ kind: "ratings", because: "ratingNames" });
  expect(await kindOf(texts, { kind: "table", task: "classification", target: "label" }, source())).toBe("table");
  expect(await kindOf(texts, { task: "classification", target: "label" }, source())).toBe("text");
  expect(await kindOf(ratings, { target: "rating" }, source())).toBe("table");
});

test("every kind that is possible can be looked at", async () => {
  for (const path of [texts, ratings])
    for (const kind of (await guess(path)).possible) expect((await kinds[kind].inspect(path, source())).kind).toBe(kind);
});

test("what cannot be read is left to its reader to refuse", async () => {
  expect(await guess(join(folder, "nowhere.csv"))).toMatchObject({ kind: "table", possible: ["table"] });
});
