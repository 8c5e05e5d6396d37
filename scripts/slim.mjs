// After electron-builder has laid out the app, before it signs: natives lose what nothing reads. Linux: symbol tables, by strip. macOS: of
// a library for several processors, the parts for others.
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Numbers by which a Mach-O file names processors (mach/machine.h). */
const cpuTypes = { x64: 0x01000007, arm64: 0x0100000c };
/** Names of electron-builder's Arch, by its number. */
const arches = ["ia32", "x64", "armv7l", "arm64", "universal"];

/**
 * The part of a universal Mach-O file that is for a processor; undefined for a file that is for one alone. Throws where that processor is not
 * among them. The head (mach-o/fat.h, big-endian): 0xcafebabe, count, then for each cputype, cpusubtype, offset, size, align.
 */
export function thin(bytes, arch) {
  if (bytes.length < 8 || bytes.readUInt32BE(0) !== 0xcafebabe) return undefined;
  const count = bytes.readUInt32BE(4);
  for (let at = 8; at < 8 + 20 * count; at += 20) {
    if (bytes.readUInt32BE(at) !== cpuTypes[arch]) continue;
    const offset = bytes.readUInt32BE(at + 8);
    return bytes.subarray(offset, offset + bytes.readUInt32BE(at + 12));
  }
  throw new Error(`A universal library has no part for ${arch}.`);
}

function natives(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(node|dylib|so)(\.[\d.]+)?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

function isUniversal(path) {
  const head = Buffer.alloc(4);
  const file = openSync(path, "r");
  try {
    return readSync(file, head) === 4 && head.readUInt32BE(0) === 0xcafebabe;
  } finally {
    closeSync(file);
  }
}

/** Slims the natives under `folder`; answers how many bytes went. */
export function slim(folder, platform, arch, say = console.log) {
  const files = natives(folder);
  const before = files.reduce((sum, path) => sum + statSync(path).size, 0);
  if (platform === "darwin")
    for (const path of files) if (isUniversal(path)) writeFileSync(path, thin(readFileSync(path), arch), { mode: statSync(path).mode });
  if (platform === "linux") {
    // Strip of another processor than the target's would refuse: the installer of each is made on its own.
    const done = arch === process.arch ? spawnSync("strip", ["--strip-unneeded", ...files], { encoding: "utf8" }) : { error: true };
    if (done.error || done.status !== 0)
      say(`  • natives keep their symbols, about 15 MB  reason=${done.stderr?.trim() || "strip (binutils) is not here"}`);
  }
  return before - files.reduce((sum, path) => sum + statSync(path).size, 0);
}

export default function afterPack({ appOutDir, electronPlatformName, arch, packager }) {
  const resources = packager.getResourcesDir(appOutDir);
  const saved = slim(join(resources, "app.asar.unpacked"), electronPlatformName, arches[arch]);
  console.log(`  • slimmed natives  saved=${(saved / 1e6).toFixed(1)} MB`);
}
