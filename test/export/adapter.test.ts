// Adapters taken away: PEFT's files read back, llama.cpp's with rows in its order, and the merged weights saying the same as the adapter beside them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openGguf } from "../../worker/formats/language/gguf.ts";
import { toFloat32 } from "../../worker/formats/language/levels.ts";
import { type Adapter, peftConfig, readPeft } from "../../worker/formats/language/peft.ts";
import { openLanguageModel } from "../../worker/models/language/index.ts";
import { adapterFor, ggufAdapter, mergedWeight, peftTensors } from "../../worker/models/language/takeAway.ts";
import { Random } from "../../worker/random.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { logitsGraph } from "../../worker/run/languageLogits.ts";
import { int64 } from "../../worker/tensor.ts";
import { safetensors } from "../../worker/train/safetensors.ts";
import { root } from "../shared.ts";

const fixtures = join(root, "test/references/language");
const folder = process.env["PADDOCK_KEEP"] ?? mkdtempSync(join(tmpdir(), "paddock-adapter-"));
afterAll(() => void (process.env["PADDOCK_KEEP"] ?? rmSync(folder, { recursive: true, force: true })));

const rank = 3;
const layersOf: Record<string, string[]> = {
  llama: ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.k_proj", "model.layers.1.mlp.down_proj"],
  gpt2: ["h.0.attn.c_attn", "h.1.mlp.c_proj"],
  gpt_neox: ["gpt_neox.layers.0.attention.query_key_value"],
  bloom: ["h.1.self_attention.query_key_value"],
};

test.each(Object.entries(layersOf))("%s", async (name, names) => {
  const model = openLanguageModel(join(fixtures, name));
  const random = new Random(3, name);
  const drawn = (size: number) => Float32Array.from({ length: size }, () => random.normal() * 0.3);
  const adapter: Adapter = { rank, alpha: 6, stabilised: false, layers: new Map() };
  for (const layer of names) {
    const [outputs = 0, inputs = 0] = model.source.info(`${layer}.weight`).dims;
    adapter.layers.set(layer, { a: drawn(rank * inputs), b: drawn(rank * outputs), inputs, outputs });
  }

  // PEFT's folder
  const peft = folder;
  writeFileSync(join(peft, "adapter_config.json"), JSON.stringify(peftConfig(adapter, { base: name, swapped: name === "gpt2" })));
  writeFileSync(join(peft, "adapter_model.safetensors"), Buffer.concat(safetensors(peftTensors(model, adapter))));
  const back = adapterFor(model, readPeft(peft), peft);
  expect([...back.layers].map(([layer, { a, b }]) => [layer, [...a], [...b]])).toEqual(
    [...adapter.layers].map(([layer, { a, b }]) => [layer, [...a], [...b]]),
  );
  const other = openLanguageModel(join(fixtures, "qwen3"));
  expect(() => adapterFor(other, readPeft(peft), peft)).toThrow(/another model/);
  other.close();

  // llama.cpp's file
  const path = join(folder, `${name}-lora.gguf`);
  writeFileSync(path, Buffer.concat([...ggufAdapter(model, adapter)]));
  const file = openGguf(path);
  expect(file.metadata.get("adapter.lora.alpha")).toBe(6);
  for (const [layer, { b, outputs }] of adapter.layers) {
    const place = model.family.inGguf(`${layer}.weight`, model.config)!;
    const info = file.infos.get(`${place.names[0]}.lora_b`)!;
    expect(info.dims).toEqual([outputs, rank]);
    const values = toFloat32(info, file.bytes(info.name));
    const row = (v: Float32Array, i: number) => [...v.subarray(i * rank, (i + 1) * rank)];
    for (let i = 0; i < outputs; i++) expect(row(values, place.rows?.(i) ?? i)).toEqual(row(b, i));
  }
  file.close();

  // the merged weights
  const engine = await openEngine("cpu");
  const tokens = [5, 9, 33, 12, 7];
  const say = async (options: Parameters<typeof logitsGraph>[3]) => {
    const session = await engine.load(logitsGraph(model, 1, tokens.length, options));
    const { logits } = await session.run({ ids: int64([1, tokens.length], tokens) });
    return logits!.data as Float32Array;
  };
  const given = new Map(
    [...adapter.layers].flatMap(([layer, { a, b }]) => [[`${layer}.lora_A.weight`, a] as const, [`${layer}.lora_B.weight`, b] as const]),
  );
  const beside = await say({ adapter: { rank, alpha: 6, seed: 1, given, targets: (layer) => adapter.layers.has(layer) } });
  const merged = await say({ given: new Map(names.map((layer) => [`${layer}.weight`, mergedWeight(model, adapter, layer)])) });
  const plain = await say({});
  const scale = Math.max(...merged.map(Math.abs));
  expect(Math.max(...merged.map((v, i) => Math.abs(v - beside[i]!))) / scale).toBeLessThan(1e-5);
  expect(Math.max(...merged.map((v, i) => Math.abs(v - plain[i]!))) / scale).toBeGreaterThan(1e-3);
  if (process.env["PADDOCK_KEEP"]) writeFileSync(join(folder, `${name}.json`), JSON.stringify({ tokens, last: [...beside.slice(-40)] }));
  await engine.dispose();
  model.close();
});
