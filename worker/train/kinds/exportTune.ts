// What a fine-tuning leaves in the run's folder: the adapter as PEFT and as llama.cpp read it, each read back; or, where weights moved, these as safetensors with the
// model's other files named beside them.
import { mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { type Adapter, peftConfig, readPeft } from "../../formats/language/peft.ts";
import { openGguf } from "../../formats/language/gguf.ts";
import { openSafetensors } from "../../formats/language/safetensors.ts";
import { adapterNames } from "../../models/language/net.ts";
import { ggufAdapter, peftTensors } from "../../models/language/takeAway.ts";
import { tuningGraph } from "../../models/language/tune.ts";
import { rawBytes, type Tensor } from "../../tensor.ts";
import { writeAtomic, writeJson } from "../files.ts";
import { safetensors } from "../safetensors.ts";
import type { PreparedTune } from "./tune.ts";

/** Folder of a run that holds its adapter. */
export const adapterFolder = (run: string): string => join(run, "adapter");

/** @returns where what was learned lies */
export async function exportTune(path: string, prepared: PreparedTune, weights: ReadonlyMap<string, Tensor>): Promise<string> {
  const run = dirname(path);
  const { model, plan, base } = prepared;
  if (!plan.tune.method.endsWith("lora")) return exportWeights(join(run, "model.safetensors"), weights);
  const { rank, alpha, stabilised = false } = plan.tune.adapter;
  const adapter: Adapter = { rank, alpha, stabilised, layers: new Map() };
  for (const { layer, inputs, outputs } of tuningGraph(model, plan.tune).adapted) {
    const names = adapterNames(layer);
    const values = (name: string) => weights.get(name)!.data as Float32Array;
    adapter.layers.set(layer, { a: values(names.a), b: values(names.b), inputs, outputs });
  }
  const folder = adapterFolder(run);
  await mkdir(folder, { recursive: true });
  const tensors = peftTensors(model, adapter);
  await writeAtomic(join(folder, "adapter_model.safetensors"), ...safetensors(tensors, { format: "pt" }));
  await writeJson(join(folder, "adapter_config.json"), peftConfig(adapter, { base: basename(base), swapped: model.family.id === "gpt2" }));
  const gguf = join(folder, "adapter.gguf");
  await writeAtomic(gguf, ...ggufAdapter(model, adapter));
  compare(folder, gguf, tensors);
  return folder;
}

/** Both files read back hold what was learned. Throws internal where they do not. */
function compare(folder: string, gguf: string, tensors: ReadonlyMap<string, Tensor>): void {
  const back = readPeft(folder);
  const file = openGguf(gguf);
  const same = back.layers.size * 2 === tensors.size && file.infos.size === tensors.size;
  file.close();
  for (const [layer, { a, b }] of back.layers)
    for (const [part, values] of [
      ["A", a],
      ["B", b],
    ] as const) {
      const kept = tensors.get(`base_model.model.${layer}.lora_${part}.weight`)?.data as Float32Array | undefined;
      if (!same || kept?.length !== values.length || values.some((v, i) => v !== kept[i]))
        throw new AppError("internal", "The adapter that was written is not the one that was learned.", "Report this.", { layer });
    }
}

async function exportWeights(path: string, weights: ReadonlyMap<string, Tensor>): Promise<string> {
  await writeAtomic(path, ...safetensors(weights, { format: "pt" }));
  const file = openSafetensors(path);
  try {
    for (const [name, tensor] of weights)
      if (Buffer.compare(Buffer.from(file.bytes(name)), Buffer.from(rawBytes(tensor))) !== 0)
        throw new AppError("internal", `The weights '${name}' that were written are not those that were learned.`, "Report this.", {
          name,
        });
  } finally {
    file.close();
  }
  return path;
}
