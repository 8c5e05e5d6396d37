// Weights of few bits beside stock llama.cpp: a tiny Llama of random blocks of every type. llama.cpp's kernels round the activations too (to 8 bits a block,
// or 16 for float weights), which ours do not: so its own answer from the same weights unpacked to float32 is the measure, and how far its kernels
// are from that is shown beside.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getLlama, type Llama } from "node-llama-cpp";
import { typeNumbers } from "../../worker/formats/language/gguf.ts";
import { type GgufEntry, ggufParts, type GgufTensor } from "../../worker/formats/language/ggufWrite.ts";
import { toFloat32 } from "../../worker/formats/language/levels.ts";
import { blocks, bytesFor, type WeightType } from "../../worker/formats/language/weights.ts";
import { Random } from "../../worker/random.ts";
import { languageLogits } from "../../worker/run/languageLogits.ts";
import { halfBits } from "../../worker/tensor.ts";
import { gapOf, likely, quietLlama } from "../llamaCpp.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-quantised-"));
let llama: Llama;
beforeAll(async () => void (llama = await getLlama(quietLlama)));
afterAll(async () => {
  await llama.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const [width, layers, vocabulary] = [256, 2, 40];
/** Where a block keeps its scales as float16, and how large these may be for weights of about 1 / sqrt(width). */
const scales: Partial<Record<WeightType, readonly (readonly [at: number, size: number])[]>> = {
  Q4_0: [[0, 0.014]],
  Q4_1: [[0, 0.014], [2, -0.1]], // prettier-ignore
  Q5_0: [[0, 0.007]],
  Q5_1: [[0, 0.007], [2, -0.1]], // prettier-ignore
  Q8_0: [[0, 0.0009]],
  Q4_K: [[0, 0.0004], [2, 0.003]], // prettier-ignore
  Q5_K: [[0, 0.0002], [2, 0.003]], // prettier-ignore
  Q6_K: [[208, 0.00003]],
};

/** Random weights as the type keeps them. */
function drawn(type: WeightType, dims: readonly number[], random: Random): Uint8Array {
  const count = dims.reduce((product, d) => product * d, 1);
  const out = new Uint8Array(bytesFor(type, dims));
  const places = scales[type];
  if (!places) {
    const values = Float32Array.from({ length: count }, () => (random.uniform() - 0.5) * 0.2);
    if (type === "F32") return new Uint8Array(values.buffer);
    const bits = new Uint32Array(values.buffer);
    return new Uint8Array(Uint16Array.from(values, (v, i) => (type === "F16" ? halfBits(v) : bits[i]! >>> 16)).buffer);
  }
  for (let i = 0; i < out.length; i++) out[i] = Math.floor(random.uniform() * 256);
  const [, size] = blocks[type];
  for (let from = 0; from < out.length; from += size)
    for (const [at, largest] of places) {
      const half = halfBits(largest * (0.5 + random.uniform() / 2));
      out[from + at] = half & 255;
      out[from + at + 1] = half >> 8;
    }
  return out;
}

/** The model, its matrices of one type or what they are in float32. */
function write(type: WeightType, unpacked: boolean): string {
  const random = new Random(7, type);
  const text = (value: string): GgufEntry => ({ type: "text", value });
  const u32 = (value: number): GgufEntry => ({ type: "u32", value });
  const f32 = (value: number): GgufEntry => ({ type: "f32", value });
  const tokens = ["<unk>", "<s>", "</s>", ..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJK"];
  const metadata = new Map<string, GgufEntry>([
    ["general.architecture", text("llama")],
    ["llama.context_length", u32(64)],
    ["llama.embedding_length", u32(width)],
    ["llama.block_count", u32(layers)],
    ["llama.feed_forward_length", u32(width)],
    ["llama.attention.head_count", u32(4)],
    ["llama.attention.head_count_kv", u32(4)],
    ["llama.rope.dimension_count", u32(width / 4)],
    ["llama.attention.layer_norm_rms_epsilon", f32(1e-5)],
    ["tokenizer.ggml.model", text("gpt2")],
    ["tokenizer.ggml.pre", text("gpt-2")],
    ["tokenizer.ggml.tokens", { type: "texts", value: tokens }],
    ["tokenizer.ggml.token_type", { type: "i32s", value: tokens.map((_, i) => (i < 3 ? 3 : 1)) }],
    ["tokenizer.ggml.merges", { type: "texts", value: ["a b"] }],
    ["tokenizer.ggml.bos_token_id", u32(1)],
    ["tokenizer.ggml.eos_token_id", u32(2)],
  ]);
  const tensor = (name: string, dims: number[], of: WeightType): GgufTensor => {
    const bytes = drawn(of, dims, random);
    const floats = unpacked ? new Uint8Array(toFloat32({ type: of, dims }, bytes).buffer) : bytes;
    return { name, dims, type: typeNumbers[unpacked ? "F32" : of], bytes: floats.length, read: () => floats };
  };
  const norm = (name: string): GgufTensor => {
    const ones = new Uint8Array(new Float32Array(width).fill(1).buffer);
    return { name, dims: [width], type: 0, bytes: ones.length, read: () => ones };
  };
  const square = [width, width];
  const tensors = [
    tensor("token_embd.weight", [vocabulary, width], type),
    norm("output_norm.weight"),
    tensor("output.weight", [vocabulary, width], type),
  ];
  for (let i = 0; i < layers; i++)
    for (const part of ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down"])
      tensors.push(part.endsWith("norm") ? norm(`blk.${i}.${part}.weight`) : tensor(`blk.${i}.${part}.weight`, square, type));
  const path = join(folder, `${type}${unpacked ? "-unpacked" : ""}.gguf`);
  writeFileSync(path, Buffer.concat([...ggufParts(metadata, tensors)]));
  return path;
}

const ids = [1, 5, 9, 33, 12, 7, 20, 31];
/** How far llama.cpp's kernels may be from llama.cpp in float32, by the largest logit. */
const rounding: Partial<Record<WeightType, number>> = { F32: 1e-5, F16: 2e-3, BF16: 2e-2 };
test.each(Object.keys(typeNumbers) as WeightType[])("%s: the answer of llama.cpp from the same weights in float32", async (type) => {
  const [packed, unpacked] = [write(type, false), write(type, true)];
  const ours = await languageLogits(packed, [ids]);
  const plain = await languageLogits(unpacked, [ids]);
  const largest = Math.max(...plain.logits.map(Math.abs));
  expect(Math.max(...ours.logits.map((v, i) => Math.abs(v - plain.logits[i]!))) / largest).toBeLessThan(1e-5);
  const exact = await likely(llama, unpacked, ids);
  const rounded = await likely(llama, packed, ids);
  expect(await gapOf(packed, ids, exact.logs)).toBeLessThan(1e-5);
  const gap = await gapOf(packed, ids, rounded.logs);
  const own = Math.max(...[...rounded.logs].map(([token, log]) => Math.abs(log - exact.logs.get(token)!))) / largest;
  if (process.env["PADDOCK_TELL"])
    console.log(type, "ours from llama.cpp", gap.toExponential(1), "llama.cpp from itself in float32", own.toExponential(1));
  expect(gap).toBeLessThan(rounding[type] ?? 3e-2);
});
