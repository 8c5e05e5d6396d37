// What an installer puts on the disk, for every system that one is made for, reckoned on one machine: the packages of the lock for that
// system (those of others are fetched with npm pack), less what electron-builder.yml leaves out, less what scripts/slim.mjs takes away.
//   node bench/sizes.mjs [FOLDER]     FOLDER keeps what was fetched
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { load } from "js-yaml";
import { minimatch } from "minimatch";
import * as tar from "tar";
import { root } from "../scripts/install.mjs";
import { carriedPackages } from "../scripts/licences.mjs";
import { budgets } from "../scripts/size.mjs";
import { thin } from "../scripts/slim.mjs";

const systems = [
  { name: "Linux x64", section: "linux", os: "linux", cpu: "x64" },
  { name: "Windows x64", section: "win", os: "win32", cpu: "x64" },
  { name: "macOS arm64", section: "mac", os: "darwin", cpu: "arm64" },
];
const kept = process.argv[2] ?? mkdtempSync(join(tmpdir(), "paddock-sizes-"));
const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
const settings = load(readFileSync(join(root, "electron-builder.yml"), "utf8"));

function files(folder, base = folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : files(path, base);
    return entry.isFile() ? [{ name: relative(base, path).replaceAll("\\", "/"), path, bytes: statSync(path).size }] : [];
  });
}

/** The folder of a package of the lock: installed here, else fetched. */
async function folderOf(place) {
  const here = join(root, place);
  if (existsSync(here)) return here;
  const there = join(kept, place);
  if (existsSync(there)) return there;
  const { version } = lock.packages[place];
  const name = place.replace(/^.*node_modules\//, "");
  mkdirSync(there, { recursive: true });
  const done = spawnSync("npm", ["pack", "--silent", "--pack-destination", kept, `${name}@${version}`], {
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (done.status !== 0) throw new Error(`${name}@${version} could not be fetched: ${done.stderr}`);
  await tar.extract({ file: join(kept, done.stdout.trim()), cwd: there, strip: 1 });
  return there;
}

/** Whether a list such as ["linux"] or ["!win32"] takes a value. */
const takes = (list, value) => !list || (list.some((one) => one.startsWith("!")) ? !list.includes(`!${value}`) : list.includes(value));

/** What electron-builder leaves out of packages unasked (app-builder-lib, fileMatcher.js). */
const unasked = [
  "**/node_modules/*/{CHANGELOG.md,README.md,README,readme.md,readme}",
  "**/node_modules/*/{test,__tests__,tests,powered-test,example,examples}{,/**}",
  "**/node_modules/.bin{,/**}",
  "**/*.d.ts",
];

for (const { name, section, os, cpu } of systems) {
  const refused = [...settings.files, ...settings[section].files]
    .filter((pattern) => pattern.startsWith("!"))
    .map((pattern) => pattern.slice(1).replaceAll("${arch}", cpu))
    .concat(unasked);
  const isLeftOut = (path) => refused.some((pattern) => minimatch(path, pattern, { dot: true }));
  const parts = new Map();
  const add = (part, bytes) => parts.set(part, (parts.get(part) ?? 0) + bytes);
  for (const place of carriedPackages(lock).filter((one) => one.includes("node_modules/"))) {
    const entry = lock.packages[place];
    if (!entry.version || entry.dev || !takes(entry.os, os) || !takes(entry.cpu, cpu) || (entry.libc && !entry.libc.includes("glibc")))
      continue;
    // Optional, and for no system that is named: WebAssembly, which npm does not install.
    if (entry.optional && !entry.os && !existsSync(join(root, place))) continue;
    const part = /(@duckdb\/node-bindings|@img|@node-llama-cpp\/.*-vulkan|@node-llama-cpp|onnxruntime-node)/.exec(place)?.[1];
    for (const { name: file, path, bytes } of files(await folderOf(place))) {
      if (isLeftOut(`${place}/${file}`)) continue;
      const slimmer = os === "darwin" && /\.(dylib|node|so)$/.test(file) ? thin(readFileSync(path), cpu) : undefined;
      add(part && bytes > 100_000 ? part : "JavaScript of others", slimmer?.length ?? bytes);
    }
  }
  for (const own of ["dist", "assets"])
    for (const { name: file, bytes } of files(join(root, own))) if (!isLeftOut(`${own}/${file}`)) add("Paddock", bytes);
  const sum = [...parts.values()].reduce((all, bytes) => all + bytes, 0);
  const symbols = os === "linux" ? ", of which strip takes some 17" : "";
  console.log(`${name}: ${(sum / 1e6).toFixed(1)} MB beside Electron${symbols} (${budgets[section] / 1e6} at most)`);
  for (const [part, bytes] of [...parts].sort((a, b) => b[1] - a[1])) console.log(`  ${(bytes / 1e6).toFixed(1).padStart(6)}  ${part}`);
}
