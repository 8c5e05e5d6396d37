// Time of one training step, by net: median, 10th and 90th percentile. Run with: node bench/step.mjs [--device cpu] [--threads N] [--steps N] [number of the net…]
import { parseArgs } from "node:util";
import { OrtEngine } from "../worker/run/onnxruntime.ts";
import { netBatch, nets, netStep } from "./nets.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    device: { type: "string", default: "cpu" },
    threads: { type: "string" },
    steps: { type: "string", default: "300" },
  },
});

const rows: Record<string, Record<string, string | number>> = {};
for (const [i, net] of nets.entries()) {
  if (positionals.length && !positionals.includes(String(i))) continue;
  const engine = new OrtEngine(values.device, values.threads ? { threads: Number(values.threads) } : {});
  const step = netStep(net);
  const opened = performance.now();
  const session = await engine.train(step, undefined);
  const open = performance.now() - opened;
  const feeds = netBatch(net);
  const times: number[] = [];
  let loss = 0;
  await session.step(feeds, 1e-3);
  const used = process.cpuUsage();
  for (let n = 0; n < Number(values.steps); n++) {
    const start = performance.now();
    loss = Number((await session.step(feeds, 1e-3))["loss"]!.data[0]);
    times.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(used);
  await engine.dispose();
  const sorted = times.slice(Math.floor(times.length / 5)).sort((a, b) => a - b);
  const at = (q: number) => Number(sorted[Math.floor(q * (sorted.length - 1))]!.toFixed(3));
  rows[net.name] = {
    "median ms": at(0.5),
    best: at(0),
    p10: at(0.1),
    p90: at(0.9),
    "cpu ms": Number(((user + system) / 1000 / times.length).toFixed(3)),
    "open ms": Math.round(open),
    nodes: step.graph.nodes.length,
    loss: loss.toPrecision(7),
  };
}
console.table(rows);
