// Windows side by side put back into an image, added up where they meet: what PyTorch's fold is written as.
import type { Dim } from "../onnx/graph.ts";
import { sizeOf } from "../tensor.ts";
import { type Call, type Op, op } from "./op.ts";
import { list, normal } from "./samples.ts";
import { known, like, mismatch, show } from "./shapes.ts";
import { imageRows, slideShape, views, type Window } from "./window.ts";

/** The lengths of the image, its window, and the places of the window. */
function windowsOf(call: Pick<Call, "constant" | "attrs">): { image: number[]; window: Window; out: number[] } {
  const image = known(call, 1, "image_shape");
  const kernel = known(call, 2, "block_shape");
  const n = image.length;
  const list = (name: string, fallback: number, length = n) => call.attrs.ints(name, Array<number>(length).fill(fallback));
  const pads = list("pads", 0, 2 * n);
  const window = { kernel, strides: list("strides", 1), dilations: list("dilations", 1), begin: pads.slice(0, n), end: pads.slice(n) };
  if (kernel.length !== n) throw mismatch(`a window of [${kernel.join(", ")}] cannot slide over [${image.join(", ")}].`);
  return { image, window, out: slideShape([1, 1, ...image], window, { symbol: () => "?" }) as number[] };
}

export const folds = {
  /** (N, C · k, o) → (N, C, …image) */
  Col2Im: op({
    arity: 3,
    infer([x], call) {
      const { image, window, out } = windowsOf(call);
      const [n, channels, places] = x.dims as readonly Dim[];
      const k = sizeOf(window.kernel);
      if (x.dims.length !== 3 || typeof channels !== "number" || channels % k || (typeof places === "number" && places !== sizeOf(out)))
        throw mismatch(`${show(x.dims)} are not ${sizeOf(out)} windows of ${k} places.`);
      return like(x, [n!, channels / k, ...image]);
    },
    grad(g, { x: [x], dy: [dy], attrs, constant }) {
      const { window, out } = windowsOf({ attrs, constant });
      const places = sizeOf(out);
      const seen = views(g, imageRows(g, dy), window, out); // for every k: (N · C, …out)
      const columns = seen.map((v) => g.reshape(v, [-1, 1, places]));
      const joined = g.reshape(g.concat(columns, { axis: 1 }), [-1, x.dims[1]!, places]);
      return [g.assume(joined, [x.dims[0]!, x.dims[1]!, places])];
    },
    samples: [
      { inputs: [normal(2, 8, 6), list([3, 4]), list([2, 2])], step: 1, float32: true },
      {
        inputs: [normal(1, 12, 6), list([4, 5]), list([2, 3])],
        attrs: { strides: [2, 1], pads: [1, 0, 1, 1], dilations: [1, 2] },
        step: 1,
        float32: true,
      },
    ],
  }),
} satisfies Record<string, Op>;
