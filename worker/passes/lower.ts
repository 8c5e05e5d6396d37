// Equal forms, chosen by what is fast on a device: the one place where that is decided. The tables are in lowerings/, by topic; each entry
// says what it was measured by. What comes out is made of ONNX's own operators, like what goes in, and gives the same numbers.
import { AppError } from "../../ipc/error.ts";
import { type Graph, opset } from "../onnx/graph.ts";
import { Attrs } from "../ops/op.ts";
import { dedupe } from "./dedupe.ts";
import { channels } from "./lowerings/channels.ts";
import { cleanUps } from "./lowerings/cleanUp.ts";
import { convolutions } from "./lowerings/convolution.ts";
import { gelus } from "./lowerings/gelu.ts";
import { lookups } from "./lowerings/lookup.ts";
import type { Lowering, Site } from "./lowerings/lowering.ts";
import { smallImages } from "./lowerings/smallImages.ts";
import { sums } from "./lowerings/sums.ts";
import { webgpu } from "./lowerings/webgpu.ts";
import type { Pass } from "./pass.ts";
import { rewrite } from "./rewrite.ts";

/** In order: of those that look at one operator, the first that has a form for the node is taken. */
export const lowerings: readonly Lowering[] = [
  ...cleanUps,
  ...smallImages,
  ...convolutions,
  ...channels,
  ...sums,
  ...lookups,
  ...gelus,
  ...webgpu,
];

/** The lowerings for a device, by the operators at which they look. */
function tableFor(device: string): Map<string, Lowering[]> {
  const table = new Map<string, Lowering[]>();
  for (const lowering of lowerings) {
    if (lowering.devices !== "all" && !lowering.devices.includes(device)) continue;
    for (const type of lowering.at) table.set(type, [...(table.get(type) ?? []), lowering]);
  }
  return table;
}

export function lower(device: string): Pass {
  const table = tableFor(device);
  return {
    name: `lower for ${device}`,
    requires(graph) {
      if ((graph.opsets.get("") ?? 0) < opset)
        throw new AppError("internal", "Only a normalised graph can be lowered.", "Run normalize first.");
    },
    run(graph) {
      let changed = false;
      const after = rewrite(
        graph,
        (g, node, x) => {
          const found = node.domain === "" ? table.get(node.type) : undefined;
          const y = graph.info(node.outputs[0] ?? "");
          if (!found || !y) return undefined;
          const site: Site = { g, node, x, y, attrs: new Attrs(node.type, node.attrs) };
          for (const lowering of found) {
            const made = lowering.rewrite(site);
            if (!made) continue;
            changed = true;
            return made;
          }
          return undefined;
        },
        { typed: true },
      );
      return changed ? { graph: nameOutputs(dedupe.run(after).graph), changed } : { graph, changed };
    },
    ensures(graph) {
      const foreign = [...graph.opsets.keys()].filter((domain) => !["", "ai.onnx.ml", "com.microsoft"].includes(domain));
      if (foreign.length) throw new AppError("internal", `Lowering brought ${foreign.join(", ")}.`, "This is a fault: please report it.");
    },
  };
}

/** Outputs that are copies of what a node made for them alone take its place. */
function nameOutputs(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const names = new Map<string, string>();
  for (const name of outputs) {
    const copy = graph.producer(name);
    const from = copy?.type === "Identity" && copy.domain === "" ? copy.inputs[0]! : undefined;
    if (from !== undefined && graph.producer(from) && !outputs.has(from) && !names.has(from)) names.set(from, name);
  }
  if (!names.size) return graph;
  const now = (name: string) => names.get(name) ?? name;
  const nodes = graph.nodes.filter((node) => !(node.type === "Identity" && names.get(node.inputs[0]!) === node.outputs[0]));
  const inner = new Set(nodes.flatMap((n) => Object.values(n.attrs)).filter((a) => a.type === "graph"));
  if (inner.size) return graph; // inner graphs know outer values by their names
  graph.replaceNodes(nodes.map((node) => ({ ...node, inputs: node.inputs.map(now), outputs: node.outputs.map(now) })));
  return graph;
}
