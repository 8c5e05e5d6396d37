// Arrow's IPC files (Feather's second version) and streams, a batch at a time.
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import * as zlib from "node:zlib";
import type * as Arrow from "apache-arrow";
import { AppError } from "../../../ipc/error.ts";
import type { Problem } from "../../../ipc/types.ts";
import { nameColumns } from "../names.ts";
import { checkArrowFile, streamed } from "./arrowFrames.ts";
import { arrowText } from "./arrowText.ts";
import { bytesAt } from "./bytes.ts";
import { CleanCsv } from "./cleanCsv.ts";
import { lz4 } from "./lz4.ts";
import { broken, countRows, type Imported, leftOut, maxColumns, noDialect, noRows, onlyOne, type Reader, type ReadInput, tooLarge } from "./reader.ts"; // prettier-ignore

export const arrow: Reader = {
  id: "arrow",
  title: "an Arrow file",
  endings: [".arrow", ".feather", ".arrows", ".ipc"],
  text: false,
  accepts: (head, ending) =>
    head.toString("latin1", 0, 6) === "ARROW1" ||
    (head.length >= 8 &&
      head.readInt32LE(0) === -1 &&
      (arrow.endings.includes(ending) || (head.readInt32LE(4) > 0 && head.readInt32LE(4) < 1e6))),
  read,
};

/** Bytes that one compressed buffer may become. */
const mostBytes = 1_000_000_000;

interface Column {
  name: string;
  /** The child's place on the way down from the batch. */
  path: number[];
  type: Arrow.DataType;
}

async function read(input: ReadInput): Promise<Imported> {
  const { file, folder, scan, signal } = input;
  onlyOne(input, "an Arrow file");
  const library = await import("apache-arrow");
  register(library);
  const csv = await CleanCsv.open(folder);
  let row = 0;
  let handle: FileHandle | undefined;
  const frames = streamed(file, scan.bytes, input.onProgress);
  try {
    const isFile = (await bytesAt(file, 0, 6)).toString("latin1") === "ARROW1";
    if (isFile) {
      await checkArrowFile(file, scan.bytes, signal);
      handle = await open(file, "r");
    }
    const reader = await (handle ? library.RecordBatchReader.from(handle) : library.RecordBatchReader.from(frames));
    await reader.open();
    const told: Problem[] = [];
    const columns = leaves(library, reader.schema, told);
    if (columns.length > maxColumns) throw tooLarge(file, `the table has more than ${maxColumns} columns`);
    if (columns.length === 0)
      throw new AppError(
        "tableNoColumns",
        `${basename(file)} has no columns that can be read.`,
        "Choose a file with numbers, dates or words.",
        {
          file: basename(file),
        },
      );
    for await (const batch of reader) {
      const read = columns.map(({ path, type }) => {
        let vector: Arrow.Vector | null = batch.getChildAt(path[0]!);
        for (const place of path.slice(1)) vector = vector?.getChildAt(place) ?? null;
        if (!vector) throw new Error("a column is not there");
        checkOffsets(vector);
        return { vector, text: arrowText(library, type) };
      });
      for (let i = 0; i < batch.numRows; i++) {
        row++;
        const cells = read.map(({ vector, text }) => {
          const value: unknown = vector.get(i);
          return value === null || value === undefined ? null : text(value);
        });
        if (!csv.add(cells)) throw broken(file, "the row is longer than two million letters", `row ${row}`);
        if (csv.full) {
          await csv.flush();
          signal?.throwIfAborted();
        }
      }
    }
    if (csv.rows === 0) throw noRows(file);
    const { names, problems } = nameColumns(columns.map(({ name }) => name));
    const database = await csv.finish(folder, names.length, signal);
    return { database, names, problems: [...problems, ...told], rows: await countRows(database, file), dialect: noDialect };
  } catch (error) {
    await csv.abandon();
    if (error instanceof AppError || signal?.aborted) throw error;
    throw broken(
      file,
      `Arrow cannot read it (${error instanceof Error ? error.message.slice(0, 120) : String(error)})`,
      row > 0 ? `row ${row}` : undefined,
      error,
    );
  } finally {
    await handle?.close().catch(() => undefined); // Arrow may have closed it
    await frames.return(undefined); // where reading ended early it still holds the file
  }
}

/** The columns of the schema, structs taken apart; bytes are left out. */
function leaves({ DataType }: typeof Arrow, schema: Arrow.Schema, told: Problem[]): Column[] {
  const found: Column[] = [];
  const take = (fields: readonly Arrow.Field[], before: string, path: number[]): void => {
    for (const [i, field] of fields.entries()) {
      const name = before + field.name;
      const type = field.type as Arrow.DataType;
      if (DataType.isStruct(type) && path.length < 8) take(type.children, `${name}.`, [...path, i]);
      else if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isFixedSizeBinary(type))
        told.push(leftOut(name, "bytes"));
      else found.push({ name, path: [...path, i], type });
    }
  };
  take(schema.fields, "", []);
  return found;
}

/** Texts that begin before the one before has ended could be told a thousand times over. */
function checkOffsets(vector: Arrow.Vector): void {
  for (const data of vector.data) {
    const offsets = data.valueOffsets as Int32Array | BigInt64Array | undefined;
    if (!offsets) continue;
    if (offsets.length < data.length + 1 && data.length > 0) throw new Error("too few places of texts");
    for (let i = 1; i < offsets.length; i++) if (offsets[i]! < offsets[i - 1]!) throw new Error("places of texts that go back");
    const end = Number(offsets[data.length] ?? 0);
    const values = data.values as { length: number } | undefined;
    if (Number(offsets[0] ?? 0) < 0 || (values && end > values.length)) throw new Error("texts outside of their buffer");
  }
}

let registered = false;

/** How compressed buffers are read: LZ4 by lz4.ts; Zstandard where this Node has it (22.15 and later). */
function register({ compressionRegistry, CompressionType }: typeof Arrow): void {
  if (registered) return;
  registered = true;
  compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: (bytes) => lz4(bytes, mostBytes) });
  const zstd = (zlib as { zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer }).zstdDecompressSync;
  compressionRegistry.set(CompressionType.ZSTD, {
    decode(bytes) {
      if (zstd) return zstd(bytes, { maxOutputLength: mostBytes });
      throw new AppError(
        "formatUnknown",
        "The file is compressed with Zstandard, which this system's Node cannot read.",
        "Save it with LZ4 or without compression, or as Parquet.",
      );
    },
  });
}
