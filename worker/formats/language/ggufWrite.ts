// Writes GGUF version 3, little-endian, tensor after tensor. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
export type GgufEntry =
  | { type: "text"; value: string }
  | { type: "u32"; value: number }
  | { type: "f32"; value: number }
  | { type: "flag"; value: boolean }
  | { type: "texts"; value: readonly string[] }
  | { type: "f32s" | "i32s"; value: readonly number[] };

/** Metadata of a file that is copied. */
export interface RawMetadata {
  entries: number;
  alignment: number;
  bytes(): Uint8Array;
}

export interface GgufTensor {
  name: string;
  /** Outermost first. */
  dims: readonly number[];
  /** As ggml counts its types: 0 F32, 1 F16, 8 Q8_0. */
  type: number;
  bytes: number;
  /** The stored bytes, asked for when their turn has come. */
  read(): Uint8Array;
}

/** The parts of the file, one after another. */
export function* ggufParts(metadata: ReadonlyMap<string, GgufEntry> | RawMetadata, tensors: readonly GgufTensor[]): Generator<Uint8Array> {
  const raw = "entries" in metadata && typeof metadata.entries === "number" ? (metadata as RawMetadata) : undefined;
  const alignment = raw?.alignment ?? 32;
  const padded = (n: number): number => Math.ceil(n / alignment) * alignment;
  const own = raw ? [] : [...(metadata as ReadonlyMap<string, GgufEntry>)];
  const head: Uint8Array[] = [Buffer.from("GGUF", "latin1"), u32(3), u64(tensors.length), u64(raw?.entries ?? own.length)];
  if (raw) head.push(raw.bytes());
  for (const [key, entry] of own) head.push(text(key), value(entry));
  let offset = 0;
  for (const { name, dims, type, bytes } of tensors) {
    head.push(text(name), u32(dims.length), ...[...dims].reverse().map(u64), u32(type), u64(offset));
    offset += padded(bytes);
  }
  const header = Buffer.concat(head);
  yield header;
  yield new Uint8Array(padded(header.length) - header.length);
  for (const tensor of tensors) {
    const bytes = tensor.read();
    if (bytes.length !== tensor.bytes) throw new TypeError(`'${tensor.name}' has ${bytes.length} bytes, not ${tensor.bytes}`);
    yield bytes;
    yield new Uint8Array(padded(bytes.length) - bytes.length);
  }
}

function value(entry: GgufEntry): Buffer {
  switch (entry.type) {
    case "text":
      return Buffer.concat([u32(8), text(entry.value)]);
    case "u32":
      return Buffer.concat([u32(4), u32(entry.value)]);
    case "f32":
      return Buffer.concat([u32(6), Buffer.from(Float32Array.of(entry.value).buffer)]);
    case "flag":
      return Buffer.concat([u32(7), Buffer.from([entry.value ? 1 : 0])]);
    case "texts":
      return Buffer.concat([u32(9), u32(8), u64(entry.value.length), ...entry.value.map(text)]);
    case "f32s":
      return Buffer.concat([u32(9), u32(6), u64(entry.value.length), Buffer.from(Float32Array.from(entry.value).buffer)]);
    case "i32s":
      return Buffer.concat([u32(9), u32(5), u64(entry.value.length), Buffer.from(Int32Array.from(entry.value).buffer)]);
  }
}

const u32 = (n: number): Buffer => {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(n);
  return b;
};
const u64 = (n: number): Buffer => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(n));
  return b;
};
const text = (s: string): Buffer => {
  const bytes = Buffer.from(s, "utf8");
  return Buffer.concat([u64(bytes.length), bytes]);
};
