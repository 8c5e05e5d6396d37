import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../random.ts";
import { eachPiece, mostPlaces, type PieceSettings, pieceSettings, placesOf, weightOf } from "./pieces.ts";
import { standalone } from "./standalone.ts";

const namesOf = (text: string, settings: PieceSettings = pieceSettings) => {
  const names: string[] = [];
  eachPiece(text, settings, (_, name) => names.push(name()));
  return names;
};

test("words, pairs and runs of letters; capitals and wide letters are the same", () => {
  expect(namesOf("Go ON!", { ...pieceSettings, letters: [2, 3] })).toEqual(
    ["go", "<g", "<go", "go", "go>", "o>"].concat(["on", "go on", "<o", "<on", "on", "on>", "n>"], ["!", "on !"]),
  );
  expect(namesOf("Ｇｏ")).toEqual(namesOf("go"));
  expect(namesOf("")).toEqual([]);
  expect(namesOf(" \n\t")).toEqual([]);
});

test("a script without spaces: letters are words, and runs do not cross a mark", () => {
  expect(namesOf("很好吃，好")).toEqual(["很", "好", "很 好", "吃", "好 吃", "很好吃", "，".normalize("NFKC"), "吃 ,", "好", ", 好"]);
  expect(namesOf("味道ok了", { ...pieceSettings, letters: [0, 0] })).toEqual(["味", "道", "味 道", "ok", "道 ok", "了", "ok 了"]);
});

test("places are within the table, sorted, counted, and spread evenly", () => {
  const { ids, counts } = placesOf("ha ha ha ha", { ...pieceSettings, letters: [0, 0] });
  expect([...counts].sort()).toEqual([3, 4]);
  expect([...ids]).toEqual([...ids].sort((a, b) => a - b));
  const filled = new Set<number>();
  for (let i = 0; i < 4096; i++) for (const id of placesOf(`w${i}`, { bits: 12, words: 1, letters: [0, 0] }).ids) filled.add(id);
  expect(filled.size / 4096).toBeCloseTo(1 - Math.exp(-1), 1); // as balls thrown into as many boxes
});

test("an enormous text takes little time and no more places than allowed", () => {
  const random = new Random(3);
  const letter = () => String.fromCharCode(97 + (random.next() % 26));
  const text = `${"x".repeat(50_000_000)} `;
  expect(placesOf(text, pieceSettings).ids.length).toBeLessThan(1000);
  const many = Array.from({ length: 30_000 }, () => (random.next() % 6 ? letter() : " ")).join("");
  expect(placesOf(many, pieceSettings).ids.length).toBe(mostPlaces);
});

describe("tokenize.mjs", () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "paddock-tokenize-"));
    file = join(folder, "tokenize.mjs");
    await writeFile(file, standalone(pieceSettings));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("gives what training saw, on mixed and broken texts", async () => {
    const { tokenize } = (await import(pathToFileURL(file).href)) as {
      tokenize(texts: string[]): { ids: BigInt64Array; weights: Float32Array; dims: number[] };
    };
    const random = new Random(7);
    const alphabet = [
      ..."abcXYZ éßıİ１２３ 很好吃味道。，！\t\n🙂👨‍👩‍👧ไทยかなカナ한국어_-<>&\u0301\u0000\ufeff",
      "\ud800",
      "\udc00",
      " the ",
      " 了",
      "𠮷野",
    ];
    const texts = ["", "Go until jurong point, crazy..", "很快，好吃，味道足，量大"];
    for (let i = 0; i < 500; i++)
      texts.push(Array.from({ length: random.next() % 60 }, () => alphabet[random.next() % alphabet.length]).join(""));
    const { ids, weights, dims } = tokenize(texts);
    const [, width] = dims as [number, number];
    texts.forEach((text, row) => {
      const ours = placesOf(text, pieceSettings);
      const filled = ours.ids.length;
      expect([...ids.subarray(row * width, row * width + filled)].map(Number)).toEqual([...ours.ids]);
      expect([...weights.subarray(row * width, (row + 1) * width)]).toEqual([
        ...Array.from(ours.counts, weightOf),
        ...new Array<number>(width - filled).fill(0),
      ]);
    });
  });

  test("runs by itself", () => {
    const told = JSON.parse(execFileSync(process.execPath, [file, "很好 ok"], { encoding: "utf8" })) as { dims: number[]; ids: number[] };
    expect(told.ids).toEqual([...placesOf("很好 ok", pieceSettings).ids]);
  });
});
