// A model file opened for reading parts of it: its length is known before anything is believed, and every read is checked against it.
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { AppError } from "../../../ipc/error.ts";

export interface OpenFile {
  readonly path: string;
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
  close(): void;
}

/** @throws fileMissing, fileUnreadable, fileEmpty; reading: modelInvalid beyond the end, fileChanged where the file became shorter */
export function openBytes(path: string): OpenFile {
  let file: number;
  let size: number;
  try {
    // Pipes and devices would wait for ever.
    if (!statSync(path).isFile()) throw new AppError("fileUnreadable", `'${path}' is not a file.`, "Name a model file.", { file: path });
    file = openSync(path, "r");
    size = fstatSync(file).size;
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new AppError(
      missing ? "fileMissing" : "fileUnreadable",
      missing ? `There is no file '${path}'.` : `The file '${path}' cannot be read.`,
      missing ? "Check the path." : "Check its permissions.",
      { file: path },
      cause,
    );
  }
  if (size === 0) {
    closeSync(file);
    throw new AppError("fileEmpty", `The file '${path}' is empty.`, "Copy it again.", { file: path });
  }
  return {
    path,
    size,
    read(offset, length) {
      if (!(offset >= 0 && length >= 0 && offset + length <= size))
        throw new AppError(
          "modelInvalid",
          `'${path}' has ${size} bytes, but ${length} from ${offset} on are wanted.`,
          "The file was cut off: copy it again.",
          {
            file: path,
            bytes: size,
          },
        );
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const count = readSync(file, bytes, done, Math.min(length - done, 2 ** 30), offset + done);
        if (count === 0)
          throw new AppError("fileChanged", `The file '${path}' became shorter while it was read.`, "Try again.", { file: path });
        done += count;
      }
      return bytes;
    },
    close: () => closeSync(file),
  };
}
