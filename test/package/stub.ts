// A stand-in for Electron's program, just enough for electron-builder to pack: a file with the marks that fuses are written behind.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const sentinel = "dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX";
/** In the order of Electron's fuse wire, version 1. */
const fuses = [
  "runAsNode",
  "enableCookieEncryption",
  "enableNodeOptionsEnvironmentVariable",
  "enableNodeCliInspectArguments",
  "enableEmbeddedAsarIntegrityValidation",
  "onlyLoadAppFromAsar",
  "loadBrowserProcessSpecificV8Snapshot",
  "grantFileProtocolExtraPrivileges",
] as const;

/** Makes the folder that `electronDist` takes, for Linux. */
export function writeStub(folder: string): void {
  mkdirSync(join(folder, "locales"), { recursive: true });
  mkdirSync(join(folder, "resources"), { recursive: true });
  for (const locale of ["en-US", "zh-CN", "de", "fr"]) writeFileSync(join(folder, "locales", `${locale}.pak`), locale);
  const wire = Buffer.concat([Buffer.from(sentinel), Buffer.from([1, fuses.length]), Buffer.from("1".repeat(fuses.length))]);
  writeFileSync(join(folder, "electron"), Buffer.concat([Buffer.from("#!/bin/sh\n"), wire, Buffer.alloc(64)]));
  chmodSync(join(folder, "electron"), 0o755);
}

/** The fuses as they stand in a packed program: on or off. */
export function readFuses(program: string): Record<(typeof fuses)[number], boolean> {
  const bytes = readFileSync(program);
  const at = bytes.indexOf(sentinel) + sentinel.length + 2;
  return Object.fromEntries(fuses.map((name, i) => [name, String.fromCharCode(bytes[at + i]!) === "1"])) as Record<
    (typeof fuses)[number],
    boolean
  >;
}
