// A trained table model as one ONNX file that needs nothing of ours: the columns as they are written go in, the answer comes out.
//   inputs    one a used column, named as the column, [n, 1]: float32 (NaN: missing) for numbers, string ("": missing) for the rest
//   outputs   classification: `label` string [n], `probabilities` float32 [n, C];  regression: `value` float32 [n]
// Invariant: no column name can collide with a value of the graph: the graph is built under names of its own and named at the end.
import type { TableProfile, TableTask } from "../../ipc/types.ts";
import { Graph, type ValueInfo } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/proto.ts";
import { Builder, type Value } from "../ops/builder.ts";
import { strings } from "../tensor.ts";
import { formFields, type ModelInput, writeCard } from "./modelCard.ts";

/** What the export needs of an encoding; worker/data has the whole of it. */
export interface TableEncoding {
  target: string;
  task: TableTask;
  classes?: string[];
  /** Regression: value = standardised · std + mean. */
  targetScale?: { mean: number; std: number };
  /** `format`: how a column of numbers or dates is written; `missing`: what it has for missing, besides the usual marks. */
  encoders: { kind: ModelInput["kind"]; column: string; format?: string; missing?: string[] }[];
}

export interface TableExport<E extends TableEncoding> {
  encoding: E;
  /** Adds one input per encoder, named by its `column`, and the nodes that turn them into x (n, numeric) and codes (n, categories). */
  encode: (g: Builder, encoding: E) => { x: Value; codes: Value };
  /** Raw logits (n, C), or the standardised value (n, 1). */
  net: (g: Builder, inputs: { x: Value; codes: Value }) => Value;
  profile: TableProfile;
  /** The number that matters on the test rows, where rows were held out. */
  test?: { metric: string; value: number } | null;
  /** Family of the model. */
  model?: string;
  /** Of the network that it was made from; default: nobody else's. */
  licence?: string;
  /** Further entries for the file's metadata. */
  metadata?: Record<string, string>;
}

/** Nothing was taken from elsewhere, so nobody else's terms apply. */
export const ownLicence = "Trained from scratch on the data of whoever made it; holds no base model. It is theirs to licence.";

/** The bytes of model.onnx; the same for the same run. */
export function exportTableModel<E extends TableEncoding>(options: TableExport<E>): Uint8Array {
  const { encoding, profile } = options;
  const g = new Builder("table");
  const hidden: E = { ...encoding, encoders: encoding.encoders.map((encoder, i) => ({ ...encoder, column: `column.${i}` })) };
  const raw = options.net(g, options.encode(g, hidden));
  const results = encoding.task === "classification" ? labelled(g, raw, encoding.classes ?? []) : unscaled(g, raw, encoding.targetScale);
  for (const [name, value] of results) g.output(value, `output.${name}`);

  const outputs = results.map(([name]) => name);
  const inputs = modelInputs(encoding, outputs);
  const graph = named(
    g.graph,
    new Map(inputs.map(({ input }, i) => [`column.${i}`, input])),
    new Map(outputs.map((name) => [`output.${name}`, name])),
  );
  for (const [key, value] of Object.entries(options.metadata ?? {})) graph.metadata.set(key, value);
  writeCard(graph, {
    version: 1,
    task: encoding.task,
    target: encoding.target,
    ...(encoding.classes ? { classes: encoding.classes } : {}),
    inputs,
    fields: formFields(inputs, profile),
    columns: profile.columns.map((column) => column.name),
    header: profile.dialect.header,
    fingerprint: profile.fingerprint,
    test: options.test ?? null,
    model: options.model ?? "",
    licence: options.licence ?? ownLicence,
  });
  return encodeModel(graph);
}

/** What the graph's inputs are called and take, in the order of the encoders. */
function modelInputs(encoding: TableEncoding, outputs: string[]): ModelInput[] {
  const columns = encoding.encoders.map((encoder) => encoder.column);
  const names = inputNames(columns, outputs);
  return encoding.encoders.map(({ kind, column, format, missing }, i) => ({
    input: names[i]!,
    column,
    kind,
    ...(kind === "number" && format ? { format: format as NonNullable<ModelInput["format"]> } : {}), // writeCard checks it
    ...(kind === "number" && missing?.length ? { missing } : {}),
  }));
}

/** logits (n, C) → probabilities (n, C) and the name of the likeliest class (n); of equals the first. */
export function labelled(g: Builder, logits: Value, classes: string[]): [string, Value][] {
  const probabilities = g.softmax(logits); // (n, C)
  const label = g.gather(g.constant(strings([classes.length], classes), "classes"), g.argMax(probabilities, { axis: 1 })); // (n)
  return [
    ["label", label],
    ["probabilities", probabilities],
  ];
}

/** Standardised (n, 1) → value (n). In double until the last step, so that a target like 1,600,000,000 ± 1 keeps every digit float32 has. */
export function unscaled(g: Builder, raw: Value, scale = { mean: 0, std: 1 }): [string, Value][] {
  const wide = g.cast(g.reshape(raw, [-1]), "float64"); // (n)
  return [["value", g.cast(g.add(g.mul(wide, scale.std), scale.mean), "float32")]];
}

/**
 * The graph's input for each column: its own name. Two cases need another: a name that an output has (a column called `label`), and one that
 * came before; they get "_" at the end until they are alone (so does `__proto__`, which JavaScript objects cannot hold as a plain key). NUL and
 * lone surrogates, which runtimes cut or refuse, become U+FFFD.
 */
export function inputNames(columns: string[], outputs: string[]): string[] {
  const clean = columns.map((name) => Buffer.from(name, "utf8").toString("utf8").replaceAll("\0", "\uFFFD"));
  const taken = new Set([...outputs, "__proto__"]);
  const all = new Set(clean);
  return clean.map((name) => {
    let free = name;
    // a changed name may not take that of a later column
    while (free === "" || taken.has(free) || (free !== name && all.has(free))) free += "_";
    taken.add(free);
    return free;
  });
}

/** The same graph under its public names; inner values that happen to have one of those step aside. */
function named(graph: Graph, inputs: Map<string, string>, outputs: Map<string, string>): Graph {
  const fixed = new Map([...inputs, ...outputs]);
  const used = new Set(fixed.values());
  const names = new Map<string, string>([["", ""]]);
  const rename = (name: string): string => {
    let renamed = names.get(name);
    if (renamed === undefined) {
      renamed = fixed.get(name) ?? name;
      if (!fixed.has(name)) while (used.has(renamed)) renamed += "_";
      used.add(renamed);
      names.set(name, renamed);
    }
    return renamed;
  };
  const copy = new Graph(graph.name);
  for (const [domain, version] of graph.opsets) copy.opsets.set(domain, version);
  const info = (i: ValueInfo): ValueInfo => ({ ...i, name: rename(i.name) });
  for (const input of graph.inputs) copy.addInput(info(input));
  for (const [name, value] of graph.initializers) copy.addInitializer(rename(name), value, { trainable: graph.parameters.includes(name) });
  for (const node of graph.nodes) {
    copy.addNode({ ...node, name: "", inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) });
    for (const output of node.outputs) {
      const typed = graph.info(output);
      if (typed) copy.setInfo(info(typed));
    }
  }
  for (const output of graph.outputs) copy.addOutput(info(output));
  return copy;
}
