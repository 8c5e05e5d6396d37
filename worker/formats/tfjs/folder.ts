// A model.onnx that a run made as a folder for TensorFlow.js: model.json and its weights, preprocess.mjs, an example page and a README.
import { AppError } from "../../../ipc/error.ts";
import type { Graph, ValueInfo } from "../../onnx/graph.ts";
import { rewrite } from "../../passes/rewrite.ts";
import { readCard } from "../modelCard.ts";
import { isPictureModel, readPictureCard } from "../pictureModel.ts";
import { entries } from "./operators.ts";
import { example, type PageFacts, preprocessText, readme } from "./preprocess.ts";
import { textSteps } from "./textSteps.ts";
import { translate } from "./translate.ts";

/** Files by name. */
export type Folder = Map<string, string | Uint8Array>;

/**
 * @param given the graph of a model.onnx   @param tokenizer tokenize.mjs, for a model of texts
 * @throws AppError exportUnsupported, naming the operator; modelInvalid
 */
export function tfjsFolder(given: Graph, file: string, tokenizer?: string): Folder {
  const pictures = isPictureModel(given);
  const { graph, facts, inputs } = pictures ? pictureParts(given, file) : tableParts(given, file);
  const output = graph.outputs.find(({ name }) => name === (facts.task === "classification" ? "probabilities" : "value"))!;
  const def = translate(graph, { inputs, outputs: [output.name], entries });
  const whole: PageFacts = { ...facts, inputs: def.inputs };
  const notes = Object.fromEntries([...given.metadata].filter(([key]) => key !== "paddock"));
  const folder: Folder = new Map([
    ...def.files(notes),
    ["preprocess.mjs", preprocessText(whole)],
    ...(tokenizer === undefined ? [] : [["tokenize.mjs", tokenizer] as const]),
    ["example.html", example(whole)],
  ]);
  folder.set("README.md", readme(whole, [...folder.keys()]));
  return folder;
}

interface Parts {
  graph: Graph;
  facts: Omit<PageFacts, "inputs">;
  /** Values of the graph that are fed, and the names of their inputs. */
  inputs: Map<string, string>;
}

/** Every value with its type, by our own inference. */
const typed = (graph: Graph): Graph => rewrite(graph, () => undefined);

function tableParts(given: Graph, file: string): Parts {
  const card = readCard(given, file);
  if (card.tokens)
    throw new AppError(
      "exportUnsupported",
      `'${file}' reads texts as tokens, and a page has no tokenizer for them.`,
      "Take the ONNX file, with the tokenizer.json beside it; or train with the model ngrams, which a page can read.",
      { file },
    );
  const graph = typed(given);
  const base = { task: card.task, target: card.target, ...(card.classes ? { classes: card.classes } : {}) };
  if (card.pieces)
    return { graph, facts: { kind: "text", ...base }, inputs: new Map([["ids", "ids"], ["weights", "weights"]]) }; // prettier-ignore
  const answer = card.task === "classification" ? "probabilities" : "value";
  const { steps, found } = textSteps(graph, [answer]);
  const columns = new Map(card.inputs.map(({ input, column }) => [input, column]));
  const inputs = new Map<string, string>();
  const feeds: NonNullable<PageFacts["feeds"]> = {};
  const texts: Record<string, string> = {};
  const take = (info: ValueInfo, from: { column: string } | { value: string }) => {
    const name = `input_${inputs.size}`; // a column may be called anything; TensorFlow's names may not
    inputs.set(info.name, name);
    feeds[name] = from;
  };
  for (const info of graph.inputs)
    if (info.dtype === "string") texts[info.name] = columns.get(info.name)!;
    else if (graph.nodes.some((node) => node.inputs.includes(info.name))) take(info, { column: columns.get(info.name)! });
  for (const name of found) take(graph.info(name)!, { value: name });
  const examples = new Map(card.fields.map(({ name, example: text }) => [name, text]));
  return {
    graph,
    inputs,
    facts: {
      kind: "table",
      ...base,
      columns: card.inputs.map(({ column, kind }) => ({ name: column, kind, example: examples.get(column) ?? "" })),
      steps,
      feeds,
      texts,
    },
  };
}

/** The graph from where the picture has the network's size: drawing it small is work for the page. */
function pictureParts(given: Graph, file: string): Parts {
  const card = readPictureCard(given, file);
  const { size } = card.setup;
  const resized = given.nodes.find((node) => node.type === "Resize" && given.producer(node.inputs[0]!)?.type === "Transpose");
  if (!resized)
    throw new AppError("modelInvalid", `'${file}' does not resize its pictures as ours do.`, "Train it again, and export that.", { file });
  // pictures (n, S, S, 3) float32 → (n, 3, S, S)
  const graph = rewrite(
    given,
    (_, node, x) => {
      if (node.type === "Resize" && node.outputs[0] === resized.outputs[0]) return [x[0]!];
      return node.type === "Cast" && node.inputs[0] === "pictures" ? [x[0]!] : undefined;
    },
    { input: (info) => ({ ...info, dtype: "float32", dims: [card.batch ?? "n", size, size, 3] }) },
  );
  return {
    graph,
    inputs: new Map([["pictures", "pictures"]]),
    facts: { kind: "pictures", task: "classification", target: "class", classes: card.classes, size },
  };
}
