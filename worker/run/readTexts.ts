// Texts as the inputs of a text model, and how one text became them.
import type { Prediction, TextToken } from "../../ipc/types.ts";
import { eachPiece, type PieceSettings, placesOf, weightOf } from "../data/text/pieces.ts";
import { inputsOf, tokenInputsOf } from "../data/text/textStore.ts";
import { openTextTokens } from "../data/text/textTokens.ts";
import type { ModelCard } from "../formats/modelCard.ts";
import { tokenizerOf } from "../formats/textModel.ts";
import type { Graph } from "../onnx/graph.ts";
import type { Tensor } from "../tensor.ts";
import { shortest } from "./writers.ts";

/** How a model of texts takes them. */
export interface TextReader {
  inputs(texts: readonly string[]): Record<string, Tensor>;
  /** Texts that go through the network at once. */
  atOnce: number;
  /** How a text became numbers. */
  explain(text: string, prediction: Prediction): TextToken[];
}

/** Undefined where the model reads no texts. Throws modelInvalid where its tokenizer is missing or cannot be read. */
export function openTextReader(graph: Graph, card: ModelCard, file: string): TextReader | undefined {
  const { pieces, tokens } = card;
  if (pieces) {
    const atOnce = textsAtOnce(card.classes?.length ?? 1);
    return { inputs: (texts) => textInputs(texts, pieces), atOnce, explain: explainText(graph, card) };
  }
  if (!tokens) return undefined;
  const { encode, show } = openTextTokens(tokenizerOf(graph, file), { ...tokens, name: `the tokenizer of ${file}` });
  return {
    inputs: (texts) => tokenInputsOf(texts.map(encode), tokens.fixed ? tokens.context : undefined),
    atOnce: tokens.alone ? 1 : tokensAtOnce,
    // In their order: each is a part of the mean that is answered by.
    explain(text) {
      const ids = encode(text);
      return ids.map((id) => ({ piece: show(id), id, count: 1, weight: shortest(1 / ids.length) }));
    },
  };
}

const tokensAtOnce = 32;

/** So many that the vectors of the longest stay small. */
export const textsAtOnce = (outputs: number): number => Math.max(16, Math.floor(4096 / Math.max(2, Math.min(32, outputs))));

export const textInputs = (texts: readonly string[], settings: PieceSettings): Record<string, Tensor> =>
  inputsOf(texts.map((text) => placesOf(text, settings)));

/**
 * Every different piece of a text: the place it is hashed to, how often that place is filled, what it weighs (the text's length being 1),
 * and, where the vectors are answers themselves, how much it speaks for the answer given. Two pieces of one place are told with the same
 * numbers: the network cannot tell them apart.
 */
export function explainText(graph: Graph, card: ModelCard): (text: string, prediction: Prediction) => TextToken[] {
  const settings = card.pieces!;
  const rarity = graph.initializers.get("rarity")?.data as Float32Array | undefined;
  const table = graph.initializers.get("pieces.table");
  const outputs = card.classes?.length ?? 1;
  const direct = table?.dims[1] === outputs && graph.initializers.has("out.bias") && !graph.initializers.has("out.weight");
  return (text, { prediction }) => {
    const { ids, counts } = placesOf(text, settings);
    const raw = new Map(Array.from(ids, (id, k) => [id, { count: counts[k]!, weight: weightOf(counts[k]!) * (rarity?.[id] ?? 0) }]));
    let squares = 1e-12;
    for (const { weight } of raw.values()) squares += weight * weight;
    const length = Math.sqrt(squares);
    const answer = card.classes ? card.classes.indexOf(String(prediction)) : 0;
    const told = new Map<string, TextToken>();
    eachPiece(text, settings, (id, name) => {
      const found = raw.get(id);
      if (!found) return; // beyond the places that one text may fill
      const key = `${id} ${name()}`;
      if (told.has(key)) return;
      const weight = found.weight / length;
      const effect = direct ? weight * say(table!.data as Float32Array, id, outputs, answer) : undefined;
      told.set(key, {
        piece: name(),
        id,
        count: found.count,
        weight: shortest(weight),
        ...(effect === undefined ? {} : { effect: shortest(effect) }),
      });
    });
    return [...told.values()];
  };
}

/** A place's say in one answer, above the mean of all. */
function say(table: Float32Array, id: number, outputs: number, answer: number): number {
  let mean = 0;
  for (let c = 0; c < outputs; c++) mean += table[id * outputs + c]! / outputs;
  return table[id * outputs + answer]! - (outputs > 1 ? mean : 0);
}
