// Brings the packages that package-lock.json names into node_modules, when they are not there or are others. Uses nothing but Node, so
// that it runs in a fresh checkout.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The sentence for a Node that is too old for `range` (">=20.19"), or undefined when it will do. */
export function nodeTooOld(
  version = process.versions.node,
  range = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).engines.node,
) {
  const [wantMajor, wantMinor] = range.replace(/^>=/, "").split(".").map(Number);
  const [major, minor] = version.split(".").map(Number);
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return undefined;
  return `Paddock needs Node ${wantMajor}.${wantMinor} or newer; this is Node ${version}. Install a newer one from nodejs.org or your system's packages.`;
}

/** Whether node_modules is not what package-lock.json says, as far as can be told in a moment. */
export function packagesAreStale(folder = root) {
  const installed = join(folder, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return true;
  const lock = join(folder, "package-lock.json");
  const stamp = join(folder, "node_modules/.paddock-lock");
  const hash = lockHash(folder);
  if (existsSync(stamp)) return readFileSync(stamp, "utf8") !== hash;
  // Someone ran npm themselves: what it installed after the lock was written is what the lock says.
  if (statSync(installed).mtimeMs < statSync(lock).mtimeMs) return true;
  writeFileSync(stamp, hash);
  return false;
}

function lockHash(folder) {
  return createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
}

/** How to run npm here: the npm that runs us where there is one, else the one on the path. */
export function npmCommand(args, env = process.env) {
  const own = env.npm_execpath;
  if (own && /npm-cli\.[cm]?js$/.test(own) && existsSync(own)) return { program: process.execPath, args: [own, ...args], shell: false };
  return { program: process.platform === "win32" ? "npm.cmd" : "npm", args, shell: process.platform === "win32" };
}

/** Runs `npm ci` when it is needed. Exits with a sentence when that fails. */
export function ensureInstalled() {
  const old = nodeTooOld();
  if (old) fail(old);
  if (!packagesAreStale()) return;
  console.log("Bringing in Paddock's packages (npm ci); this takes about a minute the first time.");
  const { program, args, shell } = npmCommand(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  const done = spawnSync(program, args, { cwd: root, stdio: "inherit", shell });
  if (done.status !== 0) fail("npm ci failed: see above. Check the network and the free space on the disk, then try again.");
  writeFileSync(join(root, "node_modules/.paddock-lock"), lockHash(root));
}

export function fail(message, code = 1) {
  console.error(message);
  process.exit(code);
}
