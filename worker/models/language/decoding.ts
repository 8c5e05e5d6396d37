// One step of writing with any family: the forward graph with the keys and values of earlier tokens kept. Letters: T new tokens, P earlier ones,
// S = P + T, V heads of keys and values, E size of a head.
import { Builder, type Value } from "../../ops/builder.ts";
import type { Graph } from "../../onnx/graph.ts";
import type { LanguageModel } from "./index.ts";
import { LanguageNet, type NetOptions } from "./net.ts";
import type { Cache } from "./sequence.ts";

/** Names of what is kept of a layer: as input, and as output with the new tokens behind. */
export const pastNames = (layer: number) => ({ key: `past.${layer}.key`, value: `past.${layer}.value` });
export const presentNames = (layer: number) => ({ key: `present.${layer}.key`, value: `present.${layer}.value` });

/**
 * Inputs: ids and positions (1, T), past_positions (P), past.<layer>.key and .value (1, V, P, E), P from 0 on. Outputs: logits (1, T, vocabulary),
 * present.<layer>.key and .value (1, V, S, E).
 */
export function decodingGraph(model: LanguageModel, options: NetOptions = {}): Graph {
  const { kvHeads, headSize } = model.config;
  const g = new Builder("decoding");
  const ids = g.input("ids", "int64", [1, "T"]);
  const positions = g.input("positions", "int64", [1, "T"]);
  const earlier = g.input("past_positions", "int64", ["P"]);
  const outputs: [Value, string][] = [];
  let seen: Value | undefined;
  const cache: Cache = {
    // The same value for every layer.
    positions: (b) => (seen ??= b.assume(b.concat([earlier, b.op("Reshape", [positions, b.list([-1])])], { axis: 0 }), ["S"])),
    extend(layer, keys, values) {
      const [past, present] = [pastNames(layer), presentNames(layer)];
      const shape = [1, kvHeads, "P", headSize];
      const whole = (name: string, more: Value) =>
        g.assume(g.concat([g.input(name, "float32", shape), more], { axis: 2 }), [1, kvHeads, "S", headSize]);
      const both = { keys: whole(past.key, keys), values: whole(past.value, values) };
      outputs.push([both.keys, present.key], [both.values, present.value]);
      return both;
    },
  };
  const logits = model.build(new LanguageNet(g, model.source, options), { ids, positions, cache });
  g.output(logits, "logits");
  for (const [value, name] of outputs) g.output(value, name);
  return g.graph;
}
