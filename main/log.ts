// The log: one JSON line an event in the workspace's logs folder, at most 2 MB with the file before it kept. No data of the user's, no rows.
import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import pino, { type Logger } from "pino";

export type Log = Logger;

const limit = 1 << 20;

/** Opens (on the first line) `<folder>/paddock.log`. A disk that takes no log never stops the work. */
export function openLog(folder: string, level: string = process.env["PADDOCK_LOG"] ?? "info"): Log {
  const path = join(folder, "paddock.log");
  let bytes = -1;
  const write = (line: string) => {
    try {
      if (bytes < 0) {
        mkdirSync(folder, { recursive: true });
        bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      }
      if (bytes + line.length > limit) {
        renameSync(path, join(folder, "paddock.old.log"));
        bytes = 0;
      }
      appendFileSync(path, line);
      bytes += line.length;
    } catch {
      bytes = -1;
    }
  };
  return pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}
