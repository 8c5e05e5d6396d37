// npm test: brings in what is missing (a Chromium too), builds, checks types, lint and fences, then runs every test. Arguments go to
// vitest: npm test -- worker/ops. The exit code is the truth.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureBuilt } from "./fresh.mjs";
import { ensureInstalled, fail, root } from "./install.mjs";

ensureInstalled();
await ensureBuilt(console.log).catch((thrown) => fail(`The build failed: ${thrown.message}`));
const { ensureChromium } = await import("./browser.mjs");
const chromium = ensureChromium();
const env = { ...process.env, PADDOCK_SKIP_BUILD: "1", ORT_DISABLE_TELEMETRY: "1", ...(chromium && { PADDOCK_CHROMIUM: chromium }) };

const run = (...args) => spawnSync(process.execPath, args, { cwd: root, stdio: "inherit", env }).status ?? 1;
const checked = run(join(root, "scripts/check.mjs"));
const tested = run(join(root, "node_modules/vitest/vitest.mjs"), "run", ...process.argv.slice(2));
process.exit(tested || checked);
