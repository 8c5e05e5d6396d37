// Model-local functions put in the place of their calls, in the file's own form, before the graph is made. Handled: attributes passed on by
// reference and their defaults, functions that call functions, calls inside inner graphs, overloads. Refused: a function that calls itself,
// one whose operator sets disagree with the model's, and more nodes than any real model has.
import { clone, create } from "@bufbuild/protobuf";
import { AppError } from "../../ipc/error.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
} from "./gen/onnx_pb.ts";

/** A model that unfolds to more nodes than this is refused. */
const mostNodes = 200_000;

/** Replaces every call of a function of the model by its body, in place; afterwards the model has none. */
export function inlineFunctions(model: ModelProto): void {
  if (!model.functions.length || !model.graph) return;
  const versions = new Map(model.opsetImport.map((o) => [o.domain === "ai.onnx" ? "" : o.domain, o.version]));
  const functions = new Map<string, FunctionProto>();
  for (const f of model.functions) {
    for (const { domain, version } of f.opsetImport) {
      const known = versions.get(domain === "ai.onnx" ? "" : domain);
      if (known === undefined) {
        versions.set(domain === "ai.onnx" ? "" : domain, version);
        model.opsetImport.push({ ...model.opsetImport[0]!, domain, version });
      } else if (known !== version)
        throw refuse(`The function '${f.name}' is written for version ${version} of the operator set '${domain}', the model for ${known}`);
    }
    const key = keyOf(f.domain, f.name, f.overload);
    if (functions.has(key)) throw refuse(`The function '${f.name}' is defined twice`);
    functions.set(key, f);
  }
  const calls = { count: 0, nodes: 0 };
  const expand = (nodes: readonly NodeProto[], inside: readonly string[]): NodeProto[] =>
    nodes.flatMap((node) => {
      for (const a of node.attribute) for (const graph of a.g ? [a.g, ...a.graphs] : a.graphs) graph.node = expand(graph.node, inside);
      const key = keyOf(node.domain, node.opType, node.overload);
      const f = functions.get(key);
      if (!f) {
        if (++calls.nodes > mostNodes) throw refuse(`Its functions unfold to more than ${mostNodes} nodes`);
        return [node];
      }
      if (inside.includes(key)) throw refuse(`The function '${f.name}' calls itself`);
      return expand(bodyOf(f, node, `${node.name || f.name}.${calls.count++}/`), [...inside, key]);
    });
  model.graph.node = expand(model.graph.node, []);
  model.functions = [];
}

const keyOf = (domain: string, name: string, overload: string): string => `${domain === "ai.onnx" ? "" : domain}\n${name}\n${overload}`;

/** The nodes of one call: inner names get the prefix, inputs and outputs the names at the call. */
function bodyOf(f: FunctionProto, call: NodeProto, prefix: string): NodeProto[] {
  if (call.input.length > f.input.length || call.output.length > f.output.length)
    throw refuse(`The call '${call.name}' of the function '${f.name}' has more inputs or outputs than the function`);
  const names = new Map<string, string>([["", ""]]);
  f.input.forEach((name, i) => names.set(name, call.input[i] ?? ""));
  const direct: NodeProto[] = [];
  f.output.forEach((name, i) => {
    const outside = call.output[i];
    if (!outside) return;
    // An input that is also an output has its name already.
    const inside = names.get(name);
    if (inside === undefined) names.set(name, outside);
    else direct.push(create(NodeProtoSchema, { opType: "Identity", input: [inside], output: [outside] }));
  });
  const given = new Map<string, AttributeProto>();
  for (const a of f.attributeProto) given.set(a.name, a);
  for (const a of call.attribute) given.set(a.name, a);
  return [...f.node.map((node) => renamed(node, names, given, prefix)), ...direct];
}

function renamed(node: NodeProto, names: Map<string, string>, given: ReadonlyMap<string, AttributeProto>, prefix: string): NodeProto {
  const now = (name: string): string => {
    const known = names.get(name);
    if (known !== undefined) return known;
    names.set(name, prefix + name);
    return prefix + name;
  };
  return create(NodeProtoSchema, {
    opType: node.opType,
    domain: node.domain,
    overload: node.overload,
    name: prefix + node.name,
    input: node.input.map(now),
    output: node.output.map(now),
    attribute: node.attribute.flatMap((a): AttributeProto[] => {
      if (a.refAttrName) {
        const value = given.get(a.refAttrName);
        return value ? [{ ...clone(AttributeProtoSchema, value), name: a.name }] : []; // an optional one that was not given
      }
      if (!a.g) return [a];
      return [create(AttributeProtoSchema, { ...a, g: innerGraph(a.g, names, given, prefix) })];
    }),
  });
}

/** An inner graph of a function's node: its own names get the prefix too. */
function innerGraph(graph: GraphProto, names: Map<string, string>, given: ReadonlyMap<string, AttributeProto>, prefix: string): GraphProto {
  const own = new Map(names);
  const now = (name: string): string => {
    if (name === "") return "";
    if (!own.has(name)) own.set(name, prefix + name);
    return own.get(name)!;
  };
  const node = graph.node.map((n) => renamed(n, own, given, prefix));
  return create(GraphProtoSchema, {
    ...graph,
    input: graph.input.map((i) => ({ ...i, name: now(i.name) })),
    initializer: graph.initializer.map((t) => ({ ...t, name: now(t.name) })),
    output: graph.output.map((o) => ({ ...o, name: now(o.name) })),
    valueInfo: [],
    node,
  });
}

function refuse(what: string): AppError {
  return new AppError("modelInvalid", `${what}.`, "Export the model again without functions of its own.", {});
}
