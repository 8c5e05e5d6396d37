// Run in a process of its own (the adapter is chosen by the environment before it starts, and a failed provider spoils its process): computes
// on WebGPU what its parent asks for, and prints one JSON line.
import { OrtEngine } from "../../worker/run/onnxruntime.ts";
import { probeDevice } from "../../worker/run/device.ts";
import { differentiable, distance, ruleGradients, samplesOf } from "./check.ts";
import { twentySteps } from "./steps.ts";

/** On a software adapter each shader takes a while to compile, so one sample an operator has to do unless all are asked for. */
const all = process.argv.includes("--all");
const device = await probeDevice("webgpu");
if (!device.works) console.log(JSON.stringify({ skipped: device.why }));
else {
  const gpu = new OrtEngine("webgpu");
  const cpu = new OrtEngine("cpu", { threads: 1 });
  const operators: Record<string, number | string> = {};
  for (const [type, entry] of differentiable) {
    let worst = 0;
    try {
      for (const sample of samplesOf(entry).slice(0, all ? undefined : 1)) {
        const here = await ruleGradients(gpu, type, sample, "float32");
        const there = await ruleGradients(cpu, type, sample, "float32");
        for (const [name, dx] of here) worst = Math.max(worst, distance(dx, there.get(name)!));
      }
      operators[type] = worst;
    } catch (thrown) {
      operators[type] = thrown instanceof Error ? thrown.message : String(thrown);
    }
  }
  const steps = { cpu: await twentySteps(cpu), webgpu: await twentySteps(gpu) };
  console.log(JSON.stringify({ adapter: device.why, operators, steps }));
  await gpu.dispose();
}
process.exit(0);
