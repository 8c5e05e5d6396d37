// Real data and small real models that lie beside the checkout. Where they are absent, tests that want them skip, visibly.
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = process.env["PADDOCK_SHARED"] ?? resolve(root, "../shared");

/** The path of a shared file or folder, or undefined where it is not there: `test.skipIf(!shared("data/tables"))`. */
export function shared(path: string): string | undefined {
  const full = join(folder, path);
  return existsSync(full) ? full : undefined;
}
