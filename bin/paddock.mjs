#!/usr/bin/env node
// The command line. In a checkout it builds first when the sources have changed (words about that go to stderr); it installs nothing.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

if (existsSync(at("scripts/fresh.mjs"))) {
  const { fail, nodeTooOld } = await import("../scripts/install.mjs");
  const { ensureBuilt, isCheckout } = await import("../scripts/fresh.mjs");
  const old = nodeTooOld();
  if (old) fail(old);
  if (isCheckout()) {
    if (!existsSync(at("node_modules/.package-lock.json")))
      fail("Paddock's packages are not here yet: run npm ci (or npm start) in its folder first.");
    // What a build says belongs to stderr too: stdout is for answers.
    const write = process.stdout.write;
    process.stdout.write = process.stderr.write.bind(process.stderr);
    await ensureBuilt().catch((thrown) => fail(`The build failed: ${thrown.message}`));
    process.stdout.write = write;
  }
}
await import("../dist/main/cli.js");
