// Windows laid back into an image: what F.fold of PyTorch is exported as.
import type { Dim } from "../onnx/graph.ts";
import { sizeOf } from "../tensor.ts";
import { type Call, type Op, op, type View } from "./op.ts";
import { list, normal } from "./samples.ts";
import { known, like, mismatch, show } from "./shapes.ts";
import { imageRows, slideShape, views, type Window, windowOf } from "./window.ts";

/** The image's lengths and the window, from the inputs 1 and 2. */
function placed({ attrs, constant }: Pick<View, "attrs" | "constant">): { image: number[]; window: Window } {
  const image = known({ constant }, 1, "image_shape");
  return { image, window: windowOf(attrs, [1, 1, ...image], known({ constant }, 2, "block_shape")) };
}

/** How many windows there are. */
const windows = (image: readonly number[], w: Window, call: Pick<Call, "symbol">): number =>
  sizeOf(slideShape([1, 1, ...image], w, call) as number[]);

export const folds = {
  /** x (N, C · block, L), a column for each window: added up where they overlap, (N, C, …image). */
  Col2Im: op({
    arity: 3,
    infer([x], call) {
      const { image, window } = placed(call);
      const [n, columns, l] = x.dims;
      const block = sizeOf(window.kernel);
      const wanted = windows(image, window, call);
      if (x.dims.length !== 3 || typeof columns !== "number" || columns % block !== 0 || (typeof l === "number" && l !== wanted))
        throw mismatch(`${show(x.dims)} is no list of ${wanted} windows of [${window.kernel.join(", ")}].`);
      return like(x, [n!, columns / block, ...image]);
    },
    grad(g, view) {
      const { image, window } = placed(view);
      const [dy] = view.dy;
      const out = slideShape([1, 1, ...image], window, { symbol: () => "" }) as number[];
      const rows = imageRows(g, dy); // (N · C, …image)
      const seen = views(g, rows, window, out).map((v) => g.reshape(v, [-1, 1, sizeOf(out)])); // block × (N · C, 1, L)
      const columns = view.x[0].dims[1] as number;
      return [g.assume(g.reshape(g.concat(seen, { axis: 1 }), [-1, columns, sizeOf(out)]), view.x[0].dims as Dim[]), null, null];
    },
    samples: [
      { inputs: [normal(2, 8, 6), list([3, 4]), list([2, 2])], step: 1, float32: true },
      {
        inputs: [normal(1, 12, 4), list([5, 5]), list([3, 2])],
        attrs: { strides: [2, 3], pads: [1, 0, 0, 0], dilations: [1, 1] },
        step: 1,
        float32: true,
      },
      { inputs: [normal(1, 4, 9), list([5, 5]), list([2, 2])], attrs: { dilations: [2, 2] }, step: 1, float32: true },
    ],
  }),
} satisfies Record<string, Op>;
