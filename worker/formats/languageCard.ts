// What a language model's file says about itself, in the metadata entry `paddock`: its size, so that the graph that writes can be made from its
// weights, and how it is asked. Untrusted when read: every field is checked, and the weights against it.
import * as v from "valibot";
import { AppError } from "../../ipc/error.ts";
import type { Graph } from "../onnx/graph.ts";
import { ownLicence } from "./onnxModel.ts";

export interface LanguageCard {
  version: 1;
  task: "language";
  model: "gpt";
  /** As models/gpt.ts has it. */
  net: { tokens: number; context: number; width: number; layers: number; heads: number };
  /** "chat": it was taught to answer, and is asked with the tokens of who speaks. */
  asked: "text" | "chat";
  fingerprint: string;
  test: { metric: string; value: number } | null;
  licence: string;
}

const whole = (most: number) => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));
const text = v.pipe(v.string(), v.maxLength(10_000));
const schema = v.object({
  version: v.literal(1),
  task: v.literal("language"),
  model: v.literal("gpt"),
  net: v.object({ tokens: whole(65_536), context: whole(65_536), width: whole(16_384), layers: whole(256), heads: whole(256) }),
  asked: v.picklist(["text", "chat"]),
  fingerprint: text,
  test: v.nullable(v.object({ metric: text, value: v.number() })),
  licence: text,
});

export function writeLanguageCard(graph: Graph, card: Omit<LanguageCard, "version" | "task" | "model" | "licence">): void {
  const whole: LanguageCard = { version: 1, task: "language", model: "gpt", licence: ownLicence, ...card };
  graph.metadata.set("paddock", JSON.stringify(v.parse(schema, whole)));
  graph.metadata.set("task", "language");
  graph.metadata.set("tokenizer", "tokenizer.json");
  graph.metadata.set("fingerprint", card.fingerprint);
  if (card.test) graph.metadata.set("test", JSON.stringify(card.test));
  graph.metadata.set("licence", whole.licence);
}

export const isLanguageModel = (graph: Graph): boolean => graph.metadata.get("task") === "language" && graph.metadata.has("paddock");

/**
 * The card of a language model.
 * @param file named in errors
 * @throws AppError modelInvalid when there is no card, a field is wrong, or a weight does not fit it
 */
export function readLanguageCard(graph: Graph, file: string): LanguageCard {
  const invalid = (why: string) =>
    new AppError("modelInvalid", `'${file}' is not a language model of Paddock: ${why}.`, "Choose a run of a language model.", { file });
  let value: unknown;
  try {
    value = JSON.parse(graph.metadata.get("paddock") ?? "");
  } catch {
    throw invalid("it does not say what it is (no `paddock` entry in its metadata)");
  }
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) throw invalid(`its description is wrong at ${v.getDotPath(parsed.issues[0]) ?? "the top"}`);
  const { net } = parsed.output;
  if (net.width % net.heads) throw invalid("its width is no multiple of its heads");
  const table = graph.initializers.get("tokens.weight");
  if (table?.dtype !== "float32" || table.dims.join() !== [net.tokens, net.width].join()) throw invalid("its weights are of another size");
  return parsed.output;
}
