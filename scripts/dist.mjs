// npm run dist: installers for this system, and the zip for a USB stick (see electron-builder.yml). Arguments go to electron-builder: npm run dist -- --dir.
// Natives come with npm for this system and processor; installers for another system are made on that system.
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt } from "./fresh.mjs";
import { ensureInstalled, fail, root } from "./install.mjs";
import { writeLicences } from "./licences.mjs";
import { programs } from "./portable.mjs";
import { signing } from "./signing.mjs";
import { budgets, installedSize } from "./size.mjs";

ensureInstalled();
await ensureBuilt(console.log).catch((thrown) => fail(`The build failed: ${thrown.message}`));
writeLicences();
const { env, said } = signing(process.platform, process.env);
const tell = (line) => {
  console.log(line);
  // The summary of a workflow's run, where this is one.
  if (env.GITHUB_STEP_SUMMARY) appendFileSync(env.GITHUB_STEP_SUMMARY, `- ${line}\n`);
};
said.forEach(tell);
const done = spawnSync(
  process.execPath,
  [join(root, "node_modules/electron-builder/cli.js"), "--publish", "never", ...process.argv.slice(2)],
  {
    cwd: root,
    env,
    stdio: "inherit",
  },
);
if (done.status !== 0) process.exit(done.status ?? 1);

const MB = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
for (const program of existsSync(join(root, "release")) ? programs(join(root, "release")) : []) {
  const { all, ours } = installedSize(program);
  tell(`${program.system} ${program.arch}: ${MB(all)} installed, of which ${MB(ours)} beside Electron`);
  if (ours > budgets[program.system])
    fail(`More than the ${MB(budgets[program.system])} that scripts/size.mjs allows: see node bench/sizes.mjs.`);
}
