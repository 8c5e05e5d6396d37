// A folder for TensorFlow.js (formats/tfjs/), opened by TensorFlow.js' own loader and walked by its own preprocess.mjs before it counts.
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { AppError } from "../../../ipc/error.ts";
import { readCard } from "../../formats/modelCard.ts";
import { isPictureModel } from "../../formats/pictureModel.ts";
import { tfjsFolder } from "../../formats/tfjs/folder.ts";
import { decodeModel } from "../../onnx/proto.ts";
import { openPicturePredictor } from "../../run/pictureModel.ts";
import { readColumn } from "../../run/readCells.ts";
import { openPageModel, type PageModel, type PageTensor } from "../../run/tfjs.ts";
import type { ModelCard } from "../../formats/modelCard.ts";
import { bytesOf, put } from "./files.ts";
import { type Form, needsRun } from "./form.ts";
import { answersBy, compare, type HeldOut, heldOutOf, joined } from "./heldOut.ts";

/** The largest gap between two probabilities, or two values in units of the answers' spread, that rounding explains. */
const allowed = 1e-4;
/** Pictures through plain JavaScript take seconds each. */
const pictures = 8;
const atOnce = 200;

/** What preprocess.mjs of an export gives. */
interface Page {
  tensorsOf(given: readonly unknown[]): PageTensor[];
}

export const tfjs: Form = {
  folder: true,
  async write(options) {
    const { model, draft } = options;
    const run = needsRun(options, "tfjs");
    const graph = decodeModel(await bytesOf(model));
    const tokenizer = await readFile(join(dirname(model), "tokenize.mjs"), "utf8").catch(() => undefined);
    for (const [name, content] of tfjsFolder(graph, basename(model), tokenizer)) await put(draft, name, content);
    const held = some(await heldOutOf(run, options));
    const page = (await import(/* @vite-ignore */ pathToFileURL(join(draft, "preprocess.mjs")).href)) as Page;
    const reloaded = await openPageModel(draft);
    try {
      const card = isPictureModel(graph) ? undefined : readCard(graph, basename(model));
      const compared = compare(held, await answersBy(model, held), await answersByPage(page, reloaded, held, card, options.signal));
      let gap = compared.difference / spreadOf(held);
      if (held.given.kind === "pictures") gap = Math.max(gap, await resizingGap(page, reloaded, model, held.given.size));
      if (!(gap <= allowed))
        throw new AppError(
          "exportDiffers",
          `Written for TensorFlow.js, the model answers otherwise than the trained one (by ${gap.toPrecision(3)} of the answers' spread).`,
          "Take the ONNX file, and report this with the log.",
          { gap, rows: compared.count },
        );
      return { main: "model.json", compared };
    } finally {
      reloaded.dispose();
    }
  },
};

function some(held: HeldOut): HeldOut {
  if (held.given.kind !== "pictures") return held;
  return { ...held, truth: held.truth.slice(0, pictures), given: { ...held.given, pixels: held.given.pixels.slice(0, pictures) } };
}

function spreadOf({ task, truth }: HeldOut): number {
  if (task === "classification") return 1;
  let [sum, squares] = [0, 0];
  for (const value of truth) sum += value / truth.length;
  for (const value of truth) squares += (value - sum) ** 2 / truth.length;
  return Math.sqrt(squares) || 1;
}

async function answersByPage(
  page: Page,
  model: PageModel,
  { given }: HeldOut,
  card: ModelCard | undefined,
  signal: AbortSignal,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  const { length } = given.kind === "pictures" ? given.pixels : given.rows;
  const step = given.kind === "pictures" ? 1 : atOnce;
  for (let from = 0; from < length; from += step) {
    signal.throwIfAborted();
    const chunk =
      given.kind === "pictures"
        ? given.pixels.slice(from, from + step).map((data) => ({ data, width: given.size, height: given.size }))
        : asGiven(given.rows.slice(from, from + step), card!);
    parts.push(await model.run(page.tensorsOf(chunk)));
  }
  return joined(parts);
}

/** Rows as a page has them: texts, or numbers and words by column. */
function asGiven(rows: readonly string[][], card: ModelCard): unknown[] {
  if (card.pieces) return rows.map(([text]) => text);
  const columns = card.inputs.map((input, i) => {
    const { data } = readColumn(input, rows.map((row) => row[i]!), { firstRow: 1, lenient: true }); // prettier-ignore
    return [input.column, Array.from(data as ArrayLike<string | number>)] as const;
  });
  return rows.map((_, i) => Object.fromEntries(columns.map(([name, values]) => [name, values[i]!])));
}

/** Pictures of other sizes: drawn small by the page, and by the graph. */
async function resizingGap(page: Page, model: PageModel, file: string, size: number): Promise<number> {
  const predictor = await openPicturePredictor(file);
  try {
    let gap = 0;
    for (const [high, wide] of [
      [Math.ceil(size * 1.7), Math.ceil(size * 2.3)],
      [Math.ceil(size * 0.6), Math.ceil(size * 1.2)],
    ] as const) {
      const pixels = Uint8Array.from(
        { length: high * wide * 3 },
        (_, i) => (((i * 2654435761) >>> 16) % 97) + 2 * (Math.floor(i / 3 / wide) % 80),
      );
      const { probabilities } = await predictor.score(pixels, 1, high, wide);
      const found = await model.run(page.tensorsOf([{ data: pixels, width: wide, height: high }]));
      probabilities.forEach((p, c) => (gap = Math.max(gap, Math.abs(p - found[c]!))));
    }
    return gap;
  } finally {
    await predictor.dispose();
  }
}
