// Mixed precision (https://arxiv.org/abs/1710.03740): products are computed in float16, all else in float32. Parameters stay float32 and are cast
// for their product; the walk back follows the casts, so that the products of the gradients are float16 too and the gradients of parameters
// float32. Handled: MatMul, Gemm, Conv, ConvTranspose and Einsum on float32, whose bias is added in float32, as its gradient is a sum over the
// batch. Left alone: everything else, softmax, normalisations, losses and sums among it.
import type { Graph, Node } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { rewrite } from "./rewrite.ts";

/** The place of the bias, where an operator has one. */
const products: Record<string, number | undefined> = { MatMul: undefined, Einsum: undefined, Gemm: 2, Conv: 2, ConvTranspose: 2 };

export function mixedPrecision(graph: Graph): Graph {
  return rewrite(graph, (g, node, x) => {
    if (node.domain !== "" || !Object.hasOwn(products, node.type) || x.some((v) => v && v.dtype !== "float32")) return undefined;
    const at = products[node.type];
    const factors = at === undefined ? x : x.slice(0, at);
    const inputs = factors.map((v) => (v ? g.cast(v, "float16").name : ""));
    const [half] = g.node({ ...node, name: "", inputs }, 1);
    const whole = g.assume(g.cast(half!, "float32"), graph.info(node.outputs[0]!)?.dims ?? half!.dims);
    const bias = at === undefined ? undefined : x[at];
    return [bias ? g.add(whole, biasOf(g, node, bias, whole)) : whole];
  });
}

/** As the operator would add it: Gemm times beta, a convolution's along the channels. */
function biasOf(g: Builder, node: Node, bias: Value, y: Value): Value {
  if (node.type !== "Gemm") return g.reshape(bias, [bias.dims[0]!, ...y.dims.slice(2).map(() => 1)]);
  const beta = node.attrs["beta"];
  return beta?.type === "float" || beta?.type === "int" ? g.mul(bias, beta.value) : bias;
}
