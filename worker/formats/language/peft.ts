// Low-rank adapters as PEFT keeps them: a folder with adapter_config.json and adapter_model.safetensors.
// https://github.com/huggingface/peft, src/peft/tuners/lora
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { toFloat32 } from "./levels.ts";
import { readJson } from "./huggingface.ts";
import { openSafetensors } from "./safetensors.ts";
import { shown } from "./shown.ts";

export interface Adapter {
  rank: number;
  alpha: number;
  /** scale = alpha / sqrt(rank) instead of alpha / rank. */
  stabilised: boolean;
  /** By the layer's name within the model, as transformers has it: A (rank, inputs), B (outputs, rank). */
  layers: Map<string, { a: Float32Array; b: Float32Array; inputs: number; outputs: number }>;
}

export const scaleOf = ({ rank, alpha, stabilised }: Pick<Adapter, "rank" | "alpha" | "stabilised">): number =>
  alpha / (stabilised ? Math.sqrt(rank) : rank);

/** Beyond what any adapter scales by: it would drown the model. */
const mostAlpha = 1e6;

const start = "base_model.model.";
export const peftName = (layer: string, part: "A" | "B"): string => `${start}${layer}.lora_${part}.weight`;

/** Settings that change what an adapter computes, with the value that leaves it as it is. */
const plain: Record<string, (value: unknown) => boolean> = {
  use_dora: (v) => !v,
  lora_bias: (v) => !v,
  bias: (v) => v === undefined || v === "none",
  modules_to_save: (v) => v === null || v === undefined || (Array.isArray(v) && v.length === 0),
  layer_replication: (v) => v === null || v === undefined,
  alpha_pattern: (v) => !v || Object.keys(v).length === 0,
  rank_pattern: (v) => !v || Object.keys(v).length === 0,
  trainable_token_indices: (v) => v === null || v === undefined,
};

/** adapter_config.json alone: what a run begins with. Throws fileMissing, modelInvalid. */
export function readPeftConfig(folder: string): { rank: number; alpha: number; stabilised: boolean; targets: string[] | string } {
  const path = join(folder, "adapter_config.json");
  const config = readJson(folder, "adapter_config.json");
  if (!config)
    throw new AppError("fileMissing", `The folder '${folder}' has no adapter_config.json.`, "Choose the folder of a PEFT adapter.", {
      file: path,
    });
  if (config["peft_type"] !== "LORA")
    throw invalid(path, `is an adapter of the kind ${shown(config["peft_type"])}`, "Adapters of the kind LORA are taken.");
  for (const [name, fits] of Object.entries(plain))
    if (!fits(config[name])) throw invalid(path, `sets '${name}', which is not known here`, "Save the adapter without it.");
  const { r: rank, lora_alpha: alpha, target_modules: targets, use_rslora } = config;
  if (typeof rank !== "number" || !Number.isInteger(rank) || rank < 1 || rank > 4096)
    throw invalid(path, `says ${shown(rank)} for the rank r`);
  if (typeof alpha !== "number" || !(Math.abs(alpha) <= mostAlpha)) throw invalid(path, `says ${shown(alpha)} for lora_alpha`);
  const named = Array.isArray(targets) && targets.every((t) => typeof t === "string") ? (targets as string[]) : targets;
  if (typeof named !== "string" && !(Array.isArray(named) && named.every((t) => typeof t === "string")))
    throw invalid(path, "does not say its target_modules");
  return { rank, alpha, stabilised: use_rslora === true, targets: named as string[] | string };
}

/** A whole PEFT folder. Throws what reading throws; modelInvalid where A and B do not fit each other. */
export function readPeft(folder: string): Adapter {
  const { rank, alpha, stabilised } = readPeftConfig(folder);
  const path = join(folder, "adapter_model.safetensors");
  const file = openSafetensors(path);
  try {
    const layers: Adapter["layers"] = new Map();
    for (const name of file.infos.keys()) {
      const layer = /^base_model\.model\.(.+)\.lora_A\.weight$/.exec(name)?.[1];
      if (layer === undefined) {
        if (/\.lora_B\.weight$/.test(name)) continue;
        throw invalid(path, `holds '${name}', which is no part of an adapter of rank ${rank}`, "Save the adapter again by PEFT.");
      }
      const [a, b] = [file.infos.get(name)!, file.infos.get(peftName(layer, "B"))];
      if (!b) throw invalid(path, `has no '${peftName(layer, "B")}'`);
      if (a.dims.length !== 2 || b.dims.length !== 2 || a.dims[0] !== rank || b.dims[1] !== rank)
        throw invalid(path, `keeps '${layer}' as ${a.dims.join(" × ")} and ${b.dims.join(" × ")}, which is not of rank ${rank}`);
      const [first, second] = [toFloat32(a, file.bytes(a.name)), toFloat32(b, file.bytes(b.name))];
      for (const factor of [first, second])
        if (!factor.every(Number.isFinite)) throw invalid(path, `holds something in '${layer}' that is no finite number`);
      layers.set(layer, {
        a: first,
        b: second,
        inputs: a.dims[1]!,
        outputs: b.dims[0]!,
      });
    }
    if (!layers.size) throw invalid(path, "holds no adapter");
    return { rank, alpha, stabilised, layers };
  } finally {
    file.close();
  }
}

/** adapter_config.json for an adapter. @param swapped whether the adapted layers keep their weights as (inputs, outputs), as GPT-2 does */
export function peftConfig(adapter: Adapter, { base, swapped }: { base: string; swapped: boolean }): Record<string, unknown> {
  return {
    base_model_name_or_path: base,
    bias: "none",
    fan_in_fan_out: swapped,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: adapter.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: adapter.rank,
    target_modules: [...new Set([...adapter.layers.keys()].map((layer) => layer.slice(layer.lastIndexOf(".") + 1)))].sort(),
    task_type: "CAUSAL_LM",
    use_rslora: adapter.stabilised,
  };
}

function invalid(file: string, what: string, hint = "The adapter is damaged: copy its folder again."): AppError {
  return new AppError("modelInvalid", `${file} ${what}.`, hint, { file });
}
