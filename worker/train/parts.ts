// A batch taken in parts where all of it at once does not fit the memory. The gradients of the parts are added up, each by its share of the loss,
// and the parameters move once, so that the step is the same but for rounding; dropout draws what it would have drawn for the whole batch.
// What is not the same: a batch normalisation in training sees the rows of a part alone.
import type { Graph } from "../onnx/graph.ts";
import { bools, float32, int64, sizeOf, type Tensor, tensor } from "../tensor.ts";

/** Inputs of a step in parts: the part's share of the loss, whether it is the last, its first row in the batch, and the rows of the batch. */
export const partNames = { share: "part:share", last: "part:last", from: "part:from", of: "part:of" } as const;

export interface StepPart {
  feeds: Record<string, Tensor>;
  share: number;
}

/**
 * The feeds of each part: at most `rows` rows of every input, whose first axis is the batch's.
 * @param weigh what rows count in the loss, by their answers; default each as much as another
 */
export function partsOf(feeds: Record<string, Tensor>, rows: number, weigh: (y: Tensor) => number = (y) => y.dims[0]!): StepPart[] {
  const of = feeds["y"]!.dims[0]!;
  const whole = weigh(feeds["y"]!);
  const parts: StepPart[] = [];
  for (let from = 0; from < of; from += rows) {
    const to = Math.min(of, from + rows);
    const own = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, rowsOf(value, from, to)]));
    const share = weigh(own["y"]!) / whole;
    // What counts nothing has no mean: its loss would be 0 / 0.
    if (share > 0) parts.push({ share, feeds: { ...own, ...said({ share, from, of }) } });
  }
  const last = parts.at(-1);
  if (last) last.feeds[partNames.last] = bools([], [true]);
  return parts;
}

const said = ({ share, from, of }: { share: number; from: number; of: number }): Record<string, Tensor> => ({
  [partNames.share]: float32([], [share]),
  [partNames.last]: bools([], [false]),
  [partNames.from]: int64([], [from]),
  [partNames.of]: int64([], [of]),
});

function rowsOf({ dtype, dims, data }: Tensor, from: number, to: number): Tensor {
  const width = sizeOf(dims.slice(1));
  const [begin, end] = [from * width, to * width];
  return tensor(dtype, [to - from, ...dims.slice(1)], (Array.isArray(data) ? data.slice(begin, end) : data.subarray(begin, end)) as never);
}

/** Whether a step in parts gives the numbers of a whole one: not where statistics are taken of the rows that go through together. */
export const isSameInParts = (forward: Graph): boolean =>
  !forward.nodes.some((node) => node.type === "BatchNormalization" && Boolean(node.attrs["training_mode"]?.value));
