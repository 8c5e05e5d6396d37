// Multi-layer perceptron for tables. Four ideas make it more than a stack of layers:
//   members   K networks in one that share all matrices: each sees the inputs with signs of its own and answers by a head of its own; their
//             mean is the answer (TabM-mini: Gorishniy et al. 2024, https://arxiv.org/abs/2410.24210)
//   waves     each number is also shown as a few learned periodic functions of it (PBLD of RealMLP: https://arxiv.org/abs/2407.04491)
//   bins      … and as its place between quantiles, piecewise linear (PLE of TabM†: https://arxiv.org/abs/2203.05556). Numbers that stand for kinds
//             and skewed ones need it: of 40 codes with effects of their own, r² 0.66 without and 0.94 with; log-normal inputs, 0.70 and 0.73
//   residual  h + f(h) from the second layer on, f begun smaller the more layers there are, so that a signal grows by a factor of e at most
//             and 50 layers train as well (Zhang et al. 2019, https://arxiv.org/abs/1901.09321); no normalisation is needed then
// TabM rather than RealMLP, as it is the better of the two for its time and one graph; what RealMLP adds to its numbers is taken along. Where rows
// are few, the members share nothing and learn in folds (data/folds.ts): the best point is then chosen by all rows instead of a tenth.
// Chosen by measurement on 23 tables (bench/tables.mjs). On California housing, test r²: one network as in scikit-learn 0.778; this with
// ReLU 0.820, with SiLU 0.833, without waves 0.815, with dropout 0.1 0.826, at a rate of 0.003 instead of 0.025 0.743.
import { activate, activations, dropout, embedCategories, linear, type Net, normal, waves, widthOf, zeros } from "./layers.ts";
import { choice, type Inputs, int, model, real } from "./model.ts";
import type { Builder, Value } from "../ops/builder.ts";
import { float32 } from "../tensor.ts";

export const mlp = model({
  id: "mlp",
  title: "Multi-layer perceptron",
  tasks: ["regression", "classification"],
  config: {
    width: int(128, { min: 1, max: 4096, help: "Units in each hidden layer." }),
    depth: int(3, { min: 1, max: 200, help: "Hidden layers." }),
    members: int(8, { min: 1, max: 64, help: "Networks that share their matrices and answer together." }),
    dropout: real(0.1, { min: 0, max: 0.9, help: "Part of the units switched off at random in each training step." }),
    activation: choice("silu", activations, "What a unit does with its sum."),
    waves: int(4, { min: 1, max: 32, help: "Values that each number is shown as: itself and learned waves of it; 1 for itself alone." }),
    bins: int(48, { min: 0, max: 64, help: "Bins of equal count by which each number is shown too; 0 for none." }),
    sigma: real(0.1, { min: 0.001, max: 100, help: "How fast the waves are at first: the spread of their frequencies." }),
    embedding: int(8, { min: 1, max: 256, help: "Length of the learned vector of a category value." }),
    folds: int(0, { min: 0, max: 64, help: "Folds that take turns in being held out, where rows are few; 0: none." }),
    few: int(9, { min: 0, max: 1000, help: "Up to this many values, a category is one 0/1 input a value instead." }),
  },
  /**
   * More members help most where rows are few; where they are many, the time is better spent on more steps. Waves and bins are learned by heart
   * where there are too few rows to an input: there they are left out, and more is dropped.
   */
  suit({ rows, numeric, folds = 0 }) {
    const scarce = rows < 300 || rows < 20 * numeric;
    return {
      folds,
      ...(folds && rows < 1000 ? { width: 64 } : {}),
      members: folds ? 2 * folds : rows < 5000 ? 16 : rows < 12_000 ? 8 : rows < 200_000 ? 4 : 2,
      dropout: scarce ? 0.25 : rows < 5000 ? 0.1 : 0,
      // Many numbers: fewer bins each, so that the whole stays small.
      ...(scarce ? { waves: 1, bins: 0 } : { bins: Math.min(48, Math.floor(rows / 40), Math.floor(1536 / Math.max(1, numeric))) }),
    };
  },
  build(net, c, inputs) {
    const { g } = net;
    const { members } = c;
    const { apart = false } = inputs;
    let h = entrance(net, c, inputs); // (1, B, F), or (K, B, F) apart
    if (members > 1 && !apart) h = g.mul(h, net.weight("members", [members, 1, widthOf(h)], signs)); // (K, B, F)
    for (let i = 0; i < c.depth; i++) {
      const residual = i > 0;
      const z = linear(net, `hidden${i}`, h, c.width, { members, apart, gain: residual ? 2 / c.depth : 2 }); // (K, B, D)
      const u = dropout(net, activate(g, c.activation, z), c.dropout); // (K, B, D)
      h = residual ? g.add(h, u) : u; // (K, B, D)
    }
    const w = net.weight("out.weight", [members, widthOf(h), inputs.outputs], normal(1 / Math.sqrt(widthOf(h)))); // (K, D, outputs)
    const b = net.weight("out.bias", [members, 1, inputs.outputs], zeros);
    return g.add(g.matmul(h, w), b); // (K, B, outputs)
  },
});

/** Numbers, their waves and the categories side by side: (1, B, F), or (K, B, F) where each member learns its own waves and vectors. */
function entrance(
  net: Net,
  c: { members: number; waves: number; bins: number; sigma: number; embedding: number; few: number },
  { x, codes, categories, edges = [], apart }: Inputs,
): Value {
  const { g } = net;
  const members = apart ? c.members : 1;
  const parts = codes ? embedCategories(net, codes, categories, { size: c.embedding, few: c.few, members }) : [];
  if (x) {
    const bins = edges.map((all) => thinned(all, c.bins));
    if (c.waves > 1) parts.unshift(waves(net, "waves", x, { size: c.waves, frequencies: 16, sigma: c.sigma, bins, members }));
    parts.unshift(g.unsqueeze(x, [0]));
  }
  const same = parts.every((part) => part.dims[0] === parts[0]!.dims[0]);
  return g.concat(same ? parts : parts.map((part) => (part.dims[0] === 1 ? g.mul(part, ones(g, members)) : part)), { axis: 2 });
}

/** At most `bins` + 1 of the edges, at even distances in their order, the first and the last among them. */
function thinned(edges: readonly number[], bins: number): readonly number[] {
  if (edges.length <= bins + 1) return edges;
  if (bins === 0) return [];
  return Array.from({ length: bins + 1 }, (_, i) => edges[Math.round((i * (edges.length - 1)) / bins)]!);
}

/** (K, 1, 1): what broadcasts a value to all members. */
const ones = (g: Builder, members: number): Value => g.constant(float32([members, 1, 1], new Float32Array(members).fill(1)));

/** +1 or -1, at random. */
function signs(values: Float32Array, random: { uniform(): number }): void {
  for (let i = 0; i < values.length; i++) values[i] = random.uniform() < 0.5 ? -1 : 1;
}
