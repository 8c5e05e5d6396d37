// One net's training step in this process: memory reckoned and measured, time, loss. Prints one JSON line. Arguments: net, batch, recompute (0, n or auto), steps.
import { seeded } from "../worker/ops/samples.ts";
import { OrtEngine } from "../worker/run/onnxruntime.ts";
import { fromNumbers, sizeOf, type Tensor } from "../worker/tensor.ts";
import { sessionBytes } from "../worker/train/forecast.ts";
import { peakMemory } from "../worker/train/memory.ts";
import { type OptimizerSpec, trainingStep } from "../worker/train/step.ts";
import { attention, convolutions, deep } from "./memoryNets.ts";

const nets = {
  "32 layers of 64, ReLU": { make: () => deep(32, 64, "relu"), optimizer: "sgd" },
  "4 layers of 1536, AdamW": { make: () => deep(4, 1536), optimizer: "adamw" },
  "8 attention blocks of 64, 64 tokens": { make: () => attention(8, 64, 64), optimizer: "adamw" },
  "10 convolutions of 16 at 32²": { make: () => convolutions(10, 16, 32), optimizer: "momentum" },
} as const;

const [name, batch, again, steps] = process.argv.slice(2) as [keyof typeof nets, string, string, string];
const B = Number(batch);
const { make, optimizer } = nets[name];
const recompute = again === "auto" ? again : Number(again);
const forward = make();
const step = trainingStep(forward, { loss: "loss", optimizer: { name: optimizer } as OptimizerSpec, ...(recompute && { recompute }) });
const random = seeded(5);
const feeds: Record<string, Tensor> = {};
for (const info of step.inputs) {
  const dims = info.dims.map((d) => (typeof d === "number" ? d : B));
  const whole = info.dtype === "int64";
  feeds[info.name] = fromNumbers(
    info.dtype,
    dims,
    Array.from({ length: sizeOf(dims) }, () => (whole ? Math.floor(random() * 5) : random() * 2 - 1)),
  );
}
const forecast = sessionBytes(step, undefined, { sizes: { B } });
global.gc?.();
const before = process.memoryUsage.rss();
const engine = new OrtEngine("cpu", { threads: 1 });
const session = await engine.train(step, undefined);
const times: number[] = [];
let loss = NaN;
for (let i = 0; i < Number(steps); i++) {
  const used = process.cpuUsage();
  loss = Number((await session.step(feeds, 1e-3))["loss"]!.data[0]);
  const { user, system } = process.cpuUsage(used);
  times.push((user + system) / 1000);
}
const measured = peakMemory() - before;
await engine.dispose();
console.log(JSON.stringify({ name, recompute, nodes: step.graph.nodes.length, loss, cpuMs: Math.min(...times), forecast, measured }));
process.exit(0);
