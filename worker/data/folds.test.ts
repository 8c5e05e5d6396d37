import { expect, test } from "vitest";
import { float32, int64 } from "../tensor.ts";
import { noTurns, turnsOf } from "./folds.ts";

const batch = (rows: [number, number, number][]) => ({
  x: float32([rows.length, 1], rows.map(([x]) => x)),
  codes: int64([rows.length, 1], rows.map(([, code]) => code)),
  y: float32([rows.length, 1], rows.map(([, , y]) => y)),
  rowNumbers: Uint32Array.from(rows.keys()),
}); // prettier-ignore

const folds = { folds: 4, rounds: 2, seed: 1 };
const many = Array.from({ length: 400 }, (_, i): [number, number, number] => [i / 7, i % 5, i % 3]);

test("every fold gets its share in each round, and the rounds deal differently", () => {
  const turns = [...turnsOf(batch(many), folds).data].map(Number);
  const rounds = [0, 1].map((r) => turns.filter((_, i) => i % 2 === r));
  for (const dealt of rounds)
    for (let f = 0; f < 4; f++) {
      const share = dealt.filter((fold) => fold === f).length;
      expect(share).toBeGreaterThan(70);
      expect(share).toBeLessThan(130);
    }
  const same = rounds[0]!.filter((fold, i) => fold === rounds[1]![i]).length;
  expect(same).toBeLessThan(140);
});

test("a row's turn follows from its own numbers: copies take turns together, wherever they stand", () => {
  const turns = turnsOf(batch(many), folds);
  const back = turnsOf(batch([...many].reverse()), folds);
  for (let i = 0; i < many.length; i++)
    expect(back.data.slice(2 * (399 - i), 2 * (399 - i) + 2)).toEqual(turns.data.slice(2 * i, 2 * i + 2));
  expect(turnsOf(batch(many), { ...folds, seed: 2 }).data).not.toEqual(turns.data);
});

test("rows that no network has seen have no turn", () => {
  expect(noTurns(3, folds)).toEqual(int64([3, 2], [-1, -1, -1, -1, -1, -1]));
});
