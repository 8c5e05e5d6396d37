// A picture as an input of anybody's network, and an output of one as a picture. Letters: h height, w width.
import { basename } from "node:path";
import sharp from "sharp";
import type { PixelRange } from "../../ipc/types.ts";
import { decodePicture, pictureFacts, type Size } from "../data/images/decode.ts";
import { pictureAxes, type PictureAxes } from "../formats/onnxCard.ts";
import { imagenet } from "../formats/pixelRange.ts";
import type { Graph, ValueInfo } from "../onnx/graph.ts";
import { halfBits, type Tensor, tensor, toNumbers } from "../tensor.ts";

/** Sides where the file leaves them open: of a network that answers with a picture the picture's own, up to the most; else the usual. */
const usualSide = 224;
const mostSide = 1024;

/** The size that a picture is shown in: the file's, the one asked for, else as said above. */
export function shownSize(
  info: ValueInfo,
  { axes }: PictureAxes,
  own: Size,
  { sizes, draws }: { sizes: Readonly<Record<string, number>>; draws: boolean },
): Size {
  const scale = Math.min(1, mostSide / Math.max(own.width, own.height));
  const [height, width] = axes.map((axis, i) => {
    const d = info.dims[axis]!;
    if (typeof d === "number") return d;
    const asked = sizes[`${info.name}.${axis}`] ?? sizes[d];
    return asked ?? (draws ? Math.max(1, Math.round(scale * (i === 0 ? own.height : own.width))) : usualSide);
  }) as [number, number];
  return { width, height };
}

export interface ShownPicture {
  /** uint8 [h, w, 3] */
  pixels: Buffer;
  width: number;
  height: number;
  /** As the file has it. */
  own: Size;
}

/** Throws pictureInvalid. */
export async function decodeFor(bytes: Buffer, file: string, sizeFor: (own: Size) => Size, signal?: AbortSignal): Promise<ShownPicture> {
  const own = await pictureFacts(bytes, file);
  const size = sizeFor({ width: own.width, height: own.height });
  const { pixels } = await decodePicture(bytes, basename(file), size, signal);
  return { pixels, ...size, own };
}

/** Whether the file asks for blue, green and red, as Windows ML's metadata say. */
export const isReversed = (graph: Graph): boolean => /^bgr/i.test(graph.metadata.get("Image.BitmapPixelFormat") ?? "");

/** The picture as the input takes it: [1, C, h, w] or [1, h, w, C] in the range; uint8 as it is. One channel is brightness by ITU-R BT.601. */
export function pictureTensor(
  info: ValueInfo,
  { axes, channels }: PictureAxes,
  { pixels, width, height }: Pick<ShownPicture, "pixels" | "width" | "height">,
  range: PixelRange,
  reversed: boolean,
): Tensor {
  const first = axes[0] === 2;
  const places = width * height;
  const values = new Float32Array(places * channels);
  const raw = info.dtype === "uint8";
  for (let c = 0; c < channels; c++) {
    const from = reversed && channels === 3 ? 2 - c : c;
    const bring = raw ? (v: number) => v : bringing(range, channels === 1 ? -1 : from);
    for (let i = 0; i < places; i++) {
      const at = 3 * i;
      const v = channels === 1 ? 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]! : pixels[at + from]!;
      values[first ? c * places + i : i * channels + c] = bring(v);
    }
  }
  const dims = first ? [1, channels, height, width] : [1, height, width, channels];
  if (raw) return tensor("uint8", dims, Uint8Array.from(values, Math.round));
  return info.dtype === "float16" ? tensor("float16", dims, Uint16Array.from(values, halfBits)) : tensor("float32", dims, values);
}

/** 0 … 255 into the range. @param channel 0 to 2, or -1 for brightness, which takes the mean of the channels' own numbers */
function bringing(range: PixelRange, channel: number): (v: number) => number {
  switch (range) {
    case "0..255":
      return (v) => v;
    case "0..1":
      return (v) => v / 255;
    case "-1..1":
      return (v) => v / 127.5 - 1;
    case "imagenet": {
      const of = (all: readonly number[]) => (channel < 0 ? all.reduce((sum, v) => sum + v, 0) / all.length : all[channel]!);
      const [mean, std] = [of(imagenet.mean), of(imagenet.std)];
      return (v) => (v / 255 - mean) / std;
    }
    default:
      throw new TypeError(`no such range: ${String(range)}`);
  }
}

/** Values so far above 1 speak 0 … 255. */
const loud = 4;

/** The range that an answer's values speak, given the range that went in. */
export function answerRange(output: Tensor, shown: PixelRange): PixelRange {
  const values = toNumbers(output);
  let most = -Infinity;
  let least = Infinity;
  for (const v of values) {
    if (v > most) most = v;
    if (v < least) least = v;
  }
  if (most > loud) return "0..255";
  return least < -0.3 && shown === "-1..1" ? "-1..1" : "0..1";
}

/**
 * The first picture of an output, red, green and blue [h, w, 3] uint8. Of one channel that is larger than what went in, the colours are those
 * of the picture that went in, and the output their brightness.
 */
export async function drawnAnswer(
  output: Tensor,
  range: PixelRange,
  { reversed, shown }: { reversed: boolean; shown?: ShownPicture | undefined },
): Promise<{ pixels: Buffer; width: number; height: number }> {
  const { axes, channels } = pictureAxes({ dtype: output.dtype, dims: output.dims })!;
  const [height, width] = axes.map((axis) => output.dims[axis]!) as [number, number];
  const places = width * height;
  const first = axes[0] === 2;
  const all = toNumbers(output);
  const scale = range === "0..255" ? (v: number) => v : range === "-1..1" ? (v: number) => (v + 1) * 127.5 : (v: number) => v * 255;
  const pixels = Buffer.alloc(places * 3);
  const light =
    channels === 1 && shown && height > shown.height && width > shown.width ? await coloursOf(shown, { width, height }) : undefined;
  for (let i = 0; i < places; i++)
    for (let c = 0; c < 3; c++) {
      const from = channels === 1 ? 0 : reversed ? 2 - c : c;
      const v = scale(all[first ? from * places + i : i * channels + from]!);
      pixels[3 * i + c] = Math.max(0, Math.min(255, Math.round(light ? v + light[3 * i + c]! : v)));
    }
  return { pixels, width, height };
}

/** What each channel has above the brightness, at another size: [h, w, 3]. */
async function coloursOf({ pixels, width, height }: ShownPicture, size: Size): Promise<Float32Array> {
  const { data } = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(size.width, size.height, { fit: "fill", kernel: "cubic" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const out = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const y = 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!;
    for (let c = 0; c < 3; c++) out[i + c] = data[i + c]! - y;
  }
  return out;
}

const thumbnailSide = 384;

/** PNG of pixels, and a small one as a data address. */
export async function pngOf({ pixels, width, height }: { pixels: Buffer; width: number; height: number }): Promise<Buffer> {
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

export async function thumbnailOf({ pixels, width, height }: { pixels: Buffer; width: number; height: number }): Promise<string> {
  const small = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(thumbnailSide, thumbnailSide, { fit: "inside", withoutEnlargement: true })
    .png()
    .toBuffer();
  return `data:image/png;base64,${small.toString("base64")}`;
}
