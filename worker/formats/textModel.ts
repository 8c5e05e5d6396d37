// A trained text model as one ONNX file: ids int64 [n, L] and weights float32 [n, L], as tokenize.mjs beside it makes them of texts; outputs as
// of a table model: `label` string [n] and `probabilities` float32 [n, C], or `value` float32 [n].
import type { TableProfile, TableTask } from "../../ipc/types.ts";
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
  };
  /** Raw logits (n, C), or the standardised value (n, 1). */
  net: (g: Builder, inputs: { ids: Value; weights: Value }) => Value;
  profile: TableProfile;
  test: ModelCard["test"];
  model: string;
}

/** The bytes of model.onnx; the same for the same run. */
export function exportTextModel({ encoding, net, profile, test, model }: TextExport): Uint8Array {
  const g = new Builder("text");
  const ids = g.input("ids", "int64", ["n", "L"]);
  const weights = g.input("weights", "float32", ["n", "L"]);
  const raw = net(g, { ids, weights });
  const { classes, pieces, target, task, text } = encoding;
  for (const [name, value] of task === "classification" ? labelled(g, raw, classes ?? []) : unscaled(g, raw, encoding.targetScale))
    g.output(value, name);
  const example = profile.columns.find((column) => column.name === text)?.examples[0] ?? "";
  writeCard(g.graph, {
    version: 1,
    task,
    target,
    ...(classes ? { classes } : {}),
    inputs: [{ input: "ids", column: text, kind: "text" }],
    fields: [{ name: text, type: "text", example: example.slice(0, 1000) }],
    pieces: { ...pieces, letters: [...pieces.letters] },
    columns: profile.columns.map((column) => column.name),
    header: profile.dialect.header,
    fingerprint: profile.fingerprint,
    test,
    model,
    licence: ownLicence,
  });
  return encodeModel(g.graph);
}
