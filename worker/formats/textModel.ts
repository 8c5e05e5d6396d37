// A trained text model as one ONNX file: ids int64 [n, L] and weights float32 [n, L], as tokenize.mjs beside it makes them of texts; or input_ids
// and attention_mask int64 [n, T], by the tokenizer.json beside it, which also lies in its metadata. Outputs as of a table model: `label`
// string [n] and `probabilities` float32 [n, C], or `value` float32 [n].
import { AppError } from "../../ipc/error.ts";
import type { TableProfile, TableTask } from "../../ipc/types.ts";
import type { Graph } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/proto.ts";
import { Builder, type Value } from "../ops/builder.ts";
import { type ModelCard, writeCard } from "./modelCard.ts";
import { labelled, ownLicence, unscaled } from "./onnxModel.ts";

export interface TextExport {
  encoding: {
    text: string;
    target: string;
    task: TableTask;
    classes?: string[];
    targetScale?: { mean: number; std: number };
    pieces: { bits: number; words: number; letters: readonly [number, number] };
    tokens?: { form: "bpe" | "file"; context: number; fixed?: boolean };
  };
  /** Raw logits (n, C), or the standardised value (n, 1). */
  net: (g: Builder, inputs: Record<string, Value>) => Value;
  /** Where it reads tokens: their tokenizer.json. */
  tokenizer: string | undefined;
  profile: TableProfile;
  test: ModelCard["test"];
  model: string;
  /** Default: it was made from nothing. */
  licence: string | undefined;
  /** Whether it takes one text at a time. */
  alone?: boolean;
}

/** The metadata entry of the tokenizer. */
const tokenizerEntry = "tokenizer";

/** The bytes of model.onnx; the same for the same run. */
export function exportTextModel({ encoding, net, tokenizer, profile, test, model, licence, alone = false }: TextExport): Uint8Array {
  const g = new Builder("text");
  const { classes, pieces, target, task, text, tokens } = encoding;
  const dims = [alone ? 1 : "n", tokens?.fixed ? tokens.context : "T"];
  const inputs: Record<string, Value> = tokens
    ? { input_ids: g.input("input_ids", "int64", dims), attention_mask: g.input("attention_mask", "int64", dims) }
    : { ids: g.input("ids", "int64", ["n", "L"]), weights: g.input("weights", "float32", ["n", "L"]) };
  const raw = net(g, inputs);
  for (const [name, value] of task === "classification" ? labelled(g, raw, classes ?? []) : unscaled(g, raw, encoding.targetScale))
    g.output(value, name);
  const example = profile.columns.find((column) => column.name === text)?.examples[0] ?? "";
  writeCard(g.graph, {
    version: 1,
    task,
    target,
    ...(classes ? { classes } : {}),
    inputs: [{ input: tokens ? "input_ids" : "ids", column: text, kind: "text" }],
    fields: [{ name: text, type: "text", example: example.slice(0, 1000) }],
    ...(tokens
      ? { tokens: { form: tokens.form, context: tokens.context, ...(tokens.fixed ? { fixed: true } : {}), ...(alone ? { alone } : {}) } }
      : { pieces: { ...pieces, letters: [...pieces.letters] } }),
    columns: profile.columns.map((column) => column.name),
    header: profile.dialect.header,
    fingerprint: profile.fingerprint,
    test,
    model,
    licence: licence ?? ownLicence,
  });
  if (tokenizer !== undefined) g.graph.metadata.set(tokenizerEntry, tokenizer);
  return encodeModel(g.graph);
}

/** The tokenizer.json that a model of tokens has in itself. Throws modelInvalid. */
export function tokenizerOf(graph: Graph, file: string): string {
  const json = graph.metadata.get(tokenizerEntry);
  if (json !== undefined) return json;
  throw new AppError("modelInvalid", `'${file}' reads tokens, but holds no tokenizer.`, "Choose a run, or a model.onnx that a run made.", {
    file,
  });
}
