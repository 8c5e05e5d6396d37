// Ratings, end to end: found in a table, learned, judged, resumed, exported, asked.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunReport, RunResult, TrainSpec } from "../../ipc/types.ts";
import { Random } from "../../worker/random.ts";
import { evaluateRun } from "../../worker/run/evaluate.ts";
import { openPredictor } from "../../worker/run/predict.ts";
import { withRecommender } from "../../worker/run/recommend.ts";
import { Control } from "../../worker/train/control.ts";
import { kindOf, kinds } from "../../worker/train/kinds/index.ts";
import { trainRun } from "../../worker/train/run.ts";
import { shared } from "../shared.ts";

let folder: string;
let cache: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-ratings-"));
  cache = join(folder, "cache");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Two tastes: half of the people like the even films, half the odd ones; what they take they mostly like. */
function lines(rated: boolean, users = 300, items = 40): string[] {
  const random = new Random(5, "ratings");
  const out = [rated ? "user,film,rating,timestamp" : "user,film"];
  for (let u = 0; u < users; u++)
    for (let i = 0; i < items; i++) {
      const likes = u % 2 === i % 2;
      if (random.uniform() > (likes ? 0.45 : 0.08)) continue;
      const stars = Math.max(1, Math.min(5, Math.round((likes ? 4.4 : 1.8) + random.normal() * 0.5)));
      out.push(rated ? `u${u},film ${i},${stars},${1_500_000_000 + i * 1000 + u}` : `u${u},film ${i}`);
    }
  return out;
}

const write = async (name: string, content: readonly string[]) => {
  const path = join(folder, name);
  await writeFile(path, `${content.join("\n")}\n`);
  return path;
};
const source = () => ({ cache, signal: new AbortController().signal });
const json = async <T>(...path: string[]): Promise<T> => JSON.parse(await readFile(join(...path), "utf8")) as T;

let runs = 0;
async function train(
  spec: TrainSpec | undefined,
  stopAt?: number,
  run = join(folder, `run${runs++}`),
): Promise<{ run: string; result?: RunResult }> {
  const abort = new AbortController();
  const done = trainRun({
    run,
    cache,
    control: new Control(abort.signal),
    signal: abort.signal,
    onProgress: () => {},
    onPoint: ({ step }) => stopAt !== undefined && step >= stopAt && abort.abort(),
    ...(spec && { spec }),
  });
  if (stopAt === undefined) return { run, result: await done };
  await done.catch(() => undefined);
  return { run };
}

describe("a file of ratings", () => {
  test("is known by its columns; another task, or a target, makes it a table", async () => {
    const file = await write("likes.csv", lines(true));
    expect(await kindOf(file, {}, source())).toBe("ratings");
    expect(await kindOf(file, { task: "regression" }, source())).toBe("table");
    expect(await kindOf(file, { target: "rating" }, source())).toBe("table");
    const found = await kinds.ratings.inspect(file, source());
    expect(found).toMatchObject({
      kind: "ratings",
      users: 300,
      items: 40,
      columns: { user: "user", item: "film", rating: "rating", time: "timestamp" },
    });
  });

  test("is learned better than its mean, and its ranking beats what most have", async () => {
    const data = await write("likes2.csv", lines(true));
    const { run, result } = await train({ data });
    const { metrics, baseline } = await json<RunReport>(run, "report.json");
    expect(result!.task).toBe("recommend");
    expect(metrics.test!["rmse"]).toBeLessThan(0.8 * baseline.constant["rmse"]!);
    expect(metrics.test!["recall@10"]).toBeGreaterThan(1.5 * baseline.popularity!["recall@10"]!);

    await withRecommender(run, async (recommender) => {
      const forEven = await recommender.recommend("u2", 5);
      expect(forEven).toMatchObject({ known: true, by: "model" });
      const even = forEven.items.filter(({ item }) => Number(item.split(" ")[1]) % 2 === 0).length;
      expect(even).toBeGreaterThanOrEqual(4);
      const has = new Set(
        lines(true)
          .filter((line) => line.startsWith("u2,"))
          .map((line) => line.split(",")[1]),
      );
      expect(forEven.items.some(({ item }) => has.has(item))).toBe(false);
      expect(await recommender.recommend("nobody", 3)).toMatchObject({ known: false, by: "popularity" });
      const like = await recommender.similar("film 3", 5);
      expect(like.items.filter(({ item }) => Number(item.split(" ")[1]) % 2 === 1).length).toBeGreaterThanOrEqual(4);
    });

    const predictor = await openPredictor(run);
    const answers = await predictor.predictRows([
      { user: "u2", film: "film 4" },
      { user: "u2", film: "film 5" },
      { user: "nobody", film: "film 4" },
    ]);
    expect(Number(answers[0]!.prediction)).toBeGreaterThan(Number(answers[1]!.prediction) + 1);
    await predictor.dispose();

    const again = await evaluateRun(run, data, source());
    expect(again.metrics["rmse"]).toBeLessThan(baseline.constant["rmse"]!);
  });

  test("without ratings learns who takes what", async () => {
    const data = await write("taken.csv", lines(false));
    const { run } = await train({ data });
    const { metrics, baseline } = await json<RunReport>(run, "report.json");
    expect(metrics.test!["recall@10"]).toBeGreaterThan(1.5 * baseline.popularity!["recall@10"]!);
  });

  test("interrupted and resumed ends as one that was not", async () => {
    const data = await write("likes3.csv", lines(true));
    const whole = await train({ data, epochs: 6, seed: 4 });
    const half = await train({ data, epochs: 6, seed: 4 }, 6);
    await train(undefined, undefined, half.run);
    expect((await json<RunReport>(half.run, "report.json")).metrics).toEqual((await json<RunReport>(whole.run, "report.json")).metrics);
  });

  test("with gaps, doubles and wild values tells each, and trains on the rest", async () => {
    const data = await write("gaps.csv", [
      ...lines(true),
      ",film 1,3,1500000000",
      "u1,film 1,,1500000000",
      "u1,film 1,3,1500000001",
      "u1,film 1,4,1500000002",
    ]);
    const found = await kinds.ratings.inspect(data, source());
    expect(found.problems.map(({ code }) => code)).toEqual(expect.arrayContaining(["pairsIncomplete", "duplicatePairs"]));
  });

  test("with one person only is refused", async () => {
    const data = await write("one.csv", ["user,item,rating", ...Array.from({ length: 20 }, (_, i) => `me,${i},${i % 5}`)]);
    await expect(train({ data, task: "recommend" })).rejects.toMatchObject({ code: "tooFewRows" });
  });
});

const movies = shared("data/ratings/movielens_latest_small/ratings.csv");
test.skipIf(!movies)(
  "MovieLens: rmse at most 0.93, recall@10 at least 1.5 times popularity's",
  async () => {
    const { run } = await train({ data: movies! });
    const { metrics, baseline } = await json<RunReport>(run, "report.json");
    expect(metrics.test!["rmse"]).toBeLessThan(0.93);
    expect(metrics.test!["recall@10"]! / baseline.popularity!["recall@10"]!).toBeGreaterThan(1.5);
  },
  300_000,
);
