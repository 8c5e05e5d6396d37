// An ONNX file as a card: what it takes and gives, what it is made of, what it needs, and what can be taught to it. Whatever cannot be said of a
// file is said to be so; only a file that cannot be run at all is refused.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { Fits, ModelOperator, ModelProfile } from "../../ipc/types.ts";
import { openBackbone } from "../formats/backbone.ts";
import { openNumbers } from "../formats/numbersNet.ts";
import { aboutOf, familyOf, labelsOf, operatorsOf, pictureAxes, portOf, weightsOf } from "../formats/onnxCard.ts";
import { named, ours, readGraph } from "../formats/onnx.ts";
import { openTextEncoder, takesTokens } from "../formats/textEncoder.ts";
import { toldRange } from "../formats/pixelRange.ts";
import type { Graph, ValueInfo } from "../onnx/graph.ts";
import { Builder } from "../ops/builder.ts";
import { operators } from "../ops/index.ts";
import type { Op } from "../ops/op.ts";
import { loweredTypes } from "../passes/attention.ts";
import { classicTypes } from "../passes/classic.ts";
import { liveness } from "../passes/liveness.ts";
import { refused } from "../passes/refused.ts";
import { filled, type Foreign, lengthOf, loadForeign } from "../run/foreign.ts";
import { bytesOf, isFloat } from "../tensor.ts";
import { gradientGraph } from "./gradientGraph.ts";

/** Side of a picture and length of another axis where the file leaves them open. */
export const usual = { side: 224, length: 8 } as const;
/** What the runtime needs for a session, whatever it holds; measured (forecast.ts). */
const sessionBytes = 17 * 2 ** 20;
/** A sample that needs more is not run to take its time. */
const mostMeasured = 4 * 2 ** 30;

export interface InspectModel {
  signal?: AbortSignal;
  /** Whether a sample is run to take its time; default true. */
  measure?: boolean;
}

/**
 * The card of an ONNX file.
 * @throws what reading throws (modelInvalid, fileMissing, …); operatorUnknown, modelInvalid where ONNX Runtime cannot open it; cancelled
 */
export async function inspectModel(path: string, { signal, measure = true }: InspectModel = {}): Promise<ModelProfile> {
  const data = new Set<string>();
  const graph = named(path, () => readGraph(path, (location) => data.add(location)));
  const files = [...data].sort();
  const { bytes, fingerprint } = await identityOf(path, files, signal);
  const foreign = await loadForeign(path, graph, files.length > 0);
  try {
    signal?.throwIfAborted();
    const alone = graph.inputs.length === 1;
    const weights = weightsOf(graph);
    const parameters = weights.reduce((sum, { count }) => sum + count, 0);
    const held = weights.reduce((sum, one) => sum + one.bytes, 0);
    const { made, why } = attempt(() => ours(graph.clone()));
    const activations = made ? alive(made) : null;
    const memory = { weights: held, activations, total: held + (activations ?? 0) + sessionBytes };
    const measured: ModelProfile["measured"] = measure ? await timeOf(foreign, activations) : { why: "It was not asked for." };
    const full = made ? gradientOf(made) : ({ fits: false, why: why! } satisfies Fits);
    const backbone = made?.outputs.some(pictureAxes) ? undefined : await backboneOf(path, graph, full.fits);
    const encoder = takesTokens(graph.inputs) ? await encoderOf(path, full.fits) : undefined;
    const columns = made ? attempt(() => openNumbers(graph, path)).made?.columns : undefined;
    const labels = labelsOf(graph);
    const pixels = toldRange(graph.metadata);
    const own = ownCard(graph);
    return {
      kind: "model",
      file: basename(path),
      format: "onnx",
      family: own?.model || familyOf(graph),
      ...(own ? { own } : {}),
      bytes,
      files,
      fingerprint,
      opsets: Object.fromEntries([...graph.opsets].map(([domain, version]) => [domain || "ai.onnx", version])),
      parameters,
      bits: weights[0] ? Math.round(8 * bytesOf(weights[0].dtype as "float32")) : 0,
      weights,
      inputs: foreign.inputs.map((info) => portOf(info, alone)),
      outputs: foreign.outputs.map((info) => portOf(made?.outputs.find((o) => o.name === info.name) ?? info, true)),
      operators: operatorsOf(graph).map((one) => withGradient(one, made !== undefined)),
      nodes: graph.nodes.length,
      ...(labels ? { labels } : {}),
      ...(pixels ? { pixels } : {}),
      about: aboutOf(graph),
      memory,
      measured,
      training: { full, head: headOf(backbone !== undefined || encoder !== undefined || columns !== undefined) },
      ...(backbone ? { backbone } : {}),
      ...(columns === undefined ? {} : { columns }),
      ...(encoder ? { encoder } : {}),
      problems: problemsOf(graph, parameters),
    };
  } finally {
    await foreign.dispose();
  }
}

/** Bytes and sha-256 of the file and the data beside it, in the order of their names. */
async function identityOf(path: string, files: readonly string[], signal?: AbortSignal) {
  const hash = createHash("sha256");
  let bytes = 0;
  for (const one of [path, ...files.map((file) => join(dirname(path), file))]) {
    bytes += (await stat(one)).size;
    for await (const chunk of createReadStream(one, { highWaterMark: 1 << 20 })) {
      signal?.throwIfAborted();
      hash.update(chunk as Buffer);
    }
  }
  return { bytes, fingerprint: hash.digest("hex") };
}

/** What the work gives, or the sentence that says why it gave nothing. */
function attempt<T>(work: () => T): { made?: T; why?: string } {
  try {
    return { made: work() };
  } catch (thrown) {
    if (thrown instanceof AppError) return { why: thrown.message };
    if (thrown instanceof RangeError) return { why: `It is built in a way that cannot be read (${thrown.message}).` };
    throw thrown;
  }
}

/** Lengths of one sample by "input.axis". */
function sampleSizes(inputs: readonly ValueInfo[]): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const info of inputs) {
    const sides: readonly number[] = pictureAxes(info)?.axes ?? [];
    info.dims.forEach((d, axis) => {
      if (typeof d === "string") sizes[`${info.name}.${axis}`] = lengthOf(info, axis, {}, sides.includes(axis) ? usual.side : usual.length);
    });
  }
  return sizes;
}

/** Most bytes alive for one sample, the inputs among them. Null where the sizes cannot be followed. */
function alive(graph: Graph): number | null {
  const { made } = attempt(() => {
    const sizes = sampleSizes(graph.inputs);
    const given = graph.inputs.reduce(
      (sum, info) => sum + info.dims.reduce<number>((n, _, axis) => n * lengthOf(info, axis, sizes), bytesOf(info.dtype)),
      0,
    );
    return Math.round(liveness(graph, sizes).peak + given);
  });
  return made !== undefined && Number.isFinite(made) ? made : null;
}

async function timeOf({ inputs, run }: Foreign, activations: number | null): Promise<ModelProfile["measured"]> {
  if (activations !== null && activations > mostMeasured)
    return { why: `A sample needs ${(activations / 1e9).toFixed(1)} GB beside the weights, so none was run.` };
  try {
    const sizes = sampleSizes(inputs);
    const feeds = Object.fromEntries(
      inputs.map((info) => {
        const dims = info.dims.map((_, axis) => lengthOf(info, axis, sizes));
        return [info.name, filled(info, dims, isFloat(info.dtype) ? "random" : "ones")];
      }),
    );
    await run(feeds);
    return { ms: Math.round((await run(feeds)).ms * 1000) / 1000 };
  } catch (thrown) {
    const { code, message } = AppError.from(thrown);
    if (code === "cancelled" || code === "internal") throw thrown;
    return { why: message };
  }
}

/** Whether a gradient reaches the weights: the graph of gradients is made, which names what stands in its way. */
function gradientOf(graph: Graph): Fits {
  if (!graph.parameters.some((name) => graph.info(name)?.dtype === "float32")) {
    const whole = [...new Set([...graph.initializers.values()].map(({ dtype }) => dtype))].filter(
      (d) => !["string", "bool", "float32"].includes(d),
    );
    return { fits: false, why: `It has no float32 weight that could learn${whole.length ? ` (it holds ${whole.join(", ")})` : ""}.` };
  }
  const output = graph.outputs.find(({ dtype }) => isFloat(dtype));
  if (!output) return { fits: false, why: "None of its outputs is a float." };
  const stopped = stoppedBefore(graph, output.name);
  if (stopped !== undefined) return { fits: false, why: `No gradient reaches its weights: it stops at ${stopped}.` };
  const { why } = attempt(() => {
    const copy = graph.clone();
    const g = new Builder(copy);
    const name = copy.fresh("loss");
    g.output(g.cast(g.reduceMean(g.value(output.name), { keepdims: false }), "float32"), name);
    gradientGraph(copy, { loss: name });
  });
  return why === undefined ? { fits: true } : { fits: false, why };
}

/** The operators at which the way back from an output ends, where it reaches no weight; else undefined. */
export function stoppedBefore(graph: Graph, output: string): string | undefined {
  const reached = new Set([output]);
  const stops = new Set<string>();
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => reached.has(name))) continue;
    const rule = (operators as Record<string, Op>)[node.type]?.grad;
    if (typeof rule === "object") return undefined; // the walk itself says why
    if (rule === "none") stops.add(node.type);
    else
      for (const name of node.inputs) {
        const info = graph.info(name);
        if (!info) continue;
        const made = graph.producer(name)?.type;
        if (isFloat(info.dtype) || made === "QuantizeLinear") reached.add(name);
        else if (made) stops.add(made);
      }
  }
  if (graph.parameters.some((name) => reached.has(name))) return undefined;
  return [...stops].join(", ") || "its inputs";
}

const headOf = (fits: boolean): Fits =>
  fits
    ? { fits }
    : {
        fits: false,
        why: "A head is learned on networks that take one picture, tokens of a text (with their tokenizer.json beside), or a row of float32 numbers, and answer with numbers; this one does not.",
      };

/** As a source of features of pictures. Networks that answer with pictures are none. */
async function backboneOf(path: string, graph: Graph, tunable: boolean): Promise<ModelProfile["backbone"]> {
  if (graph.inputs.length !== 1 || !pictureAxes(graph.inputs[0]!)) return undefined;
  try {
    const { size, features, channels, batch } = await openBackbone(path);
    return { size, channels, features, tunable: tunable && batch === undefined };
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

/** As a source of features of texts, where its tokenizer stands beside it. */
async function encoderOf(path: string, tunable: boolean): Promise<ModelProfile["encoder"]> {
  try {
    const { features, layers, batch } = await openTextEncoder(path);
    return { features, tunable: tunable && batch === undefined && layers.length > 0 };
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

/** The operator's own entry in the table; what is written in other operators when it is read counts as they do. */
function withGradient({ name, type, domain, count }: ReturnType<typeof operatorsOf>[number], read: boolean): ModelOperator {
  const entry: Op | undefined = Object.hasOwn(operators, type) ? operators[type as keyof typeof operators] : undefined;
  const rule = entry && (entry.domain ?? "") === domain ? entry.grad : undefined;
  if (typeof rule === "function") return { name, count, gradient: "rule" };
  if (rule === "none") return { name, count, gradient: "flat" };
  if (rule) return { name, count, gradient: "none", why: rule.forbidden };
  if (read || classicTypes.includes(name) || (domain === "" && loweredTypes.includes(type))) return { name, count, gradient: "rule" };
  const why = Object.hasOwn(refused, name) ? refused[name]! : "it is not in Paddock's table of operators";
  return { name, count, gradient: "none", why };
}

/** What a file that Paddock made says of itself; it is shown, not relied on. */
function ownCard(graph: Graph): ModelProfile["own"] {
  const text = graph.metadata.get("paddock");
  if (text === undefined) return undefined;
  try {
    const card = JSON.parse(text) as { task?: unknown; kind?: unknown; target?: unknown; model?: unknown; test?: unknown };
    const word = (value: unknown) => (typeof value === "string" ? value.slice(0, 200) : "");
    const test = card.test as { metric?: unknown; value?: unknown } | null | undefined;
    const judged = typeof test?.metric === "string" && typeof test.value === "number";
    return {
      task: word(card.task) || word(card.kind),
      target: word(card.target),
      model: word(card.model),
      test: judged ? { metric: word(test.metric), value: test.value as number } : null,
    };
  } catch {
    return undefined;
  }
}

function problemsOf(graph: Graph, parameters: number): ModelProfile["problems"] {
  const problems: ModelProfile["problems"] = [];
  if (![...graph.metadata.keys()].some((key) => /^licen[cs]e$/i.test(key)))
    problems.push({
      code: "noLicence",
      message: "The file tells no licence.",
      hint: "Ask where it came from before you pass it on, or what you make of it.",
    });
  if (parameters === 0) problems.push({ code: "noWeights", message: "It has no weights: it computes, and has learned nothing.", hint: "" });
  return problems;
}
