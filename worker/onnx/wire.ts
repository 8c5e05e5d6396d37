// Protocol buffers written from their end to their beginning: a message's length is then known when it is to be written, and nothing is copied or
// held twice. https://protobuf.dev/programming-guides/encoding
import { AppError } from "../../ipc/error.ts";

/** Protocol buffers end here. */
const mostBytes = 2 ** 31 - 1;
const encoder = new TextEncoder();
const varintType = 0;
const lengthType = 2;
const fixed32Type = 5;

/** Fields are written in descending order of their numbers, lists from their last item. As proto3 has it, zero and empty values are left out. */
export class BackwardWriter {
  #bytes: Uint8Array;
  #at: number;

  /** @param expected bytes that will probably be written */
  constructor(expected: number) {
    this.#bytes = new Uint8Array(Math.min(mostBytes, Math.max(64, expected)));
    this.#at = this.#bytes.length;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** What was written: a view of this writer's memory. */
  result(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  /** @param write writes the message's fields, the last one first */
  message(field: number, write: () => void): void {
    const before = this.length;
    write();
    this.#varint(this.length - before);
    this.#varint(field * 8 + lengthType);
  }

  string(field: number, text: string): void {
    if (text) this.item(field, text);
  }

  /** One item of a list of strings: written even where it is empty. */
  item(field: number, text: string): void {
    const before = this.length;
    this.#reserve(text.length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = text.length - 1; i >= 0; i--) {
      const code = text.charCodeAt(i);
      if (code > 127) return this.bytes(field, encoder.encode(text));
      bytes[--at] = code;
    }
    this.#at = at;
    this.#varint(this.length - before);
    this.#varint(field * 8 + lengthType);
  }

  bytes(field: number, data: Uint8Array): void {
    this.#reserve(data.length);
    this.#at -= data.length;
    this.#bytes.set(data, this.#at);
    this.#varint(data.length);
    this.#varint(field * 8 + lengthType);
  }

  /** int64 and what is smaller: a whole number, exact. */
  int(field: number, value: number | bigint): void {
    if (value === 0 || value === 0n) return;
    this.#int(value);
    this.#varint(field * 8 + varintType);
  }

  /** A member of a oneof, which is written even where it is 0. */
  member(field: number, value: number): void {
    this.#int(value);
    this.#varint(field * 8 + varintType);
  }

  float(field: number, value: number): void {
    if (Object.is(value, 0)) return;
    this.#float(value);
    this.#varint(field * 8 + fixed32Type);
  }

  ints(field: number, values: ArrayLike<number | bigint>): void {
    if (values.length) this.message(field, () => backward(values, (value) => this.#int(value)));
  }

  floats(field: number, values: ArrayLike<number>): void {
    if (values.length) this.message(field, () => backward(values, (value) => this.#float(value)));
  }

  #float(value: number): void {
    this.#reserve(4);
    this.#at -= 4;
    new DataView(this.#bytes.buffer).setFloat32(this.#at, value, true);
  }

  #int(value: number | bigint): void {
    if (typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return this.#varint(value);
    let rest = BigInt.asUintN(64, BigInt(value));
    const groups: number[] = [];
    do {
      groups.push(Number(rest & 127n));
      rest >>= 7n;
    } while (rest);
    this.#groups(groups);
  }

  /** A whole number from 0 to 2^53. */
  #varint(value: number): void {
    if (value < 128) {
      this.#reserve(1);
      this.#bytes[--this.#at] = value;
      return;
    }
    const groups: number[] = [];
    for (let rest = value; rest > 0; rest = Math.floor(rest / 128)) groups.push(rest % 128);
    this.#groups(groups);
  }

  /** Seven bits each, the lowest first; all but the last say that more follow. */
  #groups(groups: readonly number[]): void {
    this.#reserve(groups.length);
    for (let i = groups.length - 1; i >= 0; i--) this.#bytes[--this.#at] = groups[i]! + (i < groups.length - 1 ? 128 : 0);
  }

  #reserve(count: number): void {
    if (count <= this.#at) return;
    const { length } = this;
    if (length + count > mostBytes)
      throw new AppError(
        "modelInvalid",
        "The graph takes more than 2 GB; an ONNX file holds at most that.",
        "Train fewer weights (--wrt), or a smaller model.",
        { bytes: length + count },
      );
    const larger = new Uint8Array(Math.min(mostBytes, Math.max(length + count, Math.ceil(this.#bytes.length * 1.5))));
    larger.set(this.result(), larger.length - length);
    this.#bytes = larger;
    this.#at = larger.length - length;
  }
}

/** The items of a list from its last one. */
export function backward<T>(list: ArrayLike<T>, each: (item: T) => void): void {
  for (let i = list.length - 1; i >= 0; i--) each(list[i]!);
}
