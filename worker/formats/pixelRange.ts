// In which range a network expects the numbers of a picture, and the nodes that bring 0 … 255 there.
import type { PixelRange } from "../../ipc/types.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { float32 } from "../tensor.ts";

export const pixelRanges: readonly PixelRange[] = ["0..1", "-1..1", "0..255", "imagenet"];

/** Mean and deviation of ImageNet's channels, as torchvision's models were trained with. */
export const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** x (n, 3, S, S) float32 of 0 … 255 → the same in the range. */
export function ranged(g: Builder, x: Value, range: PixelRange): Value {
  switch (range) {
    case "0..255":
      return x;
    case "0..1":
      return g.div(x, 255);
    case "-1..1":
      return g.sub(g.div(x, 127.5), 1);
    case "imagenet": {
      const channels = (values: number[]) => g.constant(float32([1, 3, 1, 1], Float32Array.from(values)));
      return g.div(g.sub(x, channels(imagenet.mean.map((v) => v * 255))), channels(imagenet.std.map((v) => v * 255)));
    }
    default:
      throw new TypeError(`no such range: ${String(range)}`);
  }
}

/** What the file says of itself: an entry `pixels`, or Windows ML's `Image.NominalPixelRange`. */
export function toldRange(metadata: ReadonlyMap<string, string>): PixelRange | undefined {
  const own = metadata.get("pixels");
  if (own !== undefined && (pixelRanges as readonly string[]).includes(own)) return own as PixelRange;
  switch (metadata.get("Image.NominalPixelRange")) {
    case "NominalRange_0_255":
      return "0..255";
    case "Normalized_0_1":
      return "0..1";
    case "Normalized_1_1":
      return "-1..1";
    default:
      return undefined;
  }
}
