// The walk: from the loss back to what is asked for, each node by its rule. Here, and only here, broadcasting is undone, gradients that
// meet are added, and shapes are checked.
import { AppError } from "../../ipc/error.ts";
import type { Dim, Node, ValueInfo } from "../onnx/graph.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { operator } from "../ops/index.ts";
import { callOf, typedInputs } from "../ops/infer.ts";
import type { Places, View } from "../ops/op.ts";
import { isFloat } from "../tensor.ts";

/**
 * Adds nodes for the gradient of a scalar `loss` with respect to values by name; what the loss does not depend on gets zeros.
 * @throws gradientMissing for an operator whose gradient must not be asked for; shapeMismatch for a loss that is no scalar
 */
export function gradients(g: Builder, loss: Value, wrt: readonly string[]): Map<string, Value> {
  if (!isFloat(loss.dtype) || loss.dims.some((d) => d !== 1))
    throw new AppError(
      "shapeMismatch",
      `The loss '${loss.name}' must be one float, not ${loss.dtype}[${loss.dims.join(", ")}].`,
      "Take its mean or sum.",
      {
        value: loss.name,
      },
    );
  const nodes = [...g.graph.nodes];
  const depends = new Set(wrt);
  for (const node of nodes) if (node.inputs.some((x) => depends.has(x))) for (const y of node.outputs) depends.add(y);

  const flow = new Map<string, Value>([[loss.name, one(g, loss)]]);
  for (const node of nodes.reverse()) {
    if (!node.outputs.some((y) => flow.has(y)) || !node.inputs.some((x) => depends.has(x))) continue;
    for (const [name, dx] of backward(g, node, flow, depends)) {
      const before = flow.get(name);
      flow.set(name, before ? g.add(before, dx) : dx);
    }
  }
  return new Map(wrt.map((name) => [name, flow.get(name) ?? g.zerosLike(g.value(name))]));
}

const one = (g: Builder, loss: Value): Value =>
  loss.dims.length ? g.reshape(g.scalar(1, loss.dtype), loss.dims) : g.scalar(1, loss.dtype);

/** What one node sends to each of its inputs that is asked for, in the shape and dtype of that input. */
function backward(g: Builder, node: Node, flow: ReadonlyMap<string, Value>, depends: ReadonlySet<string>): [string, Value][] {
  const entry = operator(node.type, node.domain);
  const rule = entry.grad;
  if (rule === "none") return [];
  if (typeof rule === "object") {
    const shapes = shapesOf(typedInputs(g.graph, node));
    throw new AppError(
      "gradientMissing",
      `${node.type} '${node.name}' (${shapes}) has no gradient: ${rule.forbidden}.`,
      "Use another operator here, or leave what comes before it out with --wrt.",
      { operator: node.type, node: node.name, shapes },
    );
  }
  const inputs = typedInputs(g.graph, node);
  const outputs = node.outputs.map((name) => (name ? g.value(name) : undefined)); // an optional one may be absent
  const wants = (i: number) => inputs[i] !== undefined && depends.has(inputs[i].name) && carries(g, inputs[i]);
  const view: View = {
    ...callOf({ graph: g.graph, ...node, inputs, outputs: outputs.length }),
    x: inputs as unknown as Places<Value>, // absent optional inputs are asked for with has()
    y: outputs as unknown as Places<Value>,
    dy: outputs.map((y) => y && (flow.get(y.name) ?? g.zerosLike(y))) as unknown as Places<Value>,
    flows: (i) => outputs[i] !== undefined && flow.has(outputs[i].name),
    wants,
  };
  const given = atNode(node, inputs, () => rule(g, view));
  return inputs.flatMap((x, i): [string, Value][] => {
    const dx = given[i];
    return x && dx && wants(i) ? [[x.name, sumTo(g, dx, x, node)]] : [];
  });
}

/** Floats, and whole numbers that floats were rounded to: through these a gradient passes as a float (straight through). */
const carries = (g: Builder, x: Value): boolean => isFloat(x.dtype) || g.graph.producer(x.name)?.type === "QuantizeLinear";

/** Operators that stretch an input of length 1 to that of another. */
const stretching = new Set("Add Sub Mul Div Mod Pow Min Max Mean Sum Where PRelu MatMul Gemm Expand LayerNormalization".split(" "));

/** dx summed over the axes along which x was stretched. */
function sumTo(g: Builder, given: Value, x: Value, node: Node): Value {
  const extra = given.dims.length - x.dims.length;
  if (extra < 0) return check(g.expandLike(given, x));
  const dx = stretching.has(node.type) ? sumWhereOne(g, given, x, extra) : sameNames(g, given, x);
  const stretched = [...dx.dims.keys()].filter((i) => i < extra || (x.dims[i - extra] === 1 && dx.dims[i] !== 1));
  const real = stretched.filter((i) => dx.dims[i] !== 1);
  let out = dx;
  if (real.length) out = g.reduceSum(dx, { axes: real, keepdims: real.length !== extra || real.some((i) => i >= extra) });
  if (out.dims.length !== x.dims.length) out = g.reshapeLike(out, x);
  return check(
    out.dims.every((d, i) => d === x.dims[i]) || out.dims.some((d, i) => d !== 1 && d !== x.dims[i]) ? out : g.expandLike(out, x),
  );

  function check(value: Value): Value {
    if (value.dims.join() === x.dims.join()) return isFloat(x.dtype) ? g.cast(value, x.dtype) : value;
    throw new AppError(
      "shapeMismatch",
      `The gradient of ${node.type} '${node.name}' has the shape [${dx.dims.join(", ")}], which cannot become [${x.dims.join(", ")}].`,
      "Fix the model's named lengths (--dim batch=4); if that does not help, this is a fault in the operator's rule: please report it.",
      { operator: node.type },
    );
  }
}

/** Errors of a rule name the node, its operator and its shapes. */
function atNode<T>(node: Node, inputs: readonly (ValueInfo | undefined)[], body: () => T): T {
  try {
    return body();
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.data["node"] !== undefined) throw thrown;
    const shapes = shapesOf(inputs);
    throw new AppError(thrown.code, `The gradient of ${node.type} '${node.name}' (${shapes}): ${thrown.message}`, thrown.hint, {
      ...thrown.data,
      node: node.name,
      operator: node.type,
      shapes,
    });
  }
}

const shapesOf = (inputs: readonly (ValueInfo | undefined)[]): string =>
  inputs.map((x) => (x ? `${x.dtype}[${x.dims.join(", ")}]` : "–")).join(", ");

/** Lengths of other names than x has are those of x; so is a number where x has a name. */
function sameNames(g: Builder, dx: Value, x: Value): Value {
  const extra = dx.dims.length - x.dims.length;
  const named = (d: Dim, own: Dim) => own !== 1 && d !== 1 && (typeof d === "string" || typeof own === "string");
  const dims = dx.dims.map((d, i) => (i >= extra && named(d, x.dims[i - extra]!) ? x.dims[i - extra]! : d));
  return dims.join() === dx.dims.join() ? dx : g.assume(g.identity(dx), dims);
}

/** Where x has a named length and dx another: summed if x turns out to be 1 there and dx not, when the graph runs. */
function sumWhereOne(g: Builder, dx: Value, x: Value, extra: number): Value {
  const unsure = x.dims.flatMap((d, i) => (d !== 1 && d !== dx.dims[i + extra] && dx.dims[i + extra] !== 1 ? [i + extra] : []));
  if (!unsure.some((i) => typeof x.dims[i - extra] === "string")) return sameNames(g, dx, x);
  const one = g.scalar(1, "int64");
  const rank = dx.dims.length;
  const own = g.op("Shape", [x]);
  const shape = extra ? g.op("Shape", [dx], { start: extra, end: rank }) : g.op("Shape", [dx]);
  const isOne = g.and(g.equal(own, one), g.not(g.equal(shape, one)));
  const axes = g.add(g.reshape(g.op("NonZero", [isOne]), g.list([-1])), extra);
  const dims = dx.dims.map((d, i) => (unsure.includes(i) ? x.dims[i - extra]! : d));
  return g.assume(g.op("ReduceSum", [dx, axes], { keepdims: 1, noop_with_empty_axes: 1 }), dims);
}
