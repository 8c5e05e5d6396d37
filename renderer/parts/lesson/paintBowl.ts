// The bowl as a map: bands of equal loss with a fine line between, dark where the loss is low. Bands are a factor of two
// apart, so the map reads alike for any points. Painted pixel by pixel; the lines are smoothed by the map's own slope.
import type { Frame } from "./geometry.ts";

/** Red, green, blue, each 0…255. */
export type Rgb = readonly [number, number, number];

export interface BowlColors {
  low: Rgb;
  high: Rgb;
  line: Rgb;
}

/** The canvas's own pixels, row by row from the top, as RGBA. `unit` is a loss above the lowest one that counts as small. */
export function paintBowl(
  loss: (a: number, b: number) => number,
  frame: Frame,
  width: number,
  height: number,
  unit: number,
  colors: BowlColors,
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(width * height * 4);
  const at = (left: number, top: number) =>
    loss(frame.x[0] + ((left + 0.5) / width) * (frame.x[1] - frame.x[0]), frame.y[1] - ((top + 0.5) / height) * (frame.y[1] - frame.y[0]));
  // The floor of the bowl as the map sees it: where no line hits every point, the bands would otherwise start high and be few.
  let floor = Infinity;
  for (let i = 0; i < 64 * 64; i++) floor = Math.min(floor, at(((i % 64) / 64) * width, (Math.floor(i / 64) / 64) * height));
  const level = (left: number, top: number) => Math.log2(Math.max(0, at(left, top) - floor) / unit + 1);
  const above = new Float64Array(width + 1);
  for (let left = 0; left <= width; left++) above[left] = level(left, 0);
  for (let top = 0; top < height; top++) {
    let here = above[0]!;
    for (let left = 0; left < width; left++) {
      const right = above[left + 1]!;
      const below = level(left, top + 1);
      // Distance to the nearest line between two bands, in pixels.
      const steep = Math.hypot(right - here, below - here) || 1e-9;
      const distance = Math.abs(here - Math.round(here)) / steep;
      const ink = Math.round(here) > 0 ? 0.35 * Math.min(1, Math.max(0, 1.2 - distance)) * Math.min(1, 0.22 / steep) : 0;
      const height01 = Math.min(1, Math.floor(here) / 9);
      const pixel = (top * width + left) * 4;
      for (let c = 0; c < 3; c++) {
        const fill = colors.low[c]! + (colors.high[c]! - colors.low[c]!) * height01;
        pixels[pixel + c] = fill + (colors.line[c]! - fill) * ink;
      }
      pixels[pixel + 3] = 255;
      above[left] = below;
      here = right;
    }
    above[width] = level(width, top + 1);
  }
  return pixels;
}
