// One question to anybody's network: each input a picture, numbers, texts or a filling; each output told by its shape.
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { ModelAnswer, ModelFeed, ModelOutput, ModelQuestion, PixelRange } from "../../ipc/types.ts";
import { limits } from "../data/images/limits.ts";
import { pictureAxes } from "../formats/onnxCard.ts";
import { toldRange } from "../formats/pixelRange.ts";
import type { ValueInfo } from "../onnx/graph.ts";
import { isFloat, sizeOf, strings, type Tensor, toNumbers } from "../tensor.ts";
import { filled, type Foreign, lengthOf } from "./foreign.ts";
import {
  answerRange,
  decodeFor,
  drawnAnswer,
  isReversed,
  pictureTensor,
  pngOf,
  type ShownPicture,
  shownSize,
  thumbnailOf,
} from "./pictureFeed.ts";
import { readNested, tensorFor } from "./readNumbers.ts";

/** A question as a worker gets it: pictures by their paths, or their bytes with a name. */
export type Question = Omit<ModelQuestion, "feeds"> & { feeds: Record<string, ModelFeed | { picture: string; bytes?: Buffer }> };

export interface AskOptions {
  /** Class names that were given beside the file. */
  labels?: string[] | undefined;
  /** Given the PNG of an output that is a picture. */
  onPicture?: ((output: string, png: Buffer) => Promise<void>) | undefined;
  /** Whether small pictures travel with the answer. */
  thumbnails?: boolean;
  signal?: AbortSignal | undefined;
}

/** Throws usage for an input that the model has not; valueInvalid, shapeMismatch, pictureInvalid by input; what running throws. */
export async function askModel(model: Foreign, question: Question, options: AskOptions = {}): Promise<ModelAnswer> {
  const names = new Set(model.inputs.map(({ name }) => name));
  const unknown = Object.keys(question.feeds).find((name) => !names.has(name));
  if (unknown !== undefined)
    throw new AppError("usage", `'${model.file}' has no input '${unknown}'.`, `Its inputs: ${[...names].join(", ")}.`, { name: unknown });
  const sizes = question.sizes ?? {};
  let shown: (ShownPicture & { info: ValueInfo }) | undefined;
  const feeds: Record<string, Tensor> = {};
  let range = settle(model, question.pixels);
  for (const info of model.inputs) {
    const feed = question.feeds[info.name] ?? { fill: "zeros" };
    if ("picture" in feed) {
      const axes = pictureAxes(info);
      if (!axes)
        throw new AppError(
          "shapeMismatch",
          `The input '${info.name}' takes no picture, but ${info.dtype}[${info.dims.join(", ")}].`,
          "Give it numbers.",
          {
            value: info.name,
          },
        );
      const picture = await decodeFor(
        feed.bytes ?? (await bytesOf(feed.picture)),
        feed.picture,
        (own) => shownSize(info, axes, own, { sizes, draws: draws(model) }),
        options.signal,
      );
      shown ??= { ...picture, info };
      feeds[info.name] = pictureTensor(info, axes, picture, range.range, isReversed(model.graph));
    } else feeds[info.name] = feedOf(info, feed, sizes);
  }
  options.signal?.throwIfAborted();
  let { outputs, ms } = await model.run(feeds);
  if (shown && range.chosen === "assumed") {
    const picture = Object.values(outputs).find(pictureAxes);
    // A network that answers with a picture speaks its own range, and expects what it speaks.
    if (picture && answerRange(picture, range.range) === "0..255") {
      range = { range: "0..255", chosen: "tried" };
      feeds[shown.info.name] = pictureTensor(shown.info, pictureAxes(shown.info)!, shown, range.range, isReversed(model.graph));
      ({ outputs, ms } = await model.run(feeds));
    }
  }
  const labels = options.labels ?? model.labels;
  const told: ModelOutput[] = [];
  for (const { name } of model.outputs) {
    const value = outputs[name];
    if (!value) continue;
    const output = outputOf(name, value, labels);
    if (output.shown === "picture") {
      const drawn = await drawnAnswer(value, answerRange(value, range.range), { reversed: isReversed(model.graph), shown });
      if (options.thumbnails) output.thumbnail = await thumbnailOf(drawn);
      await options.onPicture?.(name, await pngOf(drawn));
    }
    told.push(output);
  }
  return {
    ms: Math.round(ms * 1000) / 1000,
    outputs: told,
    ...(shown ? { pixels: { ...range, width: shown.width, height: shown.height } } : {}),
  };
}

/** Whether one of its outputs may be a picture. */
export const draws = ({ outputs }: Pick<Foreign, "outputs">): boolean =>
  outputs.some(
    ({ dtype, dims }) =>
      dims.length === 4 && (pictureAxes({ dtype, dims }) !== undefined || dims.every((d) => typeof d === "string" || d <= 0)),
  );

type Shown = Pick<NonNullable<ModelAnswer["pixels"]>, "range" | "chosen">;

/** The range of pixels: as asked, as the file says, or 0..1, which most networks expect. */
function settle({ graph, inputs }: Pick<Foreign, "graph" | "inputs">, asked: PixelRange | undefined): Shown {
  if (asked !== undefined) return { range: asked, chosen: "asked" };
  const told = toldRange(graph.metadata);
  if (told !== undefined) return { range: told, chosen: "file" };
  if (inputs.some((info) => info.dtype === "uint8" && pictureAxes(info))) return { range: "0..255", chosen: "file" };
  return { range: "0..1", chosen: "assumed" };
}

async function bytesOf(path: string): Promise<Buffer> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isFile()) throw new AppError("fileMissing", `There is no file '${path}'.`, "Check the name and the folder.", { file: path });
  if (facts.size > limits.pictureBytes)
    throw new AppError(
      "fileTooLarge",
      `'${basename(path)}' has ${facts.size} bytes; a picture may have ${limits.pictureBytes}.`,
      "Save it smaller.",
      {
        file: path,
      },
    );
  return readFile(path);
}

function feedOf(info: ValueInfo, feed: ModelFeed, sizes: Readonly<Record<string, number>>): Tensor {
  if ("numbers" in feed) return tensorFor(info, readNested(feed.numbers, info.name), sizes);
  if ("texts" in feed) {
    if (info.dtype !== "string")
      throw new AppError("valueInvalid", `The input '${info.name}' takes ${info.dtype}, not text.`, "Give it numbers.", {
        column: info.name,
      });
    const dims = info.dims.length === 2 ? [feed.texts.length, 1] : info.dims.length === 0 ? [] : [feed.texts.length];
    return strings(dims, feed.texts);
  }
  return filled(
    info,
    info.dims.map((_, axis) => lengthOf(info, axis, sizes)),
    feed.fill,
  );
}

const listed = 16;
const mostLabels = 5;
/** As many scores as this, or as there are names, are taken for one a class. */
const leastClasses = 2;

/** An output by its shape. `labels`: names of the classes where there are as many as scores. */
export function outputOf(name: string, value: Tensor, labels: readonly string[] | undefined): ModelOutput {
  const { dtype, dims } = value;
  const base = { name, dtype, dims: [...dims] };
  if (dtype === "string") return { ...base, shown: "values", values: value.data.slice(0, listed) };
  const numbers = toNumbers(value);
  const summary = summaryOf(numbers);
  if (pictureAxes({ dtype, dims })) return { ...base, shown: "picture", summary };
  const width = dims.at(-1) ?? 1;
  const single = sizeOf(dims) === width && isFloat(dtype);
  const values = numbers.slice(0, listed).map((v) => (Number.isFinite(v) ? Number(v.toPrecision(6)) : String(v)));
  const named = labels?.length === width;
  if (
    single &&
    width >= leastClasses &&
    (named || looksLikeShares(numbers) || (width >= 10 && width <= 100_000 && name.match(/logit|prob|score|class/i)))
  ) {
    const shares = looksLikeShares(numbers);
    const scores = shares ? numbers : softmax(numbers);
    const top = scores
      .map((v, index) => ({ index, label: named ? labels[index]! : String(index), value: v }))
      .sort((a, b) => b.value - a.value || a.index - b.index)
      .slice(0, mostLabels);
    return { ...base, shown: "classes", top, probabilities: shares, values, summary };
  }
  return { ...base, shown: numbers.length <= listed ? "values" : "tensor", values, summary };
}

/** Shares of 1: none below 0, together 1. */
export const looksLikeShares = (values: readonly number[]): boolean =>
  values.length > 1 && values.every((v) => v >= -1e-6 && v <= 1 + 1e-6) && Math.abs(values.reduce((sum, v) => sum + v, 0) - 1) < 1e-3;

export function softmax(values: readonly number[]): number[] {
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const raised = values.map((v) => Math.exp(v - most));
  const sum = raised.reduce((all, v) => all + v, 0);
  return raised.map((v) => v / sum);
}

function summaryOf(values: readonly number[]): NonNullable<ModelOutput["summary"]> {
  let [min, max, sum] = [Infinity, -Infinity, 0];
  for (const v of values) {
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
  }
  return values.length ? { min, max, mean: sum / values.length, count: values.length } : { min: 0, max: 0, mean: 0, count: 0 };
}
