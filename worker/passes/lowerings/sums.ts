// Sums over axes.
import { isFloat } from "../../tensor.ts";
import { type Lowering, reducedAxes } from "./lowering.ts";

export const sums: Lowering[] = [
  {
    name: "a column sum is a product with ones",
    at: ["ReduceSum"],
    devices: "all",
    measured: "an eighth of the time of ReduceSum for a bias (taken over with the rule; shape and machine were not noted)",
    rewrite({ g, attrs, x: [x, axes] }) {
      if (!x || !isFloat(x.dtype) || x.dims.length !== 2 || reducedAxes(g, x, axes, attrs)?.join() !== "0") return undefined;
      const product = g.matmul(g.ones(x, 0), x);
      return [attrs.int("keepdims", 1) ? g.unsqueeze(product, [0]) : product];
    },
  },
  {
    name: "a sum over axes of length 1 is a reshape",
    at: ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"],
    devices: "all",
    measured: "no arithmetic at all",
    rewrite({ g, attrs, x: [x, axes] }) {
      const over = x && reducedAxes(g, x, axes, attrs);
      if (!x || !over?.length || over.some((a) => x.dims[a] !== 1)) return undefined;
      return [attrs.int("keepdims", 1) ? x : g.squeeze(x, over)];
    },
  },
];
