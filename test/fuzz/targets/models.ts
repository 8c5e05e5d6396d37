// ONNX models: the gate, the graph in our own form, its gradient, what it is opened as; their cards; NumPy arrays.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { openBackbone } from "../../../worker/formats/backbone.ts";
import { isLanguageModel, readLanguageCard } from "../../../worker/formats/languageCard.ts";
import { readCard } from "../../../worker/formats/modelCard.ts";
import { openNumbers } from "../../../worker/formats/numbersNet.ts";
import { aboutOf, familyOf, labelsFrom, labelsOf, operatorsOf, weightsOf } from "../../../worker/formats/onnxCard.ts";
import { named, openModel, readGraph } from "../../../worker/formats/onnx.ts";
import { isPictureModel, readPictureCard } from "../../../worker/formats/pictureModel.ts";
import { knownIds } from "../../../worker/formats/ratingsModel.ts";
import { readSeen, writeSeen } from "../../../worker/formats/seenPairs.ts";
import { openTextEncoder } from "../../../worker/formats/textEncoder.ts";
import { ModelProtoSchema, StringStringEntryProtoSchema, TensorProto_DataLocation } from "../../../worker/onnx/gen/onnx_pb.ts";
import { Graph } from "../../../worker/onnx/graph.ts";
import { encodeModel } from "../../../worker/onnx/proto.ts";
import { readNested, readNpy } from "../../../worker/run/readNumbers.ts";
import { gradientGraph } from "../../../worker/train/gradientGraph.ts";
import { trainingStep } from "../../../worker/train/step.ts";
import type { Dice } from "../dice.ts";
import { mutations, type Pick } from "../onnxMutations.ts";
import type { Input, Target } from "../target.ts";
import { create } from "@bufbuild/protobuf";

const references = resolve(process.env["PADDOCK_FUZZ_ROOT"] ?? ".", "test/references");
const below = (folder: string, most = 2 ** 18): Buffer[] =>
  readdirSync(join(references, folder))
    .filter((name) => name.endsWith(".onnx"))
    .map((name) => readFileSync(join(references, folder, name)))
    .filter((bytes) => bytes.length < most);

/** A refusal of one way to use a model leaves the others. */
async function tried(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.exitCode !== 3) throw thrown;
  }
}

/** Exchanges parts of the graph. */
function change(input: Input, dice: Dice): Input | undefined {
  let model;
  try {
    model = fromBinary(ModelProtoSchema, input[0]!);
  } catch {
    return undefined;
  }
  if (!model.graph) return undefined;
  const pick: Pick = (from) => (from.length ? dice.of(from) : undefined);
  for (let n = dice.of([1, 1, 2, 3]); n > 0; n--) mutations[dice.of(Object.keys(mutations))]!(model, model.graph, pick);
  return [Buffer.from(toBinary(ModelProtoSchema, model)), ...input.slice(1)];
}

const put = (folder: string, name: string, bytes: Buffer) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

export const onnx: Target = {
  parts: ["model.onnx"],
  seeds: () => [...below("models"), ...below("sequences"), ...below(".")].map((bytes): Input => [bytes]),
  async read([bytes], folder) {
    const path = put(folder, "model.onnx", bytes!);
    const { graph, file } = openModel(path, { trained: "all" });
    const loss = graph.outputs.find((o) => o.name === "loss")?.name ?? graph.outputs[0]?.name ?? "loss";
    await tried(() => encodeModel(gradientGraph(graph, { loss, wrt: file.parameters, gone: file.initializers })));
    await tried(() => encodeModel(trainingStep(openModel(path, { outputs: [loss] }).graph, { loss, optimizer: { name: "adam" } }).graph));
  },
  change,
  code: /\/worker\/(formats\/onnx\.ts|onnx\/|passes\/normalize)/,
};

/** What importing makes of a model: a card, a backbone, an encoder, columns. */
export const onnxImport: Target = {
  parts: ["model.onnx", "tokenizer.json"],
  seeds() {
    const tokenizer = readFileSync(join(references, "encoder/tokenizer.json"));
    return [...below("encoder"), ...below("models"), readFileSync(join(references, "images.convnet.onnx"))].map((bytes): Input => [
      bytes,
      tokenizer,
    ]);
  },
  async read([bytes, tokenizer], folder) {
    const path = put(folder, "model.onnx", bytes!);
    put(folder, "tokenizer.json", tokenizer!);
    const graph = named(path, () => readGraph(path));
    for (const look of [aboutOf, labelsOf, familyOf, operatorsOf, weightsOf]) look(graph);
    await tried(() => openBackbone(path));
    await tried(() => openTextEncoder(path));
    await tried(() => named(path, () => openNumbers(graph, path)));
  },
  change,
  code: /\/worker\/formats\/(onnx|backbone|textEncoder|numbersNet)/,
};

/** A model whose weights lie beside it. */
export const onnxExternal: Target = {
  parts: ["model.onnx", "weights.bin"],
  seeds() {
    const model = fromBinary(ModelProtoSchema, below("models")[0]!);
    const data: Buffer[] = [];
    let at = 0;
    for (const tensor of model.graph!.initializer) {
      if (!tensor.rawData.length) continue;
      const entries = { location: "weights.bin", offset: String(at), length: String(tensor.rawData.length) };
      tensor.externalData = Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      data.push(Buffer.from(tensor.rawData));
      at += tensor.rawData.length;
      tensor.rawData = new Uint8Array();
    }
    return [[Buffer.from(toBinary(ModelProtoSchema, model)), Buffer.concat(data)]];
  },
  async read([bytes, data], folder) {
    mkdirSync(join(folder, "in"));
    put(join(folder, "in"), "weights.bin", data!);
    openModel(put(join(folder, "in"), "model.onnx", bytes!));
  },
  change,
  words: ["../weights.bin", "/etc/passwd", "weights.bin", "location", "offset", "length", "-1", "99999999999999999999"],
  code: /\/worker\/(formats\/onnx\.ts|onnx\/)/,
};

const cards: [task: string, card: object][] = [
  [
    "classification",
    { version: 1, task: "classification", target: "y", classes: ["a", "b"], inputs: [{ column: "x", input: "x", kind: "number" }] },
  ],
  ["images", { version: 1, classes: ["a", "b"], size: 24, range: "0..1" }],
  ["language", { version: 1, context: 16, vocabulary: 300, layers: 1 }],
];
/** The JSON that a model says of itself, in a graph with the inputs and outputs it names. */
export const modelCard: Target = {
  parts: ["card.json"],
  seeds: () => cards.map(([, card]): Input => [Buffer.from(JSON.stringify(card))]),
  async read([json]) {
    const text = json!.toString("utf8");
    labelsFrom(text);
    for (const [task] of cards) {
      const graph = new Graph("g");
      graph.metadata.set("paddock", text);
      graph.metadata.set("task", task);
      graph.addInput({ name: "x", dtype: "float32", dims: ["n", 1] });
      // Outputs of a card of two classes; the graph's nodes are not looked at.
      graph.addInput({ name: "label", dtype: "string", dims: ["n"] });
      graph.addInput({ name: "probabilities", dtype: "float32", dims: ["n", 2] });
      graph.setOutputs(["label", "probabilities"]);
      await tried(() => readCard(graph, "model.onnx"));
      if (isPictureModel(graph)) await tried(() => readPictureCard(graph, "model.onnx"));
      if (isLanguageModel(graph)) await tried(() => readLanguageCard(graph, "model.onnx"));
      knownIds(graph, "x");
    }
  },
  code: /\/worker\/formats\/(modelCard|pictureModel|languageCard|onnxCard|ratingsModel)/,
  most: 2 ** 13,
};

export const seen: Target = {
  parts: ["seen.bin"],
  seeds: () => [
    [Buffer.from(writeSeen({ starts: Uint32Array.of(0, 2, 3), item: Int32Array.of(0, 1, 1), rating: Float32Array.of(1, 2, 3) }))],
  ],
  read: ([bytes]) => void readSeen(new Uint8Array(bytes!), { users: 2, items: 2 }, "seen.bin"),
  code: /\/worker\/formats\/seenPairs/,
  most: 2 ** 12,
};

function npyFile(descr: string, shape: string, data: Buffer): Buffer {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117) + "\n";
  const head = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(header, "latin1"), data]);
}
export const npy: Target = {
  parts: ["x.npy"],
  seeds: () => [
    [npyFile("<f4", "2, 3", Buffer.alloc(24, 1))],
    [npyFile("<i8", "4,", Buffer.alloc(32, 1))],
    [npyFile("|i1", "", Buffer.alloc(1, 1))],
  ],
  read([bytes]) {
    const { dims, values } = readNpy(bytes!, "x.npy");
    if (dims.some((d) => !Number.isInteger(d) || d < 0) || dims.reduce((n, d) => n * d, 1) !== values.length)
      throw new Error(`${dims.join(" × ")} for ${values.length}`);
  },
  words: ["<f4", ">f8", "<i2", "|i1", "(2, -3)", "1e3", "0x4", "True"],
  code: /\/worker\/run\/readNumbers/,
  most: 2 ** 12,
};

/** What people write into a form for a model's input. */
export const numbers: Target = {
  parts: ["numbers.txt"],
  seeds: () => ["[[1, 2], [3, 4]]", "1 2 3\n4 5 6", "1,2;3,4", '["a", true, null]'].map((text): Input => [Buffer.from(text)]),
  read: ([text]) => void readNested(text!.toString("utf8"), "x"),
  code: /\/worker\/run\/readNumbers/,
  most: 2 ** 16,
};
