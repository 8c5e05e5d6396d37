// What a pass is: graph in, graph out, with what it needs and what it leaves said and checked.
import type { Graph } from "../onnx/graph.ts";
import { check } from "../onnx/check.ts";

export interface Pass {
  readonly name: string;
  /** Throws when the graph is not one that this pass can take. */
  requires(graph: Graph): void;
  /** The graph after the pass (the old one is left alone), and whether anything changed. */
  run(graph: Graph): { graph: Graph; changed: boolean };
  /** Throws when the pass did not leave what it promises. */
  ensures(graph: Graph): void;
}

/** The graph after the passes, in order; each is checked before and after. */
export function runPasses(graph: Graph, ...passes: readonly Pass[]): Graph {
  return passes.reduce((before, pass) => {
    pass.requires(before);
    const { graph: after } = pass.run(before);
    check(after);
    pass.ensures(after);
    return after;
  }, graph);
}
