// The doors are tested as they are shipped: built once before them, when dist is stale.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./shared.ts";

export default function setup(): void {
  if (process.env["PADDOCK_SKIP_BUILD"]) return;
  const built = spawnSync(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`The build failed:\n${built.stdout}${built.stderr}`);
}
