// Where the package lies, from the sources as from the build (dist/main) and the packaged app: the nearest package.json of ours upwards.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

function findRoot(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) return at;
    if (dirname(at) === at) throw new Error("Paddock's package.json is not above its code: the installation is incomplete.");
  }
}

/** The folder that holds package.json and assets/. */
export const packageRoot = findRoot();

/** The version of this Paddock, as in package.json. */
export const version = (JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string }).version;
