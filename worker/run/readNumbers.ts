// Tensors as people write them: nested lists of JSON, numbers between commas, spaces or lines, and NumPy's .npy files.
// The .npy format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { AppError } from "../../ipc/error.ts";
import type { ValueInfo } from "../onnx/graph.ts";
import { fromNumbers, sizeOf, strings, type Tensor } from "../tensor.ts";

/** Numbers and the lengths they are nested in; one axis where they are not nested. */
export interface Nested {
  dims: number[];
  values: (number | string | boolean)[];
}

const mostValues = 2 ** 25;
const mostAxes = 32;

/** Throws valueInvalid naming the input and what is wrong. */
export function readNested(text: string, input: string): Nested {
  const trimmed = text.trim();
  if (/^\[/.test(trimmed) || /^[-\d."tf]/.test(trimmed)) {
    try {
      return nested(JSON.parse(trimmed), input);
    } catch (thrown) {
      if (thrown instanceof AppError || trimmed.startsWith("[")) throw thrown instanceof AppError ? thrown : wrong(input, "it is not JSON");
    }
  }
  const rows = trimmed.split(/[\n;]+/).map((line) => line.trim().split(/[\s,]+/).filter(Boolean)); // prettier-ignore
  const values = rows.flat().map((word) => {
    const value = Number(word);
    if (word === "" || Number.isNaN(value)) throw wrong(input, `'${word.slice(0, 40)}' is not a number`);
    return value;
  });
  if (!values.length) throw wrong(input, "it has no numbers");
  const even = rows.length > 1 && rows.every((row) => row.length === rows[0]!.length);
  return { dims: even ? [rows.length, rows[0]!.length] : [values.length], values };
}

/** Nested lists of equal lengths. Throws valueInvalid. */
export function nested(value: unknown, input: string): Nested {
  const dims: number[] = [];
  for (let at = value; Array.isArray(at); at = at[0])
    if (dims.push(at.length) > mostAxes) throw wrong(input, `its lists are nested more than ${mostAxes} deep`);
  const values: Nested["values"] = [];
  const walk = (one: unknown, depth: number): void => {
    if (depth < dims.length) {
      if (!Array.isArray(one) || one.length !== dims[depth]) throw wrong(input, "its lists are not of equal lengths");
      for (const part of one) walk(part, depth + 1);
      return;
    }
    const plain = one === null ? NaN : one;
    if (typeof plain !== "number" && typeof plain !== "string" && typeof plain !== "boolean")
      throw wrong(input, "it holds something that is no number");
    if (values.push(plain) > mostValues) throw wrong(input, `it has more than ${mostValues} numbers`);
  };
  walk(value, 0);
  return { dims, values };
}

/** The tensor of that input: in the shape given where it fits the input's, else filled into the input's own shape. Throws valueInvalid, shapeMismatch. */
export function tensorFor(info: ValueInfo, { dims, values }: Nested, sizes: Readonly<Record<string, number>>): Tensor {
  const shape = shapeFor(info, dims, values.length, sizes);
  if (info.dtype === "string") return strings(shape, values.map(String));
  const numbers = values.map((v) => {
    const n = typeof v === "string" ? Number(v) : Number(v);
    if (typeof v === "string" && (v.trim() === "" || Number.isNaN(n))) throw wrong(info.name, `'${v.slice(0, 40)}' is not a number`);
    return n;
  });
  if (/int/.test(info.dtype)) {
    const odd = numbers.find((n) => !Number.isInteger(n));
    if (odd !== undefined) throw wrong(info.name, `${odd} is not a whole number, and it takes ${info.dtype}`);
  }
  return fromNumbers(info.dtype, shape, numbers);
}

function shapeFor(info: ValueInfo, dims: readonly number[], count: number, sizes: Readonly<Record<string, number>>): number[] {
  const asked = (d: number | string, axis: number) => (typeof d === "number" ? d : (sizes[`${info.name}.${axis}`] ?? sizes[d]));
  const fits = (shape: readonly number[]) =>
    shape.length === info.dims.length && info.dims.every((d, axis) => (typeof d === "number" ? d === shape[axis] : true));
  if (fits(dims)) return [...dims];
  if (fits([1, ...dims])) return [1, ...dims];
  // Flat numbers take the input's own shape; one length may follow from their count.
  const lengths = info.dims.map(asked);
  const open = lengths.flatMap((d, axis) => (d === undefined ? [axis] : []));
  const rest = lengths.reduce<number>((n, d) => n * (d ?? 1), 1);
  if (open.length && rest > 0 && count % rest === 0) return lengths.map((d, axis) => d ?? (axis === open.at(-1) ? count / rest : 1));
  if (!open.length && rest === count) return lengths as number[];
  throw new AppError(
    "shapeMismatch",
    `The input '${info.name}' takes ${info.dtype}[${info.dims.join(", ")}], and was given [${dims.join(", ")}].`,
    "Give as many numbers as its shape asks for.",
    { value: info.name },
  );
}

const kinds: Record<string, { bytes: number; read: (view: DataView, at: number) => number }> = {
  "<f4": { bytes: 4, read: (v, at) => v.getFloat32(at, true) },
  "<f8": { bytes: 8, read: (v, at) => v.getFloat64(at, true) },
  ">f4": { bytes: 4, read: (v, at) => v.getFloat32(at, false) },
  ">f8": { bytes: 8, read: (v, at) => v.getFloat64(at, false) },
  "<i8": { bytes: 8, read: (v, at) => Number(v.getBigInt64(at, true)) },
  "<i4": { bytes: 4, read: (v, at) => v.getInt32(at, true) },
  "<i2": { bytes: 2, read: (v, at) => v.getInt16(at, true) },
  "|i1": { bytes: 1, read: (v, at) => v.getInt8(at) },
  "|u1": { bytes: 1, read: (v, at) => v.getUint8(at) },
  "|b1": { bytes: 1, read: (v, at) => v.getUint8(at) },
  "<u2": { bytes: 2, read: (v, at) => v.getUint16(at, true) },
  "<u4": { bytes: 4, read: (v, at) => v.getUint32(at, true) },
};

/** An array of a .npy file. Throws fileBroken for anything but plain numbers in C order. */
export function readNpy(bytes: Buffer, file: string): Nested {
  const broken = (why: string) =>
    new AppError("fileBroken", `'${file}' cannot be read as a NumPy array: ${why}.`, "Save it with numpy.save, as numbers in C order.", {
      file,
    });
  if (bytes.length < 12 || bytes.toString("latin1", 0, 6) !== "\x93NUMPY") throw broken("it does not begin like one");
  const long = bytes[6]! > 1;
  const length = long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const from = (long ? 12 : 10) + length;
  if (from > bytes.length) throw broken("it was cut off");
  const header = bytes.toString("latin1", long ? 12 : 10, from);
  const kind = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? "";
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (!Object.hasOwn(kinds, kind) || shape === undefined) throw broken(`it holds '${kind || "something unknown"}'`);
  if (/'fortran_order':\s*True/.test(header)) throw broken("its order is that of Fortran");
  const dims = shape.split(",").map((part) => part.trim()).filter(Boolean).map(Number); // prettier-ignore
  if (!dims.every((length) => Number.isSafeInteger(length) && length >= 0)) throw broken("its shape is none");
  const size = sizeOf(dims);
  const { bytes: each, read } = kinds[kind]!;
  if (!Number.isSafeInteger(size) || size > mostValues || from + size * each > bytes.length)
    throw broken("its shape does not fit its length");
  const view = new DataView(bytes.buffer, bytes.byteOffset + from);
  return { dims, values: Array.from({ length: size }, (_, i) => read(view, i * each)) };
}

function wrong(input: string, why: string): AppError {
  return new AppError("valueInvalid", `What was given for '${input}' cannot be used: ${why}.`, "Write numbers, such as [1, 2.5, 3].", {
    column: input,
  });
}
