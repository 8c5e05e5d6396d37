// More items than get weights: towers know the rest.
import { beforeAll, describe, expect, test } from "vitest";
import type { Pairs } from "../../data/ratings/read.ts";
import { exportRankingModel } from "../../formats/ratingsModel.ts";
import { Random } from "../../random.ts";
import { openEngine } from "../../run/engine.ts";
import { topOf } from "../../tasks/ranking.ts";
import { blendedScores } from "../../tasks/towers.ts";
import { int64, strings } from "../../tensor.ts";
import { rankingOf } from "./exportRatings.ts";
import { fitRanking, type Ranking } from "./ranking.ts";

/** Ten tastes of 12 items each, of which everyone likes one and takes most; now and then something else. */
function tastes(rated: boolean, users = 240, groups = 10, each = 12): Pairs {
  const random = new Random(3, "tastes");
  const rows = Array.from({ length: users }, (_, u) =>
    Array.from({ length: groups * each }, (_, i) => i).filter((i) => random.uniform() < (Math.floor(i / each) === u % groups ? 0.6 : 0.01)),
  );
  const item = Int32Array.from(rows.flat());
  return {
    users: rows.map((_, u) => `u${u}`),
    items: Array.from({ length: groups * each }, (_, i) => `i${i}`),
    starts: Uint32Array.from([0, ...rows.map((_, u) => rows.slice(0, u + 1).flat().length)]),
    user: Int32Array.from(rows.flatMap((row, u) => row.map(() => u))),
    item,
    row: Uint32Array.from(item.keys(), (p) => p + 1),
    ...(rated ? { rating: Float32Array.from(item, () => 1 + Math.round(4 * random.uniform())) } : {}),
    problems: [],
  };
}
const pause = () => Promise.resolve();
const had = ({ starts, item }: Pairs, u: number) => item.subarray(starts[u], starts[u + 1]);

describe.each([true, false])("with ratings: %s", (rated) => {
  const pairs = tastes(rated);
  let ranking: Ranking;
  beforeAll(async () => void (ranking = await fitRanking(pairs, { seed: 1, split: true, most: 30, pause })), 120_000);

  test("finds what users took last far more often than popularity, and than weights between few items can", async () => {
    expect(ranking.ease.known.length).toBe(30);
    expect(ranking.blend).toBeDefined();
    expect(ranking.metrics["recall@10"]).toBeGreaterThan(3 * ranking.popularity["recall@10"]!);
    expect(ranking.metrics["recall@10"]).toBeGreaterThan(0.6);
  });

  test("recommends items without weights, of the user's own taste", () => {
    let own = 0;
    let rare = 0;
    for (let u = 0; u < 50; u++)
      for (const i of topOf(blendedScores(ranking.ease, ranking.blend!, had(pairs, u)), 3)) {
        if (Math.floor(i / 12) === u % 10) own++;
        if (ranking.ease.place[i]! < 0) rare++;
      }
    expect(own).toBeGreaterThan(110);
    expect(rare).toBeGreaterThan(60);
  });

  test.each([0.01, null])("the file ranks as the model does, its share being %s; who has nothing gets what most have", async (share) => {
    const blend = { towers: ranking.blend!.towers, share };
    const engine = await openEngine("cpu");
    try {
      const session = await engine.load(exportRankingModel(rankingOf({ ...ranking, blend }, pairs.items)));
      const ask = async (history: string[]) => await session.run({ history: strings([history.length], history), top: int64([1], [200]) });
      for (const u of [0, 7, 33]) {
        const scores = blendedScores(ranking.ease, blend, had(pairs, u));
        const { items, scores: found } = await ask(Array.from(had(pairs, u), (i) => `i${i}`));
        expect(items!.data.length).toBe(120 - had(pairs, u).length);
        expect((items!.data as string[]).toSorted()).toEqual(topOf(scores, 200).map((i) => `i${i}`).toSorted()); // prettier-ignore
        (items!.data as string[]).forEach((id, at) => expect(found!.data[at]).toBeCloseTo(scores[Number(id.slice(1))]!, 3));
      }
      const { items } = await ask([""]);
      const most = topOf(ranking.ease.popularity, 1)[0]!;
      expect(ranking.ease.popularity[Number((items!.data as string[])[0]!.slice(1))]).toBe(ranking.ease.popularity[most]);
      const like = await ask(["i5"]);
      expect((like["items"]!.data as string[]).slice(0, 5).filter((id) => Number(id.slice(1)) < 12).length).toBeGreaterThanOrEqual(4);
    } finally {
      await engine.dispose();
    }
  });
});

test("the same seed gives the same numbers", async () => {
  const pairs = tastes(false, 60);
  const [one, two] = [await fitRanking(pairs, { seed: 2, split: true, most: 20, pause }), await fitRanking(pairs, { seed: 2, split: true, most: 20, pause })]; // prettier-ignore
  expect(two.blend!.towers.vectors).toEqual(one.blend!.towers.vectors);
  expect(two.metrics).toEqual(one.metrics);
}, 60_000);
