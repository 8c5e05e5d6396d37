// A piece of a file.
import { open } from "node:fs/promises";

/** The bytes at `at`, or fewer at the end of the file. */
export async function bytesAt(file: string, at: number, length: number): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, at);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
