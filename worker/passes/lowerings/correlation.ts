// The gradient of a convolution's weights, known by the form in which worker/ops/conv.ts writes it.
import type { Builder, Value } from "../../ops/builder.ts";
import type { Attrs } from "../../ops/op.ts";
import type { Window } from "../../ops/window.ts";
import { madeBy } from "./lowering.ts";

/** Σ small[n, m, o] · large[n, c, o · stride + k · dilation - begin] over n and o: (M, C / G, …k). */
export interface Correlation {
  small: Value;
  large: Value;
  window: Window;
  group: number;
}

/** Such a sum as the rule of Conv writes it: Transpose(Slice(Conv(large, small))), batch and channels swapped in all three. */
export function correlation(g: Builder, x: Value | undefined, attrs: Attrs): Correlation | undefined {
  const swap = (rank: number) => [1, 0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2)].join();
  if (!x || attrs.ints("perm", []).join() !== swap(x.dims.length)) return undefined;
  const cut = madeBy(g, x, "Slice");
  const conv = madeBy(g, cut?.x[0] ?? x, "Conv");
  const [input, weights, bias] = conv?.x ?? [];
  const turned = madeBy(g, weights, "Transpose");
  if (!conv || !input || bias || !turned?.x[0] || turned.attrs.ints("perm", []).join() !== swap(x.dims.length)) return undefined;
  const group = conv.attrs.int("group", 1);
  const n = x.dims.length - 2;
  const kernel = x.dims.slice(2);
  const source =
    group === 1 ? madeBy(g, input, "Transpose") : madeBy(g, madeBy(g, madeBy(g, input, "Reshape")?.x[0], "Transpose")?.x[0], "Reshape");
  const large = source?.x[0];
  if (!large || large.dims.length !== n + 2 || kernel.some((k) => typeof k !== "number")) return undefined;
  if (group === 1 && source.attrs.ints("perm", []).join() !== swap(x.dims.length)) return undefined;
  const pads = conv.attrs.ints("pads", Array<number>(2 * n).fill(0));
  const ones = Array<number>(n).fill(1);
  const window = {
    kernel: kernel as number[],
    strides: conv.attrs.ints("dilations", ones),
    dilations: conv.attrs.ints("strides", ones),
    begin: pads.slice(0, n),
    end: pads.slice(n),
  };
  return { small: turned.x[0], large, window, group };
}
