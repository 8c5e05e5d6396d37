// The footer of a Parquet file (FileMetaData in Thrift's compact protocol; parquet-format, parquet.thrift): walked in whole, with every
// number that the engine will trust held against the length of the file.
import { basename } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { bytesAt } from "./bytes.ts";
import { broken, tooLarge } from "./reader.ts";

/** A struct by field id, a list, a number, or bytes. */
type Value = Map<number, Value> | Value[] | bigint | Buffer | boolean;

const longestFooter = 256e6;
const mostRows = 4_000_000_000n;

/** Throws fileBroken with the place, fileTooLarge, or formatUnknown for an encrypted file. */
export async function checkParquet(file: string, bytes: number): Promise<void> {
  if (bytes < 12) throw broken(file, "it is too short for a Parquet file", `byte ${bytes}`);
  const tail = await bytesAt(file, bytes - 8, 8);
  const magic = tail.toString("latin1", 4);
  if (magic === "PARE")
    throw new AppError("formatUnknown", `${basename(file)} is encrypted.`, "Save the table without encryption.", { file: basename(file) });
  if (magic !== "PAR1") throw broken(file, "the end of the file is missing", `byte ${bytes - 4}`);
  const length = tail.readUInt32LE(0);
  if (length > bytes - 12) throw broken(file, "the footer is longer than the file", `byte ${bytes - 8}`);
  if (length > longestFooter) throw tooLarge(file, "its footer is too long");
  const at = bytes - 8 - length;
  const walk = new Walk(await bytesAt(file, at, length));
  let footer: Map<number, Value>;
  try {
    footer = walk.struct(0);
  } catch (error) {
    throw broken(file, "the footer cannot be read", `byte ${at + walk.at}`, error);
  }
  checkFooter(file, footer, BigInt(at));
}

function checkFooter(file: string, footer: Map<number, Value>, end: bigint): void {
  const wrong = (what: string): AppError => broken(file, what, "footer");
  const schema = listOf(footer.get(2));
  if (schema.length === 0) throw wrong("it lists no columns");
  // The tree of the schema stands in order: each element says how many of the following are its own.
  let open = 1n;
  let leaves = 0;
  for (const element of schema) {
    if (open < 1n) throw wrong("its list of columns is longer than it says");
    const children = numberOf(element.get(5)) ?? 0n;
    if (children < 0n || children > BigInt(schema.length)) throw wrong("its list of columns is no tree");
    if (!(element.get(4) instanceof Buffer)) throw wrong("a column has no name");
    open += children - 1n;
    const type = numberOf(element.get(1));
    if (type !== undefined && (type < 0n || type > 7n)) throw wrong(`a column has the unknown type ${type}`);
    if (children === 0n && element !== schema[0]) {
      if (type === undefined) throw wrong("a column has no type");
      leaves++;
      if (type === 7n && !((numberOf(element.get(2)) ?? 0n) > 0n)) throw wrong("a column of fixed length has none");
    }
    const repetition = numberOf(element.get(3));
    if (repetition !== undefined && (repetition < 0n || repetition > 2n)) throw wrong("a column repeats in an unknown way");
  }
  if (open !== 0n) throw wrong("its list of columns is shorter than it says");
  const rows = numberOf(footer.get(3)) ?? -1n;
  if (rows < 0n) throw wrong("it does not say how many rows there are");
  if (rows > mostRows) throw tooLarge(file, `it says that it has ${rows} rows`);
  let counted = 0n;
  for (const [g, group] of listOf(footer.get(4)).entries()) {
    const inGroup = numberOf(group.get(3)) ?? -1n;
    if (inGroup < 0n) throw wrong(`row group ${g} does not say how many rows it has`);
    counted += inGroup;
    const chunks = listOf(group.get(1));
    if (chunks.length !== leaves) throw wrong(`row group ${g} has ${chunks.length} columns where the table has ${leaves}`);
    for (const [c, chunk] of chunks.entries()) {
      const facts = chunk.get(3);
      if (!(facts instanceof Map)) throw wrong(`row group ${g}, column ${c} is not described`);
      const first = numberOf(facts.get(9)) ?? -1n;
      const dictionary = numberOf(facts.get(11)) ?? first;
      const size = numberOf(facts.get(7)) ?? -1n;
      const start = dictionary > 0n && dictionary < first ? dictionary : first;
      if (first < 4n || start < 4n || size < 0n || start + size > end || first > end)
        throw wrong(`row group ${g}, column ${c} lies outside of the file`);
      if ((numberOf(facts.get(5)) ?? -1n) < 0n) throw wrong(`row group ${g}, column ${c} does not say how many values it has`);
      const codec = numberOf(facts.get(4)) ?? -1n;
      if (codec < 0n || codec > 7n) throw wrong(`row group ${g}, column ${c} is compressed in an unknown way`);
    }
  }
  if (counted !== rows) throw wrong(`it says ${rows} rows, and its groups hold ${counted}`);
}

function listOf(value: Value | undefined): Map<number, Value>[] {
  return Array.isArray(value) ? value.filter((item) => item instanceof Map) : [];
}

function numberOf(value: Value | undefined): bigint | undefined {
  return typeof value === "bigint" ? value : undefined;
}

/** Thrift's compact protocol. Throws a plain Error where the bytes end or nest too deep. */
class Walk {
  at = 0;
  readonly #bytes: Buffer;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  struct(depth: number): Map<number, Value> {
    if (depth > 32) throw new Error("nested too deep");
    const fields = new Map<number, Value>();
    let id = 0;
    for (;;) {
      const head = this.#byte();
      if (head === 0) return fields;
      const delta = head >> 4;
      id = delta === 0 ? Number(this.#zigzag()) : id + delta;
      fields.set(id, this.#value(head & 15, depth, true));
    }
  }

  #value(type: number, depth: number, field: boolean): Value {
    switch (type) {
      case 1:
        return field ? true : this.#byte() === 1;
      case 2:
        return field ? false : this.#byte() === 1;
      case 3:
        return BigInt(this.#byte());
      case 4:
      case 5:
      case 6:
        return this.#zigzag();
      case 7:
        return this.#take(8);
      case 8:
        return this.#take(Number(this.#varint()));
      case 9:
      case 10:
        return this.#list(depth);
      case 11:
        return this.#map(depth);
      case 12:
        return this.struct(depth + 1);
      default:
        throw new Error(`no type ${type}`);
    }
  }

  #list(depth: number): Value[] {
    const head = this.#byte();
    const count = head >> 4 === 15 ? Number(this.#varint()) : head >> 4;
    if (count > this.#bytes.length - this.at) throw new Error("a list longer than the footer"); // an item takes a byte at least
    return Array.from({ length: count }, () => this.#value(head & 15, depth + 1, false));
  }

  #map(depth: number): Value[] {
    const count = Number(this.#varint());
    if (count === 0) return [];
    if (count > this.#bytes.length - this.at) throw new Error("a map longer than the footer");
    const types = this.#byte();
    return Array.from({ length: 2 * count }, (_, i) => this.#value(i % 2 ? types & 15 : types >> 4, depth + 1, false));
  }

  #byte(): number {
    const byte = this.#bytes[this.at];
    if (byte === undefined) throw new Error("the footer ends too early");
    this.at++;
    return byte;
  }

  #take(length: number): Buffer {
    if (!(length <= this.#bytes.length - this.at)) throw new Error("the footer ends too early");
    return this.#bytes.subarray(this.at, (this.at += length));
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new Error("a number without end");
  }

  #zigzag(): bigint {
    const value = this.#varint();
    return (value >> 1n) ^ -(value & 1n);
  }
}
