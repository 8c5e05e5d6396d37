// A trained model of pictures as one ONNX file that needs nothing of ours: pixels of any size go in, the answer comes out.
//   input    `pictures` uint8 [n, height, width, 3], red, green, blue
//   outputs  `label` string [n], `probabilities` float32 [n, C]
import * as v from "valibot";
import { AppError } from "../../ipc/error.ts";
import type { PictureSetup } from "../../ipc/types.ts";
import type { Graph } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/proto.ts";
import { Builder, type Value } from "../ops/builder.ts";
import { strings } from "../tensor.ts";

export interface PictureCard {
  version: 1;
  kind: "images";
  /** Class names in the order of `probabilities`. */
  classes: string[];
  setup: PictureSetup;
  /** Of the pictures that it learned from. */
  fingerprint: string;
  test: { metric: string; value: number } | null;
  /** Family of the network. */
  model: string;
  licence: string;
  /** 1 where it takes one picture at a time. */
  batch?: 1;
}

const text = v.pipe(v.string(), v.maxLength(1_000_000));
const range = v.picklist(["0..1", "-1..1", "0..255", "imagenet"]);
const trial = v.object({ pixels: range, accuracy: v.number(), logLoss: v.number() });
const backbone = v.object({
  file: text,
  sha: text,
  features: v.pipe(v.number(), v.integer(), v.minValue(1)),
  tuned: v.optional(v.picklist(["last", "full"])),
  pixels: range,
  chosen: v.picklist(["asked", "file", "tried"]),
  trials: v.optional(v.array(trial)),
});
const schema = v.object({
  version: v.literal(1),
  kind: v.literal("images"),
  classes: v.pipe(v.array(text), v.minLength(1)),
  setup: v.object({
    size: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096)),
    augmentation: v.optional(text),
    backbone: v.optional(backbone),
  }),
  fingerprint: text,
  test: v.nullable(v.object({ metric: text, value: v.number() })),
  model: text,
  licence: text,
  batch: v.optional(v.literal(1)),
});

/**
 * The bytes of model.onnx; the same for the same run.
 * @param net logits (n, C) of x (n, 3, S, S), float32 of 0 … 255
 */
export function exportPictureModel(card: PictureCard, net: (g: Builder, x: Value) => Value): Uint8Array {
  const g = new Builder("pictures");
  const { size } = card.setup;
  const pictures = g.input("pictures", "uint8", [card.batch ?? "n", "h", "w", 3]);
  const upright = g.transpose(g.cast(pictures, "float32"), [0, 3, 1, 2]); // (n, 3, h, w)
  const x = g.op(
    "Resize",
    [upright, undefined, undefined, g.list([size, size])],
    // The triangle filter that pictures are drawn small with for learning; a picture of that size stays as it is.
    { mode: "linear", antialias: 1, axes: [2, 3], coordinate_transformation_mode: "half_pixel" },
  ); // (n, 3, S, S)
  const probabilities = g.softmax(net(g, x)); // (n, C)
  g.output(g.gather(g.constant(strings([card.classes.length], card.classes), "classes"), g.argMax(probabilities, { axis: 1 })), "label");
  g.output(probabilities, "probabilities");
  const { graph } = g;
  graph.setParameters([]);
  graph.metadata.set("paddock", JSON.stringify(v.parse(schema, card)));
  graph.metadata.set("task", "images");
  graph.metadata.set("classes", JSON.stringify(card.classes));
  graph.metadata.set("pixels", "0..255");
  graph.metadata.set("fingerprint", card.fingerprint);
  if (card.test) graph.metadata.set("test", JSON.stringify(card.test));
  graph.metadata.set("licence", card.licence);
  return encodeModel(graph);
}

/** Whether the file says that it is a model of pictures; what it says is not checked yet. */
export function isPictureModel(graph: Graph): boolean {
  return graph.metadata.get("task") === "images" && graph.metadata.has("paddock");
}

/** The card of a model of pictures, checked against the graph it came with. Throws `modelInvalid` naming the file. */
export function readPictureCard(graph: Graph, file: string): PictureCard {
  let value: unknown;
  try {
    value = JSON.parse(graph.metadata.get("paddock") ?? "");
  } catch (error) {
    throw invalid(file, "its description is not JSON", error);
  }
  const parsed = v.safeParse(schema, value);
  if (!parsed.success)
    throw invalid(file, `its description is wrong at ${v.getDotPath(parsed.issues[0]) ?? "the top"}: ${parsed.issues[0].message}`);
  const card = parsed.output as PictureCard;
  const [input] = graph.inputs;
  if (
    graph.inputs.length !== 1 ||
    input!.name !== "pictures" ||
    input!.dtype !== "uint8" ||
    input!.dims.length !== 4 ||
    input!.dims[3] !== 3
  )
    throw invalid(file, "its input is not 'pictures', uint8 [n, height, width, 3]");
  const found = graph.outputs.find(({ name }) => name === "probabilities");
  if (found?.dtype !== "float32" || found.dims[1] !== card.classes.length)
    throw invalid(file, `it has no output 'probabilities' of float32 with ${card.classes.length} columns, one a class`);
  return card;
}

function invalid(file: string, why: string, cause?: unknown): AppError {
  return new AppError(
    "modelInvalid",
    `'${file}' is not a model of pictures by Paddock: ${why}.`,
    "Choose a run, or a model.onnx that a run made.",
    { file },
    cause,
  );
}
