// Makes the update file of an installer, for a release: a zip with the installer, manifest.json, and its signature in minisign's form.
//   node scripts/signUpdate.mjs --new-key release.pem          a new key: release.pem (keep it secret), release.pub (PADDOCK_UPDATE_KEY of builds)
//   node scripts/signUpdate.mjs release/Paddock-0.2.0-x64.AppImage [--key release.pem] [--platform linux] [--arch x64] [--out FILE]
// The key may also stand in PADDOCK_SIGNING_KEY (the text of the PEM file). Nothing is sent anywhere.
import { createHash, generateKeyPairSync } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ZipFile } from "yazl";
import { bundle } from "./bundle.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const platforms = { appimage: "linux", deb: "linux", dmg: "darwin", exe: "win32" };

/** Writes the update file of an installer beside it (or to `out`), and answers its path. */
export async function signUpdate(installer, { privateKey, version, platform, arch = "x64", product = "paddock", out }) {
  const { signatureOf } = await import(await bundle(join(root, "main/update/minisign.ts")));
  const { manifestName, signatureName, manifestOf } = await import(await bundle(join(root, "main/update/manifest.ts")));
  const hash = createHash("sha256");
  for await (const part of createReadStream(installer)) hash.update(part);
  const file = basename(installer);
  const given = {
    product,
    version,
    platform: platform ?? platforms[file.split(".").at(-1).toLowerCase()],
    arch,
    file,
    bytes: statSync(installer).size,
    sha256: hash.digest("hex"),
  };
  const manifest = Buffer.from(`${JSON.stringify(given, null, 2)}\n`);
  const wrong = manifestOf(manifest).wrong;
  if (wrong !== undefined) throw new Error(`The manifest is wrong at ${wrong}.`);
  const path =
    out ??
    join(dirname(installer), `${file.replace(/\.(appimage|deb|dmg|exe|zip)$/i, "")}-${file.split(".").at(-1).toLowerCase()}.update.zip`);
  const zip = new ZipFile();
  zip.addBuffer(manifest, manifestName, { compress: false });
  zip.addBuffer(Buffer.from(signatureOf(manifest, privateKey, `${product} ${version} ${given.platform} ${arch}`)), signatureName, {
    compress: false,
  });
  zip.addFile(installer, file, { compress: false });
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(path));
  return path;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      "new-key": { type: "string" },
      key: { type: "string" },
      version: { type: "string" },
      platform: { type: "string" },
      arch: { type: "string", default: process.arch },
      out: { type: "string" },
    },
  });
  const wanted = values["new-key"];
  if (wanted !== undefined) {
    const { publicKeyOf } = await import(await bundle(join(root, "main/update/minisign.ts")));
    const pub = wanted.replace(/(\.pem)?$/, ".pub");
    for (const path of [wanted, pub]) if (existsSync(path)) throw new Error(`${path} is there already.`);
    const pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
    writeFileSync(wanted, pem, { mode: 0o600 });
    writeFileSync(pub, `untrusted comment: key of Paddock's updates\n${publicKeyOf(pem)}\n`);
    console.log(`The secret key is in ${wanted}: keep it where nobody else reads it. Build with PADDOCK_UPDATE_KEY=${publicKeyOf(pem)}`);
    return;
  }
  const privateKey = values.key !== undefined ? readFileSync(values.key, "utf8") : process.env["PADDOCK_SIGNING_KEY"];
  if (!privateKey || positionals.length === 0) {
    console.error("Name the installers to sign, and the key: --key FILE or PADDOCK_SIGNING_KEY.");
    return void (process.exitCode = 2);
  }
  const version = values.version ?? JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
  for (const installer of positionals) {
    const { platform, arch, out } = values;
    console.log(await signUpdate(installer, { privateKey, version, arch, ...(platform && { platform }), ...(out && { out }) }));
  }
}

if (process.argv[1] && basename(process.argv[1]) === "signUpdate.mjs")
  await main().catch((thrown) => {
    console.error(thrown.message);
    process.exitCode = 1;
  });
