// A trained recommender at work: what else fits a user, and what is like an item. The ranking is recommend.onnx's, the expected rating beside it
// model.onnx's; who has what, and what items are called, lie beside them.
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import { AppError } from "../../ipc/error.ts";
import type { FoundId, Recommended, RecommendResult, SimilarResult } from "../../ipc/types.ts";
import { knownIds } from "../formats/ratingsModel.ts";
import { readSeen, type SeenPairs } from "../formats/seenPairs.ts";
import { readCard } from "../formats/modelCard.ts";
import type { Graph } from "../onnx/graph.ts";
import { decodeModel } from "../onnx/proto.ts";
import { int64, strings } from "../tensor.ts";
import { type Engine, type InferenceSession, openEngine } from "./engine.ts";
import { modelFile } from "./predict.ts";

export interface Recommender {
  /** The best items that the user does not have; for one who is not known, what most people have. */
  recommend(user: string, top: number): Promise<RecommendResult>;
  /** What those have who have this item; for one that is not known, what most people have. */
  similar(item: string, top: number): Promise<SimilarResult>;
  /** Users or items whose id or title holds the text, whatever its case; those with most pairs first. */
  find(of: "users" | "items", text: string, limit: number): Promise<FoundId[]>;
  dispose(): Promise<void>;
}

/** Of what a user has, so much is told. */
const mostHad = 50;

const titlesSchema = v.object({ version: v.literal(1), titles: v.array(v.tuple([v.string(), v.string()])) });

/**
 * Opens a run folder of a recommender, or its model.onnx with recommend.onnx beside it.
 * @throws AppError runMissing, runNotTrained, fileMissing, modelInvalid
 */
export async function openRecommender(runOrModel: string): Promise<Recommender> {
  const file = await modelFile(runOrModel);
  const beside = (name: string) => join(dirname(file), name);
  const rated = await readModel(file);
  const card = readCard(rated.graph, basename(file));
  const [userInput, itemInput] = card.inputs.map(({ input }) => input);
  const users = userInput === undefined ? undefined : knownIds(rated.graph, userInput);
  const items = itemInput === undefined ? undefined : knownIds(rated.graph, itemInput);
  if (!rated.graph.metadata.has("recommend") || !users || !items || !(await there(beside("recommend.onnx"))))
    throw noRecommender(runOrModel);
  const ranked = await readModel(beside("recommend.onnx"));
  const ranks = new Set(knownIds(ranked.graph, "history") ?? []);
  const userAt = new Map(users.map((id, at) => [id, at]));
  const itemAt = new Set(items);
  const seen = await seenOf(beside("seen.bin"), { users: users.length, items: items.length });
  const titles = await titlesOf(beside("titles.json"));
  const engine = await openEngine("cpu");
  const open: InferenceSession[] = [];
  const sessions = await load(engine, [rated.bytes, ranked.bytes], open);
  const [rating, ranking] = sessions as [InferenceSession, InferenceSession];

  /** What fits beside these items, none of them. */
  async function rank(history: readonly string[], top: number): Promise<{ item: string; score: number }[]> {
    const asked = history.filter((id) => ranks.has(id));
    const words = asked.length ? asked : [""]; // a runtime wants at least one
    const found = await ranking.run({ history: strings([words.length], words), top: int64([1], [top]) });
    const scores = found["scores"]!.data as Float32Array;
    return (found["items"]!.data as string[]).map((item, i) => ({ item, score: scores[i]! }));
  }

  /** What a user has, best rated first. */
  function hadBy(at: number) {
    const { starts, item, rating } = seen!;
    const places = Array.from({ length: starts[at + 1]! - starts[at]! }, (_, i) => starts[at]! + i);
    if (rating) places.sort((a, b) => rating[b]! - rating[a]! || a - b);
    return places.slice(0, mostHad).map((p) => {
      const id = items![item[p]!]!;
      return { item: id, ...named(id), ...(rating ? { rating: rating[p]! } : {}) };
    });
  }

  /** How many pairs each user or item has, where that is at hand. */
  function countsOf(of: "users" | "items"): Uint32Array {
    const counts = new Uint32Array(of === "users" ? users!.length : items!.length);
    if (seen && of === "users") for (let u = 0; u < counts.length; u++) counts[u] = seen.starts[u + 1]! - seen.starts[u]!;
    if (seen && of === "items") for (const i of seen.item) counts[i]!++;
    return counts;
  }
  /** Places of users and items, those with most pairs first. */
  const ordered: Partial<Record<"users" | "items", { order: Uint32Array; counts: Uint32Array }>> = {};

  const named = (item: string) => {
    const title = titles.get(item);
    return title === undefined ? {} : { title };
  };

  /** The ratings that this user is expected to give. */
  async function rate(user: string, list: readonly { item: string }[]): Promise<Float32Array> {
    if (list.length === 0) return new Float32Array();
    const dims = [list.length, 1];
    const feeds = {
      [userInput!]: strings(
        dims,
        list.map(() => user),
      ),
      [itemInput!]: strings(
        dims,
        list.map(({ item }) => item),
      ),
    };
    return (await rating.run(feeds))["value"]!.data as Float32Array;
  }

  return {
    async recommend(asked, top) {
      const user = asked.trim();
      const at = userAt.get(user);
      const has = at === undefined || !seen ? [] : Array.from(seen.item.subarray(seen.starts[at], seen.starts[at + 1]), (i) => items[i]!);
      const list = await rank(has, top);
      const ratings = await rate(user, list);
      const by = has.some((id) => ranks.has(id)) ? "model" : "popularity";
      const found = list.map(({ item, score }, i): Recommended => ({ item, ...named(item), score, rating: ratings[i]! }));
      const had = at === undefined || !seen ? {} : { had: hadBy(at) };
      return { user, known: at !== undefined, by, seen: seen ? has.length : null, ...had, items: found };
    },
    async similar(asked, top) {
      const item = asked.trim();
      const list = await rank([item], top);
      const found = list.map(({ item, score }): Recommended => ({ item, ...named(item), score }));
      return { item, ...named(item), known: itemAt.has(item), by: ranks.has(item) ? "model" : "popularity", items: found };
    },
    find(of, asked, limit) {
      const counts = ordered[of]?.counts ?? countsOf(of);
      const { order } = (ordered[of] ??= {
        counts,
        order: Uint32Array.from(counts.keys()).sort((a, b) => counts[b]! - counts[a]! || a - b),
      });
      const ids = of === "users" ? users : items;
      const text = asked.trim().toLowerCase();
      const found: FoundId[] = [];
      // An id that is written out comes first, however rare it is.
      const exact = of === "users" ? userAt.get(asked.trim()) : ids.indexOf(asked.trim());
      const put = (i: number) => found.push({ id: ids[i]!, ...(of === "items" ? named(ids[i]!) : {}), pairs: counts[i]! });
      if (exact !== undefined && exact >= 0) put(exact);
      for (const i of order) {
        if (found.length >= limit) break;
        if (i === exact) continue;
        const holds = (words: string | undefined) => words?.toLowerCase().includes(text) === true;
        if (holds(ids[i]) || (of === "items" && holds(titles.get(ids[i]!)))) put(i);
      }
      return Promise.resolve(found);
    },
    async dispose() {
      for (const session of open) await session.dispose();
      await engine.dispose();
    },
  };
}

/** Opens, works, closes. */
export async function withRecommender<T>(run: string, work: (recommender: Recommender) => Promise<T>): Promise<T> {
  const recommender = await openRecommender(run);
  try {
    return await work(recommender);
  } finally {
    await recommender.dispose();
  }
}

async function readModel(file: string): Promise<{ bytes: Uint8Array; graph: Graph }> {
  const read = await readFile(file);
  const bytes = new Uint8Array(read.buffer, read.byteOffset, read.length);
  return { bytes, graph: decodeModel(bytes) };
}

async function load(engine: Engine, models: Uint8Array[], open: InferenceSession[]): Promise<InferenceSession[]> {
  try {
    for (const bytes of models) open.push(await engine.load(bytes));
    return open;
  } catch (thrown) {
    await engine.dispose();
    throw thrown;
  }
}

const there = async (path: string) => (await stat(path).catch(() => undefined))?.isFile() === true;

/** Undefined where only the models are at hand. */
async function seenOf(path: string, limits: { users: number; items: number }): Promise<SeenPairs | undefined> {
  return (await there(path)) ? readSeen(await readFile(path), limits, basename(path)) : undefined;
}

async function titlesOf(path: string): Promise<Map<string, string>> {
  if (!(await there(path))) return new Map();
  try {
    return new Map(v.parse(titlesSchema, JSON.parse(await readFile(path, "utf8"))).titles);
  } catch (thrown) {
    throw new AppError(
      "modelInvalid",
      `'${basename(path)}' is damaged.`,
      "Remove it (items then have no titles), or train again.",
      { file: path },
      thrown,
    );
  }
}

function noRecommender(run: string): AppError {
  return new AppError("modelInvalid", `'${run}' does not recommend.`, "Train on ratings: paddock train ratings.csv --task recommend.", {
    file: run,
  });
}
