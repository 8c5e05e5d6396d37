// Weights kept in 8 bits, for taking a trained model away: a quarter of the size. Handled, where the weights are float32 constants:
//   MatMul, Gemm   the other factor is brought to 8 bits while the graph runs (DynamicQuantizeLinear), the product is one of whole numbers
//                  (MatMulInteger), and a scale for each column brings it back
//   Gather         tables of vectors or numbers; what is gathered is brought back (DequantizeLinear)
//   Conv           weights only: they are brought back before the convolution. ConvInteger takes five times as long as the float form on the
//                  processor (3 × 3, 64 → 64 channels, 28²: 2.2 and 0.3 ms; 7², 512 → 512: 8.7 and 1.5 ms; ONNX Runtime 1.30)
// Left alone: small weights (`least`), where little is won; sums, biases, norms; all that is not constant. Standard operators only.
// Refused: a graph in which nothing is left to do.
import { AppError } from "../../ipc/error.ts";
import type { Graph } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { Attrs } from "../ops/op.ts";
import { float32, sizeOf, tensor, type Tensor } from "../tensor.ts";
import type { Pass } from "./pass.ts";
import { rewrite } from "./rewrite.ts";

/** Weights of fewer numbers stay as they are. */
const least = 4096;

/**
 * The largest level of weights. A factor of a product stays within 7 bits: on processors without VNNI, ONNX Runtime adds pairs of 8-bit products
 * in 16 bits, 2 · 255 · 64 fits and 2 · 255 · 127 does not (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).
 */
const levels = { factor: 64, kept: 127 };

export const quantizeWeights: Pass = {
  name: "quantizeWeights",
  requires(graph) {
    if (graph.nodes.some((node) => node.type === "MatMulInteger" || node.type === "DequantizeLinear"))
      throw new AppError("usage", "The model's weights are in few bits already.", "Take it as it is.");
  },
  run(graph) {
    const weights = new Weights(graph);
    const after = rewrite(graph, (g, node, x) => {
      const [a, b, c] = x;
      if (node.domain !== "" || !a || !b) return undefined;
      const attrs = new Attrs(node.type, node.attrs);
      switch (node.type) {
        case "MatMul": {
          const w = weights.factor(g, b, false);
          return w && a.dtype === "float32" ? [product(g, a, w)] : undefined;
        }
        case "Gemm": {
          if (attrs.int("transA", 0)) return undefined;
          const w = weights.factor(g, b, attrs.int("transB", 0) !== 0);
          if (!w) return undefined;
          const y = g.mul(product(g, a, w), attrs.float("alpha", 1));
          return [c ? g.add(y, g.mul(c, attrs.float("beta", 1))) : y];
        }
        case "Gather": {
          const w = attrs.int("axis", 0) === 0 ? weights.table(g, a) : undefined;
          if (!w) return undefined;
          const found = g.gather(w.levels, b);
          return [g.op("DequantizeLinear", [found, w.scale], a.dims.length > 1 ? { axis: found.dims.length - 1 } : {})];
        }
        case "Conv": {
          const w = weights.kernel(g, b);
          return w && [g.op("Conv", [a, g.op("DequantizeLinear", [w.levels, w.scale], { axis: 0 }), c], plain(node.attrs))];
        }
        default:
          return undefined;
      }
    });
    return { graph: after, changed: weights.changed };
  },
  ensures(graph) {
    if (!graph.nodes.some((node) => node.type === "MatMulInteger" || node.type === "DequantizeLinear"))
      throw new AppError(
        "usage",
        `The model has no weights of ${least.toLocaleString("en")} numbers or more: 8 bits would win nothing.`,
        "Take the ONNX file as it is.",
      );
  },
};

interface Levels {
  levels: Value;
  scale: Value;
}

/** a (…, M, K) · levels (…, K, N) · scale, a in 256 levels between its own limits. */
function product(g: Builder, a: Value, { levels, scale }: Levels): Value {
  const [fine, step, zero] = g.op("DynamicQuantizeLinear", [a], {}, { outputs: 3 }) as [Value, Value, Value];
  const whole = g.cast(g.op("MatMulInteger", [fine, levels, zero]), "float32");
  return g.mul(whole, g.mul(scale, step));
}

/** Attributes as the builder takes them. */
const plain = (attrs: Graph["nodes"][number]["attrs"]) =>
  Object.fromEntries(Object.entries(attrs).map(([name, attr]) => [name, attr.value as number | readonly number[] | string]));

/** Constants of the old graph in levels, each made once. */
class Weights {
  changed = false;
  readonly graph: Graph;
  #made = new Map<string, Levels>();

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** (K, N), or (…, K, N): a scale for each column. */
  factor(g: Builder, b: Value, transposed: boolean): Levels | undefined {
    const old = this.#constant(b, 2);
    if (!old) return undefined;
    return this.#keep(g, `${b.name}${transposed ? ":turned" : ""}`, () => {
      const w = transposed ? turned(old) : old;
      const [rows, columns] = w.dims.slice(-2) as [number, number];
      const scaleDims = w.dims.length > 2 ? w.dims.with(-2, 1) : [columns];
      return rounded(w, scaleDims, levels.factor, (i) => Math.floor(i / (rows * columns)) * columns + (i % columns));
    });
  }

  /** (T, …, D): a scale for each place of the last axis; (T): one for all. */
  table(g: Builder, a: Value): Levels | undefined {
    const w = this.#constant(a, 1);
    const width = w && w.dims.length > 1 ? w.dims.at(-1)! : 0;
    return w && this.#keep(g, a.name, () => rounded(w, width ? [width] : [], levels.kept, (i) => (width ? i % width : 0)));
  }

  /** (M, C, …): a scale for each channel made. */
  kernel(g: Builder, b: Value): Levels | undefined {
    const w = this.#constant(b, 3);
    const each = w && sizeOf(w.dims.slice(1));
    return w && this.#keep(g, b.name, () => rounded(w, [w.dims[0]!], levels.kept, (i) => Math.floor(i / each!)));
  }

  #constant({ name }: Value, rank: number): Tensor<"float32"> | undefined {
    const found = this.graph.initializers.get(name);
    const fits = found?.dtype === "float32" && found.dims.length >= rank && found.data.length >= least;
    return fits && found.data.every(Number.isFinite) ? found : undefined;
  }

  #keep(g: Builder, name: string, make: () => { levels: Tensor; scale: Tensor }): Levels {
    let made = this.#made.get(name);
    if (made) return made;
    const { levels, scale } = make();
    made = { levels: g.constant(levels, `${name}:int8`), scale: g.constant(scale, `${name}:scale`) };
    this.#made.set(name, made);
    this.changed = true;
    return made;
  }
}

/** w = levels · scale, as near as whole numbers from -most to most come. @param at which scale element i has */
function rounded(w: Tensor<"float32">, scaleDims: readonly number[], most: number, at: (i: number) => number) {
  const scale = new Float32Array(sizeOf(scaleDims));
  w.data.forEach((value, i) => (scale[at(i)] = Math.max(scale[at(i)]!, Math.abs(value))));
  for (let s = 0; s < scale.length; s++) scale[s] = scale[s]! > 0 ? scale[s]! / most : 1;
  const whole = Int8Array.from(w.data, (value, i) => Math.max(-most, Math.min(most, Math.round(value / scale[at(i)]!))));
  return { levels: tensor("int8", w.dims, whole), scale: float32(scaleDims, scale) };
}

function turned({ dims, data }: Tensor<"float32">): Tensor<"float32"> {
  const [rows, columns] = dims as readonly [number, number];
  return float32(
    [columns, rows],
    Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
  );
}
