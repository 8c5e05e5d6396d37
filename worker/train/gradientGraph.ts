// A graph with its gradients beside its outputs: what `paddock grad` writes.
import { AppError } from "../../ipc/error.ts";
import type { Graph } from "../onnx/graph.ts";
import { Builder } from "../ops/builder.ts";
import { trainedBatchNorm } from "../passes/batchNorm.ts";
import { lower } from "../passes/lower.ts";
import { fullOutputs } from "../passes/outputs.ts";
import { runPasses } from "../passes/pass.ts";
import { isFloat, type Tensor } from "../tensor.ts";
import { gradients } from "./gradient.ts";

export interface GradientOptions {
  /** A scalar output. */
  loss: string;
  /** Initializers and inputs; default every float initializer that is trainable. */
  wrt?: readonly string[];
  /** Initializers that the file had and the graph no longer needs: their gradients are zeros. */
  gone?: ReadonlyMap<string, Tensor>;
  /** Where it is to run (see StepOptions of step.ts); default "cpu". */
  device?: string;
}

/**
 * The graph with one more output `grad:<name>` for each name asked for; the given one is left alone.
 * @throws usage for names that are not there or not floats; gradientMissing, shapeMismatch by node
 */
export function gradientGraph(forward: Graph, { loss, wrt, gone = new Map(), device = "cpu" }: GradientOptions): Graph {
  requireOutput(forward, loss);
  const graph = fullOutputs(trainedBatchNorm(forward));
  // Initializers that the loss does not reach were pruned: their gradient is zero all the same.
  for (const name of new Set(wrt)) {
    const tensor = forward.initializers.get(name) ?? gone.get(name);
    if (tensor && !graph.defines(name)) graph.addInitializer(name, tensor, { trainable: true });
    requireFloat(graph, name);
  }
  const wanted = wrt ? [...new Set(wrt)] : [...graph.parameters];
  const g = new Builder(graph);
  for (const [name, dx] of gradients(g, g.value(loss), wanted)) g.output(dx, `grad:${name}`);
  graph.prune();
  return runPasses(graph, lower(device));
}

/** Throws `usage` when the graph has no such output, listing those it has. */
export function requireOutput(graph: Graph, name: string): void {
  if (graph.outputs.some((o) => o.name === name)) return;
  throw new AppError(
    "modelInvalid",
    `The graph has no output '${name}'.`,
    `Name one of its outputs: ${graph.outputs.map((o) => o.name).join(", ")}.`,
    {
      value: name,
    },
  );
}

/** Throws `usage` unless the name is a float initializer or a float input. */
export function requireFloat(graph: Graph, name: string): void {
  const info = graph.initializers.has(name) || graph.inputs.some((i) => i.name === name) ? graph.info(name) : undefined;
  const known = [...graph.parameters, ...graph.inputs.filter((i) => isFloat(i.dtype)).map((i) => i.name)];
  const hint = `Name float initializers or inputs: ${known.slice(0, 20).join(", ")}${known.length > 20 ? ", …" : ""}.`;
  if (!info) throw new AppError("modelInvalid", `The graph has no initializer or input '${name}'.`, hint, { value: name });
  if (!isFloat(info.dtype))
    throw new AppError("modelInvalid", `'${name}' holds ${info.dtype}, which has no gradient.`, hint, { value: name });
}
