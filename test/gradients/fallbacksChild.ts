// Run in a process of its own: steps of a net with two nodes that WebGPU has no kernel for, and what the session says of them; one JSON line.
import { Builder } from "../../worker/ops/builder.ts";
import { probeDevice } from "../../worker/run/device.ts";
import { OrtEngine } from "../../worker/run/onnxruntime.ts";
import { float32 } from "../../worker/tensor.ts";
import { trainingStep } from "../../worker/train/step.ts";

/** y = tanh(x · w), squared in float64 where asked. */
function step(double: boolean) {
  const g = new Builder("net");
  const x = g.input("x", "float32", ["B", 3]);
  const y = g.tanh(g.matmul(x, g.parameter("w", [3, 2], Float32Array.of(0.1, -0.2, 0.3, 0.4, -0.5, 0.6))));
  const squared = double ? g.cast(g.square(g.cast(y, "float64")), "float32") : g.square(y);
  g.output(g.reduceMean(squared, { keepdims: false }), "loss");
  return trainingStep(g.graph, { loss: "loss", optimizer: { name: "adam" }, device: "webgpu" });
}

const device = await probeDevice("webgpu");
if (!device.works) console.log(JSON.stringify({ skipped: device.why }));
else {
  const runs: Record<string, unknown> = {};
  for (const id of ["cpu", "webgpu"])
    for (const double of [false, true]) {
      const engine = new OrtEngine(id, { threads: 1 });
      const session = await engine.train(step(double), undefined);
      const before = session.fallbacks ?? null;
      const losses: number[] = [];
      for (let i = 0; i < 3; i++)
        losses.push(Number((await session.step({ x: float32([2, 3], [1, 2, 3, -1, 0.5, 2]) }, 0.05))["loss"]!.data[0]));
      runs[`${id} ${double ? "float64" : "float32"}`] = { before, after: session.fallbacks ?? null, losses };
      await engine.dispose();
    }
  console.log(JSON.stringify({ runs }));
}
process.exit(0);
