// npm run dist: installers for this system (see electron-builder.yml). Arguments go to electron-builder: npm run dist -- --dir.
// Natives come with npm for this system and processor; installers for another system are made on that system.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureBuilt } from "./fresh.mjs";
import { ensureInstalled, fail, root } from "./install.mjs";
import { writeLicences } from "./licences.mjs";

ensureInstalled();
await ensureBuilt(console.log).catch((thrown) => fail(`The build failed: ${thrown.message}`));
writeLicences();
const done = spawnSync(
  process.execPath,
  [join(root, "node_modules/electron-builder/cli.js"), "--publish", "never", ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: "inherit",
  },
);
process.exit(done.status ?? 1);
