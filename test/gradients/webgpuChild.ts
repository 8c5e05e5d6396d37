// Run in a process of its own (the adapter is chosen by the environment before it starts, and a failed provider spoils its process): computes
// on WebGPU what its parent asks for, and writes one JSON record into the file that it is given.
import { writeFileSync } from "node:fs";
import { InferenceSession } from "onnxruntime-node";
import { OrtEngine } from "../../worker/run/onnxruntime.ts";
import { probeDevice } from "../../worker/run/device.ts";
import { differentiable, distance, ruleGradients, samplesOf } from "./check.ts";
import { curve, type Trial, trials } from "./trials.ts";

/** Where the outputs of the sessions lie, by name; what lay on the GPU at one run must lie there at every one. */
const places = new Map<string, string>();
const create = InferenceSession.create.bind(InferenceSession) as (...args: unknown[]) => Promise<InferenceSession>;
Object.assign(InferenceSession, {
  create: async (...args: unknown[]) => {
    const session = await create(...args);
    const run = session.run.bind(session) as (...given: unknown[]) => ReturnType<InferenceSession["run"]>;
    return Object.assign(session, {
      run: async (...given: unknown[]) => {
        const results = await run(...given);
        for (const [name, value] of Object.entries(results))
          places.set(name, [...new Set([...(places.get(name)?.split(" ") ?? []), value.location])].join(" "));
        return results;
      },
    });
  },
});

const device = await probeDevice("webgpu");
if (!device.works) writeFileSync(process.argv[2]!, JSON.stringify({ skipped: device.why }));
else {
  const gpu = new OrtEngine("webgpu");
  const cpu = new OrtEngine("cpu", { threads: 1 });
  const operators: Record<string, number | string> = {};
  for (const [type, entry] of differentiable) {
    let worst = 0;
    try {
      for (const sample of samplesOf(entry)) {
        const here = await ruleGradients(gpu, type, sample, "float32");
        const there = await ruleGradients(cpu, type, sample, "float32");
        for (const [name, dx] of here) worst = Math.max(worst, distance(dx, there.get(name)!));
      }
      operators[type] = worst;
    } catch (thrown) {
      operators[type] = thrown instanceof Error ? thrown.message : String(thrown);
    }
  }
  const nets: Record<string, unknown> = {};
  for (const [name, trial] of Object.entries(trials) as [string, Trial][]) {
    const there = await curve(cpu, trial);
    places.clear();
    nets[name] = { cpu: there, webgpu: await curve(gpu, trial), places: Object.fromEntries(places) };
  }
  writeFileSync(process.argv[2]!, JSON.stringify({ adapter: device.why, operators, nets }));
  await gpu.dispose();
}
process.exit(0);
