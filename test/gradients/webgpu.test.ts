// The same rules on WebGPU, held against the CPU's gradients, and twenty training steps on both. In a child process, as the adapter is
// chosen by its environment: the system's own, else the software one that comes with Chromium. PADDOCK_ALL_SAMPLES=1 checks every sample.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../shared.ts";

interface Report {
  skipped?: string;
  adapter: string;
  operators: Record<string, number | string>;
  steps: Record<"cpu" | "webgpu", { losses: number[]; weights: number[]; evaluated: number[] }>;
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
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function child(env: Record<string, string>): Promise<Report> {
  const all = process.env["PADDOCK_ALL_SAMPLES"] ? ["--all"] : [];
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "child.mjs"), ...all], {
    cwd: root,
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 24,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Report;
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

test("twenty steps on WebGPU, the state kept there, give the CPU's losses and weights", ({ skip }) => {
  if (report.skipped) skip(`no WebGPU adapter: ${report.skipped}`);
  const { cpu, webgpu } = report.steps;
  expect(webgpu.losses).toHaveLength(20);
  webgpu.losses.forEach((loss, i) => expect(Math.abs(loss - cpu.losses[i]!), `step ${i}`).toBeLessThan(1e-4));
  webgpu.weights.forEach((w, i) => expect(Math.abs(w - cpu.weights[i]!), `weight ${i}`).toBeLessThan(1e-4));
  webgpu.evaluated.forEach((w, i) => expect(Math.abs(w - cpu.evaluated[i]!), `output ${i}`).toBeLessThan(1e-4));
});
