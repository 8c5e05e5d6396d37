// A trained recommender as two ONNX files that need nothing of ours. Ids go in as they are written.
//   model.onnx      a user and an item, string [n, 1] each, named as their columns → `value` float32 [n]: the rating that is expected
//   recommend.onnx  `history` string [h]: items that somebody has ("" for none), `top` int64 [1] → `items` string [k], `scores` float32 [k]: what
//                   else fits, best first; k is `top`, or fewer where fewer are left
// The first is read as a table model that gives a number (modelCard.ts), so that forms and files of pairs need nothing new.
import type { RatingsColumns, TableProfile } from "../../ipc/types.ts";
import type { Graph } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/proto.ts";
import { Builder, type Value } from "../ops/builder.ts";
import { float32, int64, strings } from "../tensor.ts";
import { writeCard } from "./modelCard.ts";
import { inputNames, ownLicence } from "./onnxModel.ts";

export interface RatingsExport {
  columns: RatingsColumns;
  users: readonly string[];
  items: readonly string[];
  scale: { mean: number; std: number };
  range: { min: number; max: number };
  /** Codes (n) int64, 0 for unknown → standardised rating (n, 1). */
  net(g: Builder, inputs: { user: Value; item: Value }): Value;
  profile: TableProfile;
  test: { metric: string; value: number } | null;
}

/** What the answer is called where the file has no ratings. */
export const interest = "interest";

export function exportRatingsModel(options: RatingsExport): Uint8Array {
  const { columns, users, items, scale, range, profile } = options;
  const g = new Builder("ratings");
  const names = inputNames([columns.user, columns.item], ["value"]);
  const [user, item] = [users, items].map((ids, i) => codesOf(g, g.input(names[i]!, "string", ["n", 1]), ids, 0)) as [Value, Value];
  const rating = g.cast(g.reshape(options.net(g, { user, item }), [-1]), "float64"); // (n)
  const unscaled = g.add(g.mul(rating, scale.std), scale.mean);
  const value = g.cast(g.op("Clip", [unscaled, g.scalar(range.min, "float64"), g.scalar(range.max, "float64")]), "float32");
  g.output(value, "value");
  const example = { user: users[0] ?? "", item: items[0] ?? "" };
  writeCard(g.graph, {
    version: 1,
    task: "regression",
    target: columns.rating ?? interest,
    inputs: [columns.user, columns.item].map((column, i) => ({ input: names[i]!, column, kind: "category" })),
    fields: (["user", "item"] as const).map((part) => ({ name: columns[part], type: "category", example: example[part] })),
    columns: profile.columns.map((column) => column.name),
    header: profile.dialect.header,
    fingerprint: profile.fingerprint,
    test: options.test,
    model: "factors",
    licence: ownLicence,
  });
  g.graph.metadata.set("recommend", JSON.stringify({ version: 1, companion: "recommend.onnx" }));
  return encodeModel(g.graph);
}

export interface RankingExport {
  /** The items that can be recommended, in their order. */
  items: readonly string[];
  /** (known, known) of the first items: row j is what having item j adds to the others. Absent: the towers rank alone. */
  weights?: Float32Array;
  /** (items) what is added to the scores of all, or says what most have where nothing is known. */
  popularity: Float32Array;
  /** How much of the popularity is added beside the weights. */
  popularityShare: number;
  /** Two towers over all items, in their order: rows of D numbers, and what their score is multiplied by. */
  towers?: { size: number; had: Float32Array; vectors: Float32Array; bias: Float32Array; share: number };
}

/** Below every score that there is. */
const never = -1e30;

export function exportRankingModel({ items, weights, popularity, popularityShare, towers }: RankingExport): Uint8Array {
  const n = items.length;
  const g = new Builder("recommend");
  const history = codesOf(g, g.input("history", "string", ["h"]), items, n); // (h), n for unknown
  const top = g.input("top", "int64", [1]);
  const ones = g.expandLike(g.scalar(1), g.cast(history, "float32")); // (h)
  const marked = g.op("ScatterElements", [g.constant(float32([n + 1], new Float32Array(n + 1))), history, ones], { axis: 0 });
  const had = g.slice(marked, { starts: [0], ends: [n], axes: [0] }); // (n)
  const count = g.reduceSum(had, { axes: [0] }); // (1)
  const usual = g.constant(float32([n], popularity), "popularity");
  const known = weights ? Math.round(Math.sqrt(weights.length)) : 0;
  let scores: Value | undefined;
  if (weights) {
    const first = g.unsqueeze(known < n ? g.slice(had, { starts: [0], ends: [known], axes: [0] }) : had, [0]); // (1, known)
    const sums = g.reshape(g.matmul(first, g.constant(float32([known, known], weights), "weights")), [known]);
    const rest = known < n ? [g.constant(float32([n - known], new Float32Array(n - known)))] : [];
    const base = Float32Array.from(popularity, (p, i) => (i < known ? popularityShare * p : 0));
    scores = g.add(g.concat([sums, ...rest], { axis: 0 }), g.constant(float32([n], base), "base"));
  }
  if (towers) {
    const { size, share } = towers;
    const owned = g.matmul(g.unsqueeze(had, [0]), g.constant(float32([n, size], towers.had), "had.vectors")); // (1, D)
    const user = g.div(owned, g.sqrt(g.max(count, 1)));
    const product = g.gemm(user, g.constant(float32([n, size], towers.vectors), "item.vectors"), undefined, { transB: 1 }); // (1, n)
    const fit = g.add(g.reshape(product, [n]), g.constant(float32([n], towers.bias), "item.bias"));
    const part = g.mul(fit, share);
    scores = g.where(g.greater(count, 0), scores ? g.add(scores, part) : part, usual);
  }
  const free = g.where(g.greater(had, 0), g.scalar(never), scores ?? usual);
  const left = g.sub(g.constant(int64([1], [n])), g.cast(count, "int64")); // (1)
  const [best, at] = g.op("TopK", [free, g.op("Min", [top, left])], { axis: 0 }, { outputs: 2 }) as [Value, Value];
  g.output(g.gather(g.constant(strings([n], [...items]), "names"), at), "items");
  g.output(best, "scores");
  g.graph.metadata.set("recommend", JSON.stringify({ version: 1 }));
  g.graph.metadata.set("licence", ownLicence);
  return encodeModel(g.graph);
}

/** Ids → whole numbers, flat: the first has `first`, or 1 where `unknown` is 0; ids that are not there have `unknown`. */
function codesOf(g: Builder, text: Value, ids: readonly string[], unknown: number): Value {
  const first = unknown === 0 ? 1 : 0;
  const attrs = { keys_strings: [...ids], values_int64s: ids.map((_, i) => i + first), default_int64: unknown };
  return g.reshape(g.op("LabelEncoder", [text], attrs, { domain: "ai.onnx.ml" }), [-1]);
}

/** The ids that a model of ours knows, by the graph's input. */
export function knownIds(graph: Graph, input: string): string[] | undefined {
  const keys = graph.nodes.find((node) => node.type === "LabelEncoder" && node.inputs[0] === input)?.attrs["keys_strings"];
  return keys?.type === "strings" ? [...keys.value] : undefined;
}
