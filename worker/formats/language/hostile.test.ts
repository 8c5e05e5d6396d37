// Damaged and malicious model files: each is read or refused with the file and what to do, never a crash, a hang or memory without bound.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { AppError } from "../../../ipc/error.ts";
import { openLanguageModel } from "../../models/language/index.ts";
import { Random } from "../../random.ts";
import { openGguf } from "./gguf.ts";
import { looksLikeLanguageModel, openLanguageFile } from "./open.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-hostile-models-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fixtures = resolve(import.meta.dirname, "../../../test/references/language");
const whole = readFileSync(join(fixtures, "llama.gguf"));

function refusal(read: () => unknown): AppError {
  try {
    read();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error("it was not refused");
}

/** Opens and reads everything; what is thrown is an AppError that names the file. */
function tryWhole(path: string): void {
  try {
    const file = openLanguageFile(path);
    for (const name of file.infos.keys()) file.bytes(name);
    file.close();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AppError);
    const { message, hint, code } = thrown as AppError;
    expect(["modelInvalid", "fileMissing", "fileEmpty"]).toContain(code);
    expect(message).toContain(folder);
    expect(hint).not.toBe("");
  }
}

const written = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

/** A GGUF header: magic, version, counts, then the given parts. */
function header({ version = 3, tensors = 0n, entries = 0n, rest = Buffer.alloc(0) as Buffer } = {}): Buffer {
  const start = Buffer.alloc(24);
  start.write("GGUF", "latin1");
  start.writeUInt32LE(version, 4);
  start.writeBigUInt64LE(tensors, 8);
  start.writeBigUInt64LE(entries, 16);
  return Buffer.concat([start, rest]);
}
const text = (s: string): Buffer => Buffer.concat([u64(BigInt(Buffer.byteLength(s))), Buffer.from(s)]);
const u32 = (n: number): Buffer => Buffer.from(Uint32Array.of(n).buffer);
const u64 = (n: bigint): Buffer => Buffer.from(BigUint64Array.of(n).buffer);
const tensor = (name: string, dims: bigint[], type: number, offset: bigint) =>
  Buffer.concat([text(name), u32(dims.length), ...dims.map(u64), u32(type), u64(offset)]);

describe("GGUF", () => {
  const cases: [string, Buffer, RegExp][] = [
    ["no GGUF", Buffer.from("PK\x03\x04 and more"), /no GGUF/],
    ["another version", header({ version: 99 }), /version 99/],
    ["big-endian", header({ version: 0x03000000 }), /big-endian/],
    ["absurd count of tensors", header({ tensors: 2n ** 60n }), /tensors, which cannot be/],
    ["absurd count of metadata", header({ entries: 2n ** 63n }), /metadata entries, which cannot be/],
    ["absurd length of a key", header({ entries: 1n, rest: u64(2n ** 62n) }), /which cannot be/],
    ["a list longer than the file", header({ entries: 1n, rest: Buffer.concat([text("a"), u32(9), u32(4), u64(10_000_000n)]) }), /ends within/],
    ["lists in lists in lists", header({ entries: 1n, rest: Buffer.concat([text("a"), u32(9), ...Array.from({ length: 20 }, () => Buffer.concat([u32(9), u64(1n)]))]) }), /too deeply/], // prettier-ignore
    ["an unknown type of value", header({ entries: 1n, rest: Buffer.concat([text("a"), u32(77)]) }), /type 77/],
    ["an alignment of 0", header({ entries: 1n, rest: Buffer.concat([text("general.alignment"), u32(4), u32(0)]) }), /alignment 0/],
    ["an alignment of 33", header({ entries: 1n, rest: Buffer.concat([text("general.alignment"), u32(4), u32(33)]) }), /alignment 33/],
    ["a product of lengths beyond numbers", header({ tensors: 1n, rest: tensor("w", [2n ** 39n, 2n ** 39n], 0, 0n) }), /cannot be/],
    ["a length of 0", header({ tensors: 1n, rest: tensor("w", [0n], 0, 0n) }), /cannot be/],
    ["five axes", header({ tensors: 1n, rest: tensor("w", [1n, 1n, 1n, 1n, 1n], 0, 0n) }), /5 axes/],
    ["a type that is not read", header({ tensors: 1n, rest: tensor("w", [256n], 16, 0n) }), /IQ2_XXS/],
    ["part of a block", header({ tensors: 1n, rest: tensor("w", [33n], 8, 0n) }), /cannot be/],
    ["an offset off the alignment", header({ tensors: 1n, rest: Buffer.concat([tensor("w", [1n], 0, 5n), Buffer.alloc(99)]) }), /multiple of 32/],
    ["weights beyond the end", header({ tensors: 1n, rest: tensor("w", [8n], 0, 2n ** 63n) }), /ends before/],
    ["two in one place", header({ tensors: 2n, rest: Buffer.concat([tensor("a", [64n], 0, 0n), tensor("b", [64n], 0, 32n), Buffer.alloc(999)]) }), /same place/],
    ["one name twice", header({ tensors: 2n, rest: Buffer.concat([tensor("a", [8n], 0, 0n), tensor("a", [8n], 0, 32n), Buffer.alloc(999)]) }), /twice/],
  ]; // prettier-ignore
  test.each(cases)("%s", (name, bytes, said) => {
    const path = written(`${name}.gguf`, bytes);
    const error = refusal(() => openGguf(path));
    expect(error.message).toMatch(said);
    expect(error.message).toContain(path);
  });

  test("cut off anywhere", () => {
    for (let at = 1; at < whole.length; at += 997) {
      const path = written("cut.gguf", whole.subarray(0, at));
      expect(refusal(() => openGguf(path)).message).toContain(path);
    }
  });

  test("500 random damages", () => {
    const random = new Random(7);
    for (let n = 0; n < 500; n++) {
      const bytes = Buffer.from(whole);
      const header = 2500; // most damages where the sizes are
      for (let k = 0; k < 1 + (n % 4); k++) bytes[Math.floor(random.uniform() * (n % 3 ? header : bytes.length))] = random.next() & 255;
      tryWhole(written("damaged.gguf", bytes));
    }
  });
});

describe("Hugging Face folders", () => {
  const copy = (name: string): string => {
    const path = join(folder, name);
    cpSync(join(fixtures, "llama"), path, { recursive: true });
    return path;
  };
  const damaged = (
    name: string,
    edit: (header: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>) => void,
  ): string => {
    const path = copy(name);
    const file = join(path, "model.safetensors");
    const bytes = readFileSync(file);
    const length = Number(bytes.readBigUInt64LE(0));
    const json = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<string, never>;
    edit(json);
    const text = Buffer.from(JSON.stringify(json));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(file, Buffer.concat([size, text, bytes.subarray(8 + length)]));
    return path;
  };
  const cases: [string, () => string, RegExp][] = [
    ["offsets beyond the end", () => damaged("beyond", (h) => (h["lm_head.weight"]!.data_offsets[1]! += 1e9)), /ends before/],
    ["offsets the wrong way round", () => damaged("back", (h) => h["lm_head.weight"]!.data_offsets.reverse()), /ends before/],
    ["two in one place", () => damaged("over", (h) => (h["model.norm.weight"]!.data_offsets = h["model.layers.0.input_layernorm.weight"]!.data_offsets)), /same place/],
    ["another shape", () => damaged("shape", (h) => (h["lm_head.weight"]!.shape = [1, 2, 3])), /its shape/],
    ["negative lengths", () => damaged("negative", (h) => (h["lm_head.weight"]!.shape = [-1, -40])), /not safetensors/],
    ["an index that leaves the folder", () => withIndex("leaves", "../llama/model.safetensors"), /not in its folder/],
    ["an index that names an absolute path", () => withIndex("absolute", "/etc/passwd"), /not in its folder/],
    ["a link to another folder", () => linked("linked"), /link/],
    ["a part that is not there", () => withIndex("absent", "model-00001-of-00002.safetensors"), /not in/],
    ["a header that is no JSON", () => noJson("json"), /no JSON/],
    ["a header longer than the file", () => longHeader("long"), /header has/],
    ["config.json that is a list", () => otherConfig("list", "[1]"), /not a JSON object/],
  ]; // prettier-ignore
  const withIndex = (name: string, target: string) => {
    const path = copy(name);
    writeFileSync(join(path, "model.safetensors.index.json"), JSON.stringify({ weight_map: { "lm_head.weight": target } }));
    return path;
  };
  const linked = (name: string) => {
    const path = copy(name);
    mkdirSync(join(folder, "other"), { recursive: true });
    cpSync(join(path, "model.safetensors"), join(folder, "other/model.safetensors"));
    rmSync(join(path, "model.safetensors"));
    symlinkSync(join(folder, "other/model.safetensors"), join(path, "model.safetensors"));
    return path;
  };
  const noJson = (name: string) => {
    const path = copy(name);
    writeFileSync(join(path, "model.safetensors"), Buffer.concat([u64(4n), Buffer.from("oops")]));
    return path;
  };
  const longHeader = (name: string) => {
    const path = copy(name);
    writeFileSync(join(path, "model.safetensors"), Buffer.concat([u64(2n ** 40n), Buffer.from("{}")]));
    return path;
  };
  const otherConfig = (name: string, config: string) => {
    const path = copy(name);
    writeFileSync(join(path, "config.json"), config);
    return path;
  };
  test.each(cases)("%s", (_, make, said) => {
    const path = make();
    const error = refusal(() => openLanguageFile(path));
    expect(error.message).toMatch(said);
    expect(error.message).toContain(path);
  });

  test("settings that nest without end are named, not written out", () => {
    const path = otherConfig("deep", `{"model_type": "llama", "hidden_size": ${"[".repeat(20_000)}1${"]".repeat(20_000)}}`);
    expect(refusal(() => openLanguageModel(path)).message).toMatch(/hidden_size/);
  });

  test("cut off anywhere", () => {
    const path = copy("cut");
    const file = join(path, "model.safetensors");
    for (let size = readFileSync(file).length - 1; size > 0; size -= 1009) {
      truncateSync(file, size);
      expect(refusal(() => openLanguageFile(path)).message).toContain(path);
    }
  });
});

test("a file of another kind, and one that is not there, are no language models", () => {
  expect(looksLikeLanguageModel(written("net.onnx", Buffer.from("x")))).toBe(false);
  expect(looksLikeLanguageModel(join(folder, "nowhere", "at all"))).toBe(false);
  expect(looksLikeLanguageModel(join(fixtures, "llama"))).toBe(true);
});
