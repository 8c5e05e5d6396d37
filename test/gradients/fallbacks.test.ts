// What a device cannot run goes to the processor, and the session says so. On WebGPU in a child process (see webgpu.test.ts).
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Fallback } from "../../ipc/types.ts";
import { root } from "../shared.ts";

interface Report {
  skipped?: string;
  runs: Record<string, { before: Fallback[] | null; after: Fallback[] | null; losses: number[] }>;
}

const chromium = "/usr/lib/chromium";
const software = { VK_ICD_FILENAMES: join(chromium, "vk_swiftshader_icd.json"), LD_LIBRARY_PATH: chromium, XDG_RUNTIME_DIR: "/tmp" };
let folder = "";
let report: Report;

beforeAll(async () => {
  folder = mkdtempSync(join(root, "node_modules/.fallbacks-"));
  await build({
    configFile: false,
    logLevel: "error",
    root,
    build: {
      ssr: join(root, "test/gradients/fallbacksChild.ts"),
      outDir: folder,
      target: "node20",
      rollupOptions: { external: ["onnxruntime-node"], output: { entryFileNames: "child.mjs" } },
    },
  });
  report = await child({});
  if (report.skipped && existsSync(software.VK_ICD_FILENAMES)) report = await child(software);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function child(env: Record<string, string>): Promise<Report> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "child.mjs")], {
    cwd: root,
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Report;
}

test("float64 on WebGPU falls back by node, is counted by operator, and gives the right numbers", ({ skip }) => {
  if (report.skipped) skip(`no WebGPU adapter: ${report.skipped}`);
  const { runs } = report;
  expect(runs["webgpu float64"]!.before).toBeNull(); // known after the first step
  const fallen = runs["webgpu float64"]!.after!;
  expect(fallen.map((f) => f.operator)).toContain("Mul");
  expect(fallen.every((f) => f.count >= 1)).toBe(true);
  expect(fallen.map((f) => f.operator)).not.toContain("Tanh");
  expect(fallen.map((f) => f.operator)).not.toContain("MatMul");
  for (const dtype of ["float32", "float64"])
    runs[`webgpu ${dtype}`]!.losses.forEach((loss, i) => expect(loss).toBeCloseTo(runs[`cpu ${dtype}`]!.losses[i]!, 5));
});

test("a net that the device has all kernels for leaves nothing to the processor, which itself has nothing to fall back to", ({ skip }) => {
  if (report.skipped) skip(`no WebGPU adapter: ${report.skipped}`);
  expect(report.runs["webgpu float32"]!.after).toEqual([]);
  expect(report.runs["cpu float64"]).toMatchObject({ before: [], after: [] });
});
