// Adapters from strangers: each is read or refused with its file and what is wrong with it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { adapterFor } from "../../models/language/takeAway.ts";
import { openLanguageModel } from "../../models/language/index.ts";
import { peftName, readPeft } from "./peft.ts";
import { shown } from "./shown.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-adapters-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const layer = "model.layers.0.self_attn.q_proj";
const config = { peft_type: "LORA", r: 2, lora_alpha: 4, target_modules: ["q_proj"] };
type Entry = { dtype: string; shape: number[]; data_offsets: number[] };
const header: Record<string, Entry> = {
  [peftName(layer, "A")]: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
  [peftName(layer, "B")]: { dtype: "F32", shape: [5, 2], data_offsets: [24, 64] },
};
/** Lists in lists: as text they would not come to an end. */
function deep(depth: number): unknown {
  let list: unknown = [];
  for (let i = 0; i < depth; i++) list = [list];
  return list;
}
let count = 0;
function adapter({
  config: told = config as object,
  header: head = header as object,
  data = Buffer.alloc(64, 0x3d) as Buffer,
  length = undefined as bigint | undefined,
} = {}): string {
  const path = join(folder, String(count++));
  mkdirSync(path);
  const text = Buffer.from(JSON.stringify(head));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(text.length));
  writeFileSync(join(path, "adapter_config.json"), JSON.stringify(told));
  writeFileSync(join(path, "adapter_model.safetensors"), Buffer.concat([size, text, data]));
  return path;
}
const [a, b] = [peftName(layer, "A"), peftName(layer, "B")];
const holding = (value: number): Buffer => {
  const data = Buffer.alloc(64, 0x3d);
  data.writeFloatLE(value, 32);
  return data;
};

test("a sound one is read", () => {
  expect(readPeft(adapter()).layers.get(layer)).toMatchObject({ inputs: 3, outputs: 5 });
});

describe("adapters that mean harm", () => {
  const cases: [string, Parameters<typeof adapter>[0], RegExp][] = [
    ...[0, -1, 1.5, 1e9, "8", null, {}, deep(2500), { toString: 1 }].map((r): (typeof cases)[number] => [`rank ${shown(r)}`, { config: { ...config, r } }, /rank/]),
    ["another rank than its weights", { config: { ...config, r: 3 } }, /rank/],
    ...[1e300, "4", null].map((lora_alpha): (typeof cases)[number] => [`alpha ${String(lora_alpha)}`, { config: { ...config, lora_alpha } }, /lora_alpha/]),
    ["another kind", { config: { ...config, peft_type: "LOHA" } }, /kind/],
    ["a setting that changes what it computes", { config: { ...config, use_dora: true } }, /use_dora/],
    ["targets that are numbers", { config: { ...config, target_modules: [1] } }, /target_modules/],
    ["no number", { data: holding(NaN) }, /finite/],
    ["an infinite one", { data: holding(-Infinity) }, /finite/],
    ["two in one place", { header: { ...header, [b]: { ...header[b]!, data_offsets: [0, 40] } } }, /place|overlap/],
    ["weights beyond the end", { header: { ...header, [b]: { ...header[b]!, data_offsets: [24, 6400] } } }, /ends before/],
    ["offsets the wrong way round", { header: { ...header, [b]: { ...header[b]!, data_offsets: [64, 24] } } }, /ends before/],
    ["another shape than its bytes", { header: { ...header, [b]: { ...header[b]!, shape: [5000, 2] } } }, /shape/],
    ["three axes", { header: { ...header, [a]: { ...header[a]!, shape: [2, 3, 1] } } }, /rank/],
    ["half of a pair", { header: { [a]: header[a] } }, /has no/],
    ["a tensor that is no part of one", { header: { ...header, "model.embed": { dtype: "F32", shape: [0], data_offsets: [64, 64] } } }, /no part|holds|cannot/],
    ["nothing", { header: {}, data: Buffer.alloc(0) }, /no adapter/],
    ["a header longer than the file", { length: 2n ** 50n }, /header/],
  ]; // prettier-ignore
  test.each(cases)("%s", (_, made, said) => {
    const path = adapter(made);
    expect(() => readPeft(path)).toThrow(expect.objectContaining({ code: "modelInvalid", message: expect.stringMatching(said) as string }));
  });

  test("one for another model is refused, by the layer that has no place", () => {
    const model = openLanguageModel(resolve(import.meta.dirname, "../../../test/references/language/llama"));
    const path = adapter();
    expect(() => adapterFor(model, readPeft(path), path)).toThrow(/another model/);
    model.close();
  });
});
