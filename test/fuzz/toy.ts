// A reader with a fault that chance alone does not find: behind a magic word, a version, a length and a word that the reader alone knows.
import { AppError } from "../../ipc/error.ts";

const refused = (what: string) => new AppError("fileBroken", `The file ${what}.`, "Copy it again.");

export function read(bytes: Buffer): number {
  if (bytes.length < 12) throw refused("is too short");
  if (bytes.toString("latin1", 0, 4) !== "TOYS") throw refused("is no box of toys");
  const version = bytes.readUInt32BE(4);
  if (version !== 0xbeef01) throw refused(`has version ${version}`);
  const length = bytes.readUInt16LE(8);
  if (length > bytes.length - 10) throw refused("is shorter than it says");
  if (bytes.toString("latin1", 10).includes("teddy")) throw new TypeError("the teddy is broken");
  return length;
}
