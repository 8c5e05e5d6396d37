// What of a model's graph works on text, as a list of steps that a page can walk for one row: TensorFlow.js has no such operators. Each value is
// one of a row (ONNX has them as [n, 1]); a StringSplit gives several.
import { AppError } from "../../../ipc/error.ts";
import type { Graph, Node } from "../../onnx/graph.ts";
import { Attrs } from "../../ops/op.ts";

/** One step; `in` and `out` are names of values. preprocess.mjs walks them. */
export type TextStep =
  | { op: "lookup"; in: string; out: string; keys: string[]; values: (number | string)[]; otherwise: number | string }
  | { op: "matches"; in: string; out: string; pattern: string }
  | { op: "choose"; in: string; out: string; text: string; otherwise: string }
  | { op: "split"; in: string; out: string; delimiter: string; most: number }
  | { op: "piece"; in: string; out: string; index: number }
  | { op: "whole"; in: string; out: string }
  | { op: "constant"; out: string; value: string };

/** Values that come of texts and are numbers, in the order of the graph, and the steps that lead to them. */
export function textSteps(graph: Graph, wanted: readonly string[]): { steps: TextStep[]; found: string[] } {
  const reached = upstream(graph, wanted);
  const isText = (name: string) => graph.info(name)?.dtype === "string";
  const inText = new Set(graph.nodes.filter((node) => reached.has(node) && [...node.inputs, ...node.outputs].some((n) => n && isText(n))));
  const steps: TextStep[] = [];
  for (const [name, tensor] of graph.initializers)
    if (tensor.dtype === "string" && tensor.data.length === 1) steps.push({ op: "constant", out: name, value: tensor.data[0]! });
  for (const node of inText) steps.push(stepOf(graph, node));
  const used = new Set([...reached].filter((node) => !inText.has(node)).flatMap((node) => node.inputs));
  const found = [...inText].flatMap((node) => node.outputs.filter((name) => name && used.has(name) && !isText(name)));
  const needed = new Set(
    steps.flatMap((step) => ("in" in step ? [step.in, ...(step.op === "choose" ? [step.text, step.otherwise] : [])] : [])),
  );
  return { steps: steps.filter((step) => step.op !== "constant" || needed.has(step.out)), found };
}

function upstream(graph: Graph, wanted: readonly string[]): Set<Node> {
  const names = new Set(wanted);
  const nodes = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((o) => names.has(o))) continue;
    nodes.add(node);
    for (const name of node.inputs) names.add(name);
  }
  return new Set(graph.nodes.filter((node) => nodes.has(node)));
}

function stepOf(graph: Graph, node: Node): TextStep {
  const attrs = new Attrs(node.type, node.attrs);
  const [input, second, third] = node.inputs as [string, string, string];
  const out = node.outputs[0]!;
  const list = (name: string) => node.attrs[name]?.value as (string | number)[] | undefined;
  switch (node.type) {
    case "Identity":
      return { op: "piece", in: input, out, index: 0 };
    case "LabelEncoder": {
      const keys = list("keys_strings") as string[] | undefined;
      const values = list("values_int64s") ?? list("values_floats") ?? list("values_strings");
      const otherwise = node.attrs["default_int64"] ?? node.attrs["default_float"] ?? node.attrs["default_string"];
      if (keys && values)
        return { op: "lookup", in: input, out, keys, values, otherwise: (otherwise?.value as number | string | undefined) ?? -1 };
      break;
    }
    case "RegexFullMatch":
      return { op: "matches", in: input, out, pattern: attrs.string("pattern") };
    case "Where":
      return { op: "choose", in: input, out, text: second, otherwise: third };
    case "StringSplit":
      if (node.outputs.slice(1).every((name) => !name || !graph.nodes.some((other) => other.inputs.includes(name))))
        return {
          op: "split",
          in: input,
          out,
          delimiter: attrs.string("delimiter", ""),
          most: attrs.int("maxsplit", Number.MAX_SAFE_INTEGER),
        };
      break;
    case "Gather": {
      const at = graph.initializers.get(second);
      if (at?.data.length === 1) return { op: "piece", in: input, out, index: Number(at.data[0]) };
      break;
    }
    case "Cast":
      if (graph.info(out)?.dtype === "int64") return { op: "whole", in: input, out };
      break;
  }
  throw new AppError(
    "exportUnsupported",
    `TensorFlow.js has no way to express the operator ${node.type}: it works on text.`,
    "Take the ONNX file instead.",
    { operator: node.type },
  );
}
