// Tensors as a safetensors file: 8 bytes length, JSON, raw little-endian data. https://github.com/huggingface/safetensors
import { safetensorsHead } from "../formats/language/safetensors.ts";
import { fromRawBytes, rawBytes, type Tensor } from "../tensor.ts";

const names = { float32: "F32", float64: "F64", float16: "F16", int64: "I64", int32: "I32", uint8: "U8", bool: "BOOL" } as const;
type Kept = keyof typeof names;

/** Our dtypes by the names of the format. */
export const dtypeOf = Object.fromEntries(Object.entries(names).map(([dtype, name]) => [name, dtype])) as Record<string, Kept>;

export interface SafetensorsEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** The parts of the file, one after another. */
export function safetensors(tensors: ReadonlyMap<string, Tensor>, metadata: Record<string, string> = {}): Uint8Array[] {
  const data = [...tensors.values()].map(rawBytes);
  const entries = [...tensors].map(([name, { dtype, dims }], i) => ({ name, dtype: names[dtype as Kept], dims, bytes: data[i]!.length }));
  return [safetensorsHead(entries, metadata), ...data];
}

/** The tensors of a file. Throws RangeError where it is damaged. */
export function readSafetensors(bytes: Uint8Array): Map<string, Tensor> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = bytes.length >= 8 ? Number(view.getBigUint64(0, true)) : Infinity;
  if (8 + length > bytes.length) throw new RangeError("its header is longer than the file");
  const { __metadata__: _, ...entries } = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString("utf8")) as Record<string, never>;
  const data = bytes.subarray(8 + length);
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape, data_offsets: at }] of Object.entries(entries as Record<string, SafetensorsEntry>)) {
    const kept = dtypeOf[dtype];
    if (!kept) throw new RangeError(`'${name}' is of the unknown type ${dtype}`);
    tensors.set(name, fromRawBytes(kept, shape, data.slice(...at)));
  }
  return tensors;
}
