import { expect, test } from "vitest";
import { RankingScore, topOf } from "./ranking.ts";

test("a find on place p counts 1 / log2(p + 1); beyond the k-th nothing", () => {
  const score = new RankingScore(2);
  score.add([0.1, 0.9, 0.5], 1); // first
  score.add([0.1, 0.9, 0.5], 2); // second
  score.add([0.1, 0.9, 0.5], 0); // third
  expect(score.users).toBe(3);
  expect(score.metrics["recall@2"]).toBeCloseTo(2 / 3, 12);
  expect(score.metrics["ndcg@2"]).toBeCloseTo((1 + 1 / Math.log2(3)) / 3, 12);
});

test("equal scores count as the mean over their orders; what is never recommended is never found", () => {
  const equal = new RankingScore(1);
  equal.add([1, 1, 1, 1], 2);
  expect(equal.metrics).toEqual({ "recall@1": 0.25, "ndcg@1": 0.25 });
  const never = new RankingScore();
  never.add([1, -Infinity], 1);
  expect(never.metrics).toEqual({ "recall@10": 0, "ndcg@10": 0 });
});

test("the best first, of equal ones the first, none that is left out", () => {
  expect(topOf([3, -Infinity, 5, 5, NaN, 4], 3)).toEqual([2, 3, 5]);
  expect(topOf([1, 2], 5)).toEqual([1, 0]);
});
