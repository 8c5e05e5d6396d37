// One file of a source of pictures, and how a source is walked.
import { AppError } from "../../../ipc/error.ts";
import type { Limits } from "./limits.ts";

export interface Entry {
  /** Path within the source, with slashes. */
  name: string;
  bytes: number;
  /** The whole file; to be called before the next entry is asked for. Throws `fileTooLarge`, `fileUnreadable`. */
  read(): Promise<Buffer>;
}

export interface WalkOptions {
  /** Whether a file is to be given; the others are passed over unread. */
  wanted(name: string): boolean;
  /** Told of links and other things in a folder that are no files. */
  onSkipped?: ((name: string, what: string) => void) | undefined;
  signal?: AbortSignal | undefined;
  limits: Limits;
}

/** Files that systems leave beside others; nobody put them there on purpose. */
export function isJunk(name: string): boolean {
  return /(^|\/)(__MACOSX\/|\.[^/]*(\/|$)|Thumbs\.db$|desktop\.ini$)/i.test(name);
}

export function tooLarge(file: string, bytes: number, most: number): AppError {
  return new AppError("fileTooLarge", `'${file}' has ${bytes} bytes; a picture may have ${most}.`, "Save it smaller.", { file, bytes });
}
