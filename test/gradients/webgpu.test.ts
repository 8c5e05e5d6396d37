// The same rules on WebGPU, held against the CPU's gradients, and twenty training steps of three kinds of nets on both. In a child process, as
// the adapter is chosen by its environment: the system's own, else the software one that comes with Chromium.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../shared.ts";
import { distance } from "./check.ts";

interface Curve {
  losses: number[];
  states: Record<string, number[]>;
  answer: number[];
}

interface Report {
  skipped?: string;
  adapter: string;
  operators: Record<string, number | string>;
  nets: Record<string, Record<"cpu" | "webgpu", Curve> & { places: Record<string, string> }>;
}

const chromium = "/usr/lib/chromium";
const software = { VK_ICD_FILENAMES: join(chromium, "vk_swiftshader_icd.json"), LD_LIBRARY_PATH: chromium };
let folder = "";
let report: Report;

beforeAll(async () => {
  folder = mkdtempSync(join(root, "node_modules/.webgpu-"));
  const input = join(root, "test/gradients/webgpuChild.ts");
  await build({
    configFile: false,
    logLevel: "error",
    root,
    build: {
      ssr: input,
      outDir: folder,
      target: "node20",
      rollupOptions: { external: ["onnxruntime-node"], output: { entryFileNames: "child.mjs" } },
    },
  });
  report = await child({});
  if (report.skipped && existsSync(software.VK_ICD_FILENAMES)) report = await child(software);
}, 900_000); // a minute on a machine with nothing else to do

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function child(env: Record<string, string>): Promise<Report> {
  const told = join(folder, "report.json"); // the runtime's own words may stand between ours on stdout
  await promisify(execFile)(process.execPath, [join(folder, "child.mjs"), told], {
    cwd: root,
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 24,
  });
  return JSON.parse(readFileSync(told, "utf8")) as Report;
}

/** Sines of large angles differ between makers of GPUs. */
const loose: Record<string, number> = { Sin: 1e-3, Cos: 1e-3, Tan: 1e-4 };

test("gradients on WebGPU are those of the CPU", ({ skip }) => {
  if (report.skipped) skip(`no WebGPU adapter: ${report.skipped}`);
  for (const [type, distance] of Object.entries(report.operators)) {
    expect(distance, `${type}: ${distance}`).toBeTypeOf("number");
    expect(distance, type).toBeLessThan(loose[type] ?? 2e-5);
  }
  expect(Object.keys(report.operators).length).toBeGreaterThan(50);
});

const kinds = ["mlp", "convnet", "gpt"].map((name) => ({ name }));

test.for(kinds)("twenty steps of a small $name on WebGPU, the state kept there, give the CPU's losses", ({ name }, { skip }) => {
  if (report.skipped) skip(`no WebGPU adapter: ${report.skipped}`);
  const { cpu, webgpu, places } = report.nets[name]!;
  expect(webgpu.losses).toHaveLength(20);
  expect(cpu.losses.at(-1)!).toBeLessThan(0.8 * cpu.losses[0]!);
  webgpu.losses.forEach((loss, i) => expect(Math.abs(loss - cpu.losses[i]!), `step ${i}`).toBeLessThan(1e-3));
  for (const [state, values] of Object.entries(webgpu.states))
    expect(distance(values, cpu.states[state]!), `${name}: ${state}`).toBeLessThan(1e-3);
  expect(webgpu.answer).toHaveLength(name === "mlp" ? 36 : 0);
  if (name === "mlp") expect(distance(webgpu.answer, cpu.answer)).toBeLessThan(1e-4);
  const { loss, ...kept } = Object.fromEntries(
    Object.entries(places).filter(([output]) => !output.startsWith("copy:") && output !== "out"),
  );
  expect(loss).toBe("cpu");
  expect(Object.keys(kept).length).toBeGreaterThan(5);
  for (const [output, place] of Object.entries(kept)) expect(place, output).toBe(output === "next:t" ? "cpu" : "gpu-buffer");
});
