// Databases in use keep changes in a log beside the file.
import { basename } from "node:path";
import type { Problem } from "../../../ipc/types.ts";

export function waiting(file: string): Problem {
  return {
    code: "changesWaiting",
    data: {},
    message: `A log beside ${basename(file)} holds changes that are not in the file yet; they were not read.`,
    hint: "Close the program that uses the database, then choose the file again.",
  };
}
