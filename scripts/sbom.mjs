// The bill of materials of what is shipped: npm's own, in CycloneDX, without what is for development only.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./install.mjs";

const { status, stdout, stderr } = spawnSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: 1 << 28,
  shell: process.platform === "win32",
});
if (status !== 0) throw new Error(stderr || "npm sbom failed");
const bill = JSON.parse(stdout);
if (!bill.components?.length) throw new Error("npm sbom listed nothing");
mkdirSync(join(root, "release"), { recursive: true });
const out = join(root, "release", "sbom.json");
writeFileSync(out, JSON.stringify(bill, null, 1));
console.log(`${bill.components.length} packages: ${out}`);
