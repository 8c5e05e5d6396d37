// The installers in release/, and their SHA-256 in the form that `sha256sum -c` reads: node scripts/checksums.mjs [NAME], where NAME is the
// file in release/ to write (SHA256SUMS). `--list` prints their paths instead, a line each.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { fail, root } from "./install.mjs";

/** What a person installs; not what electron-builder keeps beside it. */
export function installers(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => /\.(AppImage|deb|exe|dmg|zip)$/.test(name) && !name.startsWith("__"));
}

async function sha256(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Lines of `hash  name`, in the order of their names. */
export async function checksums(folder, names = installers(folder)) {
  const lines = [];
  for (const name of [...names].sort()) lines.push(`${await sha256(join(folder, name))}  ${name}\n`);
  return lines.join("");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const release = join(root, "release");
  const names = installers(release);
  if (names.length === 0) fail("There are no installers in release/: make them with npm run dist.");
  const [asked = "SHA256SUMS"] = process.argv.slice(2);
  if (asked === "--list") for (const name of names) console.log(join("release", name));
  else {
    // Whatever else is handed out beside them.
    const more = readdirSync(release).filter((name) => /^sbom.*\.json$/.test(name));
    const text = await checksums(release, [...names, ...more]);
    writeFileSync(join(release, asked), text);
    process.stdout.write(text);
  }
}
