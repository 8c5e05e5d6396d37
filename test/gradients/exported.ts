// The graphs that PyTorch's two exporters wrote (test/references/models.py), with PyTorch's loss and gradients beside them.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { fromRawBytes, type DType, type Tensor, toNumbers } from "../../worker/tensor.ts";

interface Stored {
  dtype: Exclude<DType, "string">;
  dims: number[];
  base64: string;
}

export interface Exported {
  name: string;
  /** Paths of one net's graphs, one an exporter. */
  files: string[];
  loss: number;
  inputs: Record<string, Tensor>;
  gradients: Record<string, Tensor>;
}

/** Weights that two modules share: an exporter names them by either. */
const shared: Record<string, string> = { "wte.weight": "head.weight" };

const folder = fileURLToPath(new URL("../references/models/", import.meta.url));
const read = ({ dtype, dims, base64 }: Stored): Tensor => fromRawBytes(dtype, dims, Buffer.from(base64, "base64"));
const each = (stored: Record<string, Stored>) => Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, read(value)]));

export const exported: Exported[] = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => {
    const stored = JSON.parse(readFileSync(folder + file, "utf8")) as {
      files: string[];
      loss: number;
      inputs: Record<string, Stored>;
      gradients: Record<string, Stored>;
    };
    return {
      name: file.replace(".json", ""),
      files: stored.files.map((graph) => folder + graph),
      loss: stored.loss,
      inputs: each(stored.inputs),
      gradients: each(stored.gradients),
    };
  });

const norm = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

/** Loss within 1e-5, every gradient within 1e-4 of PyTorch's: norm of the difference over norm. */
export function expectPyTorchs({ loss, gradients }: Exported, found: { loss: number; slope(name: string): Tensor | undefined }): void {
  expect(Math.abs(found.loss / loss - 1)).toBeLessThan(1e-5);
  for (const [name, stored] of Object.entries(gradients)) {
    const wanted = toNumbers(stored);
    const got = found.slope(name) ?? found.slope(shared[name] ?? name);
    expect(got?.dims, name).toEqual(stored.dims);
    const gap = norm(toNumbers(got!).map((v, i) => v - wanted[i]!)) / Math.max(norm(wanted), 1e-6);
    expect(gap, `${name}: norm of the difference over norm`).toBeLessThan(1e-4);
  }
}
