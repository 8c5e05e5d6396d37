// Columns: what the windows of an image see, one column for each place of the window (im2col), and their way back.
import type { Dim } from "../onnx/graph.ts";
import { sizeOf } from "../tensor.ts";
import { Attrs, type Call, type Op, op } from "./op.ts";
import { list, normal } from "./samples.ts";
import { known, like, mismatch, show } from "./shapes.ts";
import { imageRows, slideShape, views, type Window, windowOf } from "./window.ts";

/** The window of a Col2Im, whose kernel is an input, and the images that it makes of x: (N, C · k, o) → (N, C, …spatial). */
function imagesOf(call: Pick<Call, "attrs" | "constant" | "has">, dims: readonly Dim[]): { window: Window; dims: Dim[]; out: number[] } {
  const spatial = known(call, 1, "image_shape");
  const kernel = known(call, 2, "block_shape");
  const [n, rows, places] = dims;
  if (dims.length !== 3 || typeof rows !== "number" || rows % sizeOf(kernel) !== 0)
    throw mismatch(`columns of ${show(dims)} are not made of windows of [${kernel.join(", ")}].`);
  const images: Dim[] = [n!, rows / sizeOf(kernel), ...spatial];
  const window = windowOf(new Attrs("Col2Im", call.attrs.all), images, kernel);
  const out = slideShape(images, window, { symbol: () => "?" }) as number[]; // all lengths are known
  if (typeof places === "number" && places !== sizeOf(out)) throw mismatch(`a window has ${sizeOf(out)} places, not ${places}.`);
  return { window, dims: images, out };
}

export const columns = {
  /** Each column added to the image where its window stood: (N, C · k, o) → (N, C, …spatial). Inputs: x, the image's lengths, the window's. */
  Col2Im: op({
    arity: 3,
    infer: ([x], call) => like(x, imagesOf(call, x.dims).dims),
    grad(g, view) {
      const [x] = view.x;
      const { window, dims, out } = imagesOf(view, x.dims);
      const seen = views(g, imageRows(g, view.dy[0]), window, out).map((v) => g.reshape(v, [-1, dims[1] as number, 1, sizeOf(out)]));
      return [g.reshapeLike(g.concat(seen, { axis: 2 }), x), null, null];
    },
    samples: [
      { inputs: [normal(2, 8, 6), list([3, 4]), list([2, 2])], step: 1, float32: true },
      { inputs: [normal(1, 9, 4), list([4, 3]), list([3, 3])], attrs: { pads: [1, 1, 1, 1], strides: [2, 2] }, step: 1, float32: true },
      { inputs: [normal(1, 4, 4), list([4, 3]), list([2, 1])], attrs: { dilations: [2, 1], strides: [1, 2] }, step: 1, float32: true },
    ],
  }),
} satisfies Record<string, Op>;
