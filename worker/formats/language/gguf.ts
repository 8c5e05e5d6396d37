// A strict reader of GGUF, versions 2 and 3, little-endian. Counts, lengths, offsets, sizes and alignment are checked against the file's
// length before anything is taken from it. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { AppError } from "../../../ipc/error.ts";
import { type OpenFile, openBytes } from "./openBytes.ts";
import { bytesFor, type WeightFile, type WeightInfo, type WeightType } from "./weights.ts";

/** A value of the metadata: whole numbers beyond 2^53 stay bigint. */
export type GgufValue = number | bigint | boolean | string | GgufValue[];

export interface Gguf extends WeightFile {
  readonly version: number;
  /** The metadata as they stand in the file, for whoever copies them, and what weights are aligned to. */
  readonly raw: { readonly entries: number; readonly alignment: number; bytes(): Uint8Array };
  readonly metadata: ReadonlyMap<string, GgufValue>;
}

/** Numbers of the types as ggml counts them (enum ggml_type). */
const types: Record<number, WeightType> = {
  0: "F32",
  1: "F16",
  2: "Q4_0",
  3: "Q4_1",
  6: "Q5_0",
  7: "Q5_1",
  8: "Q8_0",
  12: "Q4_K",
  13: "Q5_K",
  14: "Q6_K",
  30: "BF16",
};
/** By name. */
export const typeNumbers = Object.fromEntries(Object.entries(types).map(([number, type]) => [type, Number(number)])) as Record<
  WeightType,
  number
>;
const otherTypes: Record<number, string> = {
  9: "Q8_1",
  10: "Q2_K",
  11: "Q3_K",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  20: "IQ4_NL",
  21: "IQ3_S",
  22: "IQ2_S",
  23: "IQ4_XS",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  34: "TQ1_0",
  35: "TQ2_0",
  39: "MXFP4",
};

const limits = {
  /** More metadata or tensors than any model has. */
  entries: 100_000,
  /** Elements of an array: vocabularies have up to some hundred thousand. */
  array: 16_000_000,
  /** Bytes of a name or key. */
  name: 65_535,
  /** Bytes of all that stands before the weights. */
  header: 512 * 2 ** 20,
  depth: 4,
};

/** Reads on through the header in pieces, every step within the file. */
class Cursor {
  at = 0;
  readonly #file: OpenFile;
  #piece: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #from = 0;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  /** A view of the next bytes; the position moves past them. */
  take(length: number, what: string): { view: DataView; at: number; bytes: Uint8Array } {
    if (this.at + length > this.#file.size || this.at + length > limits.header)
      throw invalid(
        this.#file,
        `ends within ${what}, at byte ${this.at}`,
        "The file was cut off or is damaged: copy or download it again.",
        this.at,
      );
    if (this.at < this.#from || this.at + length > this.#from + this.#piece.length) {
      this.#piece = this.#file.read(this.at, Math.min(this.#file.size - this.at, Math.max(length, 2 ** 20)));
      this.#view = new DataView(this.#piece.buffer);
      this.#from = this.at;
    }
    const at = this.at - this.#from;
    this.at += length;
    return { view: this.#view, at, bytes: this.#piece };
  }

  u32(what: string): number {
    const { view, at } = this.take(4, what);
    return view.getUint32(at, true);
  }

  u64(what: string): bigint {
    const { view, at } = this.take(8, what);
    return view.getBigUint64(at, true);
  }

  /** A count that is checked against what can be. */
  count(what: string, most: number): number {
    const from = this.at;
    const value = this.u64(what);
    if (value > BigInt(most)) throw invalid(this.#file, `says ${value} for ${what}, which cannot be`, undefined, from);
    return Number(value);
  }

  text(what: string, most: number): string {
    const length = this.count(`the length of ${what}`, Math.min(most, this.#file.size));
    const { bytes, at } = this.take(length, what);
    return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString("utf8");
  }
}

/**
 * @throws what opening throws; modelInvalid for a file that is no GGUF, is cut off or says what cannot be, with the byte; for types of weights that
 * are not read, their name
 */
export function openGguf(path: string): Gguf {
  const file = openBytes(path);
  try {
    return readHeader(file);
  } catch (thrown) {
    file.close();
    throw thrown;
  }
}

function readHeader(file: OpenFile): Gguf {
  const cursor = new Cursor(file);
  const magic = cursor.take(4, "its first four bytes");
  if (Buffer.from(magic.bytes.buffer, magic.at, 4).toString("latin1") !== "GGUF")
    throw invalid(file, "is no GGUF file", "Choose a .gguf file.", 0);
  const version = cursor.u32("its version");
  if (version === 0x03000000 || version === 0x02000000)
    throw invalid(file, "is a big-endian GGUF file", "Get the usual (little-endian) one.", 4);
  if (version !== 2 && version !== 3)
    throw invalid(file, `is GGUF version ${version}`, "Versions 2 and 3 are read: convert it with a current llama.cpp.", 4);
  const tensors = cursor.count("the number of tensors", limits.entries);
  const entries = cursor.count("the number of metadata entries", limits.entries);

  const metadata = new Map<string, GgufValue>();
  const start = cursor.at;
  for (let i = 0; i < entries; i++) {
    const from = cursor.at;
    const key = cursor.text(`the key of metadata entry ${i + 1}`, limits.name);
    if (metadata.has(key)) throw invalid(file, `has the metadata '${key}' twice`, undefined, from);
    metadata.set(key, value(cursor, file, cursor.u32(`the type of '${key}'`), `the metadata '${key}'`, 0));
  }

  const end = cursor.at;
  const alignment = metadata.get("general.alignment") ?? 32;
  if (typeof alignment !== "number" || alignment < 8 || alignment > 65_536 || alignment & (alignment - 1))
    throw invalid(file, `has the alignment ${shown(alignment)}`, "It must be a power of two from 8 to 65536.");

  const infos = new Map<string, WeightInfo>();
  const offsets = new Map<string, { offset: bigint; at: number }>();
  for (let i = 0; i < tensors; i++) {
    const from = cursor.at;
    const name = cursor.text(`the name of tensor ${i + 1}`, limits.name);
    if (infos.has(name)) throw invalid(file, `has the tensor '${name}' twice`, undefined, from);
    const rank = cursor.u32(`the rank of '${name}'`);
    if (rank < 1 || rank > 4) throw invalid(file, `says that '${name}' has ${rank} axes`, undefined, from);
    const dims = Array.from({ length: rank }, () => cursor.count(`a length of '${name}'`, 2 ** 40)).reverse(); // ggml names the innermost first
    const number = cursor.u32(`the type of '${name}'`);
    const offset = cursor.u64(`the offset of '${name}'`);
    const type = types[number];
    if (!type)
      throw invalid(
        file,
        `keeps '${name}' as ${otherTypes[number] ?? `type ${number}`}, which is not read`,
        `Choose a file in one of ${Object.values(types).join(", ")}.`,
        from,
      );
    const bytes = dims.includes(0) ? NaN : bytesFor(type, dims);
    if (!(bytes <= file.size))
      throw invalid(file, `says that '${name}' is ${dims.join(" × ")} of ${type}, which cannot be`, undefined, from);
    infos.set(name, { name, type, dims, bytes });
    offsets.set(name, { offset, at: from });
  }

  const base = Math.ceil(cursor.at / alignment) * alignment;
  const places = new Map<string, number>();
  for (const [name, { offset, at }] of offsets) {
    if (offset % BigInt(alignment))
      throw invalid(file, `keeps '${name}' at ${offset}, which is not a multiple of ${alignment}`, undefined, at);
    if (BigInt(base) + offset + BigInt(infos.get(name)!.bytes) > BigInt(file.size))
      throw invalid(file, `ends before the weights '${name}' do`, "The file was cut off: copy or download it again.", at);
    places.set(name, base + Number(offset));
  }
  refuseOverlaps(file, infos, places);
  return {
    version,
    metadata,
    raw: { entries, alignment, bytes: () => file.read(start, end - start) },
    infos,
    bytes(name) {
      const info = infos.get(name);
      if (!info) throw invalid(file, `has no tensor '${name}'`, "The model may be of another family, or incomplete.");
      return file.read(places.get(name)!, info.bytes);
    },
    close: () => file.close(),
  };
}

function refuseOverlaps(file: OpenFile, infos: ReadonlyMap<string, WeightInfo>, places: ReadonlyMap<string, number>): void {
  let end = 0;
  let last = "";
  for (const [name, place] of [...places].sort((a, b) => a[1] - b[1])) {
    if (place < end) throw invalid(file, `keeps '${last}' and '${name}' in the same place`);
    end = place + infos.get(name)!.bytes;
    last = name;
  }
}

/** Sizes of the plain types of the metadata by their number; 8 is text, 9 an array. */
const plain: Record<number, { bytes: number; read: (view: DataView, at: number) => number | bigint | boolean }> = {
  0: { bytes: 1, read: (v, at) => v.getUint8(at) },
  1: { bytes: 1, read: (v, at) => v.getInt8(at) },
  2: { bytes: 2, read: (v, at) => v.getUint16(at, true) },
  3: { bytes: 2, read: (v, at) => v.getInt16(at, true) },
  4: { bytes: 4, read: (v, at) => v.getUint32(at, true) },
  5: { bytes: 4, read: (v, at) => v.getInt32(at, true) },
  6: { bytes: 4, read: (v, at) => v.getFloat32(at, true) },
  7: { bytes: 1, read: (v, at) => v.getUint8(at) !== 0 },
  10: { bytes: 8, read: (v, at) => small(v.getBigUint64(at, true)) },
  11: { bytes: 8, read: (v, at) => small(v.getBigInt64(at, true)) },
  12: { bytes: 8, read: (v, at) => v.getFloat64(at, true) },
};
const small = (x: bigint): number | bigint => (x <= 2n ** 53n && x >= -(2n ** 53n) ? Number(x) : x);

function value(cursor: Cursor, file: OpenFile, type: number, what: string, depth: number): GgufValue {
  const kind = plain[type];
  if (kind) {
    const { view, at } = cursor.take(kind.bytes, what);
    return kind.read(view, at);
  }
  if (type === 8) return cursor.text(what, limits.header);
  if (type !== 9) throw invalid(file, `has the type ${type} for ${what}, which is not known`, undefined, cursor.at);
  if (depth >= limits.depth) throw invalid(file, `nests lists too deeply in ${what}`, undefined, cursor.at);
  const inner = cursor.u32(what);
  const count = cursor.count(`the length of ${what}`, limits.array);
  const least = plain[inner]?.bytes ?? 8; // texts and lists begin with a length
  if (cursor.at + count * least > file.size)
    throw invalid(file, `ends within ${what}`, "The file was cut off or is damaged: copy or download it again.", cursor.at);
  const list: GgufValue[] = [];
  for (let i = 0; i < count; i++) list.push(value(cursor, file, inner, what, depth + 1));
  return list;
}

const shown = (v: GgufValue): string => (Array.isArray(v) ? "a list" : String(v));

function invalid(
  file: OpenFile,
  what: string,
  hint = "The file is damaged or was made to do harm: get it again from where you trust.",
  at?: number,
) {
  return new AppError("modelInvalid", `${file.path} ${what}${at === undefined ? "" : ` (byte ${at})`}.`, hint, {
    file: file.path,
    ...(at !== undefined && { offset: at }),
  });
}
