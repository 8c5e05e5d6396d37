// A strict reader of safetensors: the header's length, names, shapes and offsets are checked against the file before a byte of weights is
// taken. https://github.com/huggingface/safetensors
import { AppError } from "../../../ipc/error.ts";
import { type OpenFile, openBytes } from "./openBytes.ts";
import { bytesFor, type WeightFile, type WeightInfo, type WeightType } from "./weights.ts";

const types: Record<string, WeightType> = { F32: "F32", F16: "F16", BF16: "BF16" };
/** As much as the reference implementation takes. */
const largestHeader = 100_000_000;
const mostTensors = 100_000;

export interface Safetensors extends WeightFile {
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * @param skip names of tensors that may be of other types, as nobody reads them (masks kept in old files)
 * @throws what opening throws; modelInvalid for a file that is none, is cut off or says what cannot be
 */
export function openSafetensors(path: string, skip: (name: string) => boolean = () => false): Safetensors {
  const file = openBytes(path);
  try {
    return read(file, skip);
  } catch (thrown) {
    file.close();
    throw thrown;
  }
}

function read(file: OpenFile, skip: (name: string) => boolean): Safetensors {
  if (file.size < 8) throw invalid(file, "is too short for a safetensors file");
  const length = new DataView(file.read(0, 8).buffer).getBigUint64(0, true);
  if (length > BigInt(Math.min(largestHeader, file.size - 8)))
    throw invalid(file, `says that its header has ${length} bytes, but ${file.size - 8} follow`);
  const header = parse(file, file.read(8, Number(length)));
  const base = 8 + Number(length);
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  if (entries.length > mostTensors) throw invalid(file, `names ${entries.length} tensors, more than any model has`);

  const infos = new Map<string, WeightInfo>();
  const places = new Map<string, number>();
  const spans: [from: number, to: number, name: string][] = [];
  for (const [name, entry] of entries) {
    const {
      dtype,
      shape,
      data_offsets: span,
    } = (isRecord(entry) ? entry : {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
    if (typeof dtype !== "string" || !isCounts(shape) || !isCounts(span) || span.length !== 2)
      throw invalid(file, `describes '${name}' in a way that is not safetensors`);
    const [from, to] = span as [number, number];
    if (from > to || base + to > file.size)
      throw invalid(file, `ends before the weights '${name}' do`, "The file was cut off: copy or download it again.");
    spans.push([from, to, name]);
    const type = types[dtype];
    if (!type) {
      if (skip(name) || !/^F|^BF/.test(dtype)) continue; // counts and masks are no weights
      throw invalid(file, `keeps '${name}' as ${dtype}, which is not read`, `Choose a model in one of ${Object.keys(types).join(", ")}.`);
    }
    const bytes = bytesFor(type, shape);
    if (bytes !== to - from)
      throw invalid(file, `gives '${name}' ${to - from} bytes, but its shape ${shape.join(" × ")} in ${dtype} takes ${bytes}`);
    infos.set(name, { name, type, dims: shape, bytes });
    places.set(name, base + from);
  }
  spans.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  for (let i = 1; i < spans.length; i++)
    if (spans[i]![0] < spans[i - 1]![1]) throw invalid(file, `keeps '${spans[i - 1]![2]}' and '${spans[i]![2]}' in the same place`);
  const told = header["__metadata__"];
  return {
    infos,
    metadata: isRecord(told) ? Object.fromEntries(Object.entries(told).filter((e): e is [string, string] => typeof e[1] === "string")) : {},
    bytes(name) {
      const info = infos.get(name);
      if (!info) throw invalid(file, `has no tensor '${name}'`, "The model may be of another family, or incomplete.");
      return file.read(places.get(name)!, info.bytes);
    },
    close: () => file.close(),
  };
}

function parse(file: OpenFile, bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isRecord(header)) return header;
  } catch {
    // said below
  }
  throw invalid(file, "has a header that is no JSON");
}

const isRecord = (x: unknown): x is Record<string, unknown> => typeof x === "object" && x !== null && !Array.isArray(x);
const isCounts = (x: unknown): x is number[] => Array.isArray(x) && x.length <= 8 && x.every((n) => Number.isSafeInteger(n) && n >= 0);

function invalid(file: OpenFile, what: string, hint = "The file is damaged or is no safetensors file: get it again.") {
  return new AppError("modelInvalid", `${file.path} ${what}.`, hint, { file: file.path });
}

/** What stands before the data: 8 bytes length and the JSON, padded so that the data are aligned. @param tensors in the order of their data */
export function safetensorsHead(
  tensors: Iterable<{ name: string; dtype: string; dims: readonly number[]; bytes: number }>,
  metadata: Record<string, string>,
): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let at = 0;
  for (const { name, dtype, dims, bytes } of tensors) {
    header[name] = { dtype, shape: [...dims], data_offsets: [at, at + bytes] };
    at += bytes;
  }
  let json = JSON.stringify(header);
  json += " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
  return Buffer.concat([length, Buffer.from(json)]);
}
