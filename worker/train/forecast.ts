// Memory of a training session, reckoned from its graphs before it is opened: what is held all the time, and the most that is alive while a
// step or an evaluation runs (passes/liveness.ts).
import type { Graph } from "../onnx/graph.ts";
import { liveness } from "../passes/liveness.ts";
import type { StepGraph } from "../run/engine.ts";
import { inPlace } from "../run/inPlace.ts";
import { sharedConstants } from "../run/shared.ts";
import { bytesOf, sizeOf } from "../tensor.ts";

export interface SessionBytes {
  /** Parameters and moments, each in one place or in the two between which it goes round. */
  states: number;
  /** Fixed tensors that a session has to itself (run/shared.ts). */
  constants: number;
  /** Most that is alive within a step. */
  activations: number;
  /** The same for an evaluation, which has a session and so an arena of its own. */
  evaluation: number;
  /** What a runtime needs for a session whatever it holds. */
  runtime: number;
  total: number;
}

/** Measured with graphs of 100 to 1700 nodes: the session with its kernels and the first pages of its arena, and so much more for each node. */
const runtimeBytes = { session: 17 * 2 ** 20, node: 20 * 2 ** 10 };

/** The arena's gaps, by the same measurement. */
const arena = 1.12;

/** A state that changes is read from one place and written to another, unless it may be written over (run/inPlace.ts). */
const places = 2;

/** Bytes of constants that a session of the graph has to itself, beside the states. */
export function ownConstants(graph: Graph, states: readonly { name: string }[] = []): number {
  const elsewhere = new Set([...sharedConstants(graph).keys(), ...states.map(({ name }) => name)]);
  let bytes = 0;
  for (const [name, { dtype, dims }] of graph.initializers) if (!elsewhere.has(name)) bytes += bytesOf(dtype) * sizeOf(dims);
  return bytes;
}

/**
 * @param at.sizes lengths of the symbols in a step ("B")
 * @param at.evaluationSizes in an evaluation; default as in a step
 */
export function sessionBytes(
  step: StepGraph,
  evaluate: Graph | undefined,
  at: { sizes: Readonly<Record<string, number>>; evaluationSizes?: Readonly<Record<string, number>> },
): SessionBytes {
  const { graph } = step;
  const changing = new Set(graph.outputs.map((o) => o.name));
  const { single } = inPlace(
    graph,
    step.states.map((s) => s.name),
  );
  let states = 0;
  for (const s of step.states)
    states += bytesOf(s.dtype) * sizeOf(s.dims) * (changing.has(`next:${s.name}`) && !single.has(s.name) ? places : 1);
  let constants = 0;
  for (const of of evaluate ? [graph, evaluate] : [graph]) constants += ownConstants(of, step.states);
  const activations = Math.round(arena * liveness(graph, at.sizes).peak);
  const evaluation = evaluate ? Math.round(arena * liveness(evaluate, at.evaluationSizes ?? at.sizes).peak) : 0;
  const nodes = graph.nodes.length + (evaluate?.nodes.length ?? 0);
  const runtime = runtimeBytes.session * (evaluate ? 2 : 1) + runtimeBytes.node * nodes;
  return { states, constants, activations, evaluation, runtime, total: states + constants + activations + evaluation + runtime };
}
