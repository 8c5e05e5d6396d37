// Rows picked by index, and put back.
import { sizeOf } from "../../tensor.ts";
import { isAll, type Lowering, madeBy } from "./lowering.ts";

/** Up to this many rows a product with a one-hot matrix is faster than scattering. */
const oneHotRows = 64;

export const lookups: Lowering[] = [
  {
    name: "rows added up in a short table are a product with a one-hot matrix",
    at: ["ScatterND"],
    devices: "all",
    measured: "faster than scattering up to 64 rows (taken over with the rule; shape and machine were not noted)",
    rewrite({ g, attrs, x: [into, at, rows] }) {
      const ids = madeBy(g, at, "Unsqueeze")?.x[0];
      if (!into || !at || !rows || !ids || at.dims.at(-1) !== 1 || attrs.string("reduction", "none") !== "add") return undefined;
      const [length, ...others] = into.dims;
      if (typeof length !== "number" || length > oneHotRows || !others.every((d) => typeof d === "number")) return undefined;
      const width = sizeOf(others);
      if (width === 0 || at.dims.length !== ids.dims.length + 1 || !isAll(g, into, 0)) return undefined;
      const hot = g.oneHot(g.reshape(ids, [-1]), length, { dtype: into.dtype }); // (n, rows)
      return [g.reshape(g.gemm(hot, g.reshape(rows, [-1, width]), undefined, { transA: 1 }), [length, ...others])];
    },
  },
];
