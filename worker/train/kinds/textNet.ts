// What a run on texts needs to know of its network, whatever it is made of: hashed pieces, a small transformer, a head on an imported encoder.
import type { Graph } from "../../onnx/graph.ts";
import type { Builder, Value } from "../../ops/builder.ts";
import type { Tensor } from "../../tensor.ts";
import type { TrainSpec } from "../../../ipc/types.ts";
import type { PlanFacts } from "../plan.ts";

export interface TextNet {
  /** Inputs of a batch, and `y`; outputs `loss` and `shown`. */
  training(): Graph;
  /** The same inputs without `y`; output `answer`. */
  answering(): Graph;
  /** The trained network on the inputs of model.onnx, by name: logits (n, C), or the standardised value (n, 1). */
  inference(g: Builder, inputs: Record<string, Value>, weights: ReadonlyMap<string, Tensor>): Value;
  /** What of the plan it decides. */
  facts(training: Graph): Omit<PlanFacts, "task" | "target" | "classes" | "inputs" | "rows" | "graphs">;
  /** Whether it takes one text at a time. */
  alone?: boolean;
  /** What the file of the trained model says, where it is made from another's. */
  licence?: string;
  /** Settings where the spec says nothing. */
  usual?: Pick<TrainSpec, "weightDecay" | "seconds">;
}
