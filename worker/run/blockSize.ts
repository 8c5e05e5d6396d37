// How many channels stand side by side in the runtime's blocked layout on this processor. The runtime does not tell, so it is tried: a
// convolution of numbers whose answer is known, with its weights laid out for each size.
import { InferenceSession as OrtSession, Tensor as OrtTensor } from "onnxruntime-node";
import { Graph } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/proto.ts";
import { blockedDomain } from "../passes/lowerings/blocked.ts";

const channels = 16;
let known: Promise<number> | undefined;

/** 16, 8, or 0 where there is no such layout. */
export function blockSize(): Promise<number> {
  known ??= (async () => {
    for (const size of [16, 8]) if (await answers(size)) return size;
    return 0;
  })();
  return known;
}

/** One pixel of 16 channels, and weights (16, 16) of small whole numbers, so that the sums are exact. */
async function answers(size: number): Promise<boolean> {
  const graph = new Graph("blocks");
  const dims = [1, channels, 1, 1];
  graph.addInput({ name: "x", dtype: "float32", dims });
  graph.addInput({ name: "w", dtype: "float32", dims: [channels, channels, 1, 1] });
  graph.addNode({ type: "ReorderInput", domain: blockedDomain, inputs: ["x"], outputs: ["ready"] });
  graph.addNode({
    type: "Conv",
    domain: blockedDomain,
    inputs: ["ready", "w"],
    outputs: ["made"],
    attrs: { kernel_shape: { type: "ints", value: [1, 1] } },
  });
  const attrs = { channels: { type: "int" as const, value: channels } };
  graph.addNode({ type: "ReorderOutput", domain: blockedDomain, inputs: ["made"], outputs: ["y"], attrs });
  graph.addOutput({ name: "y", dtype: "float32", dims });
  const weight = (m: number, c: number) => ((m * 7 + c * 3) % 11) - 5;
  const x = Float32Array.from({ length: channels }, (_, c) => (c % 5) - 2);
  const blocks = channels / size;
  const w = new Float32Array(channels * channels);
  for (let m = 0; m < channels; m++)
    for (let c = 0; c < channels; c++) {
      const block = Math.floor(m / size) * blocks + Math.floor(c / size);
      w[(block * size + (c % size)) * size + (m % size)] = weight(m, c);
    }
  let session: OrtSession | undefined;
  try {
    session = await OrtSession.create(encodeModel(graph), { intraOpNumThreads: 1, logSeverityLevel: 4 });
    const { y } = await session.run({ x: new OrtTensor("float32", x, dims), w: new OrtTensor("float32", w, [channels, channels, 1, 1]) });
    const expected = Array.from({ length: channels }, (_, m) => x.reduce((sum, v, c) => sum + v * weight(m, c), 0));
    return expected.every((v, m) => Number(y!.data[m]) === v);
  } catch {
    return false; // this build of the runtime has no such operators
  } finally {
    await session?.release();
  }
}
