// An update file, looked at from the outside in: a zip that holds manifest.json, its signature manifest.json.minisig, and the installer that the
// manifest describes. Nothing in it is believed before the signature is right; nothing of it is kept unless all of it is.
import { createHash } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import yauzl, { type Entry, type ZipFile } from "yauzl";
import { AppError } from "../../ipc/error.ts";
import type { UpdateInfo } from "../../ipc/host.ts";
import { fileError, renameWell } from "../files.ts";
import { type Manifest, manifestName, manifestOf, signatureName } from "./manifest.ts";
import { readPublicKey, readSignature, verifies } from "./minisign.ts";
import { compareVersions } from "./version.ts";

/** Bytes of the manifest and of its signature, at most. */
const mostManifest = 64 * 1024;

export interface UpdateCheck {
  /** The public key that this build was given, in minisign's form; undefined: every update is refused. */
  key: string | undefined;
  /** This program. */
  version: string;
  platform: string;
  arch: string;
  /** Where the installer is put once it is known to be right. */
  folder: string;
  signal?: AbortSignal | undefined;
  onProgress?: ((fraction: number) => void) | undefined;
}

/**
 * Checks an update file and unpacks its installer.
 * @throws updateNoKey, updateInvalid (no update file, or not as its manifest says), updateSignature, updatePlatform, updateOlder; fileMissing,
 *   diskFull, … of reading and writing; cancelled
 */
export async function checkUpdate(file: string, options: UpdateCheck): Promise<{ update: UpdateInfo; path: string }> {
  const key = options.key === undefined ? undefined : readPublicKey(options.key);
  if (!key)
    throw new AppError(
      "updateNoKey",
      "This build of Paddock has no key to check updates by, so it takes none.",
      "Install the new version by hand, from where you got this one.",
    );
  const zip = await openZip(file);
  try {
    const entries = await entriesOf(zip, file);
    const [manifestEntry, signatureEntry] = [entries.get(manifestName), entries.get(signatureName)];
    if (!manifestEntry || !signatureEntry || entries.size !== 3)
      throw invalid(file, "it does not hold a manifest, its signature and one installer");
    const manifestBytes = await smallEntry(zip, manifestEntry, file);
    const signature = readSignature((await smallEntry(zip, signatureEntry, file)).toString("utf8"));
    if (!signature || !verifies(manifestBytes, signature, key))
      throw new AppError(
        "updateSignature",
        `'${basename(file)}' is not signed by who made this Paddock.`,
        "Do not install it. Get the update from where you got Paddock.",
        { file: basename(file) },
      );
    // Only now is a word of it read.
    const { manifest, wrong } = manifestOf(manifestBytes);
    if (!manifest) throw invalid(file, `its manifest is wrong at ${wrong}`);
    fits(manifest, options, file);
    const entry = entries.get(manifest.file);
    if (!entry) throw invalid(file, `it does not hold '${manifest.file}'`);
    const path = await unpack(zip, entry, manifest, file, options);
    const { version, platform, arch, file: name, bytes } = manifest;
    return { update: { version, platform, arch, file: name, bytes, install: howOf(name) }, path };
  } finally {
    zip.close();
  }
}

/** Whether it is an update of this program, on this system, to a newer version. */
function fits({ product, version, platform, arch }: Manifest, mine: UpdateCheck, file: string): void {
  if (product !== "paddock") throw invalid(file, `it is an update of '${product}'`);
  if (platform !== mine.platform || arch !== mine.arch)
    throw new AppError(
      "updatePlatform",
      `'${basename(file)}' is for ${platform} (${arch}); this is ${mine.platform} (${mine.arch}).`,
      "Get the update for this system.",
      { file: basename(file), platform, arch },
    );
  if (compareVersions(version, mine.version) <= 0)
    throw new AppError(
      "updateOlder",
      `'${basename(file)}' holds version ${version}; this is ${mine.version}.`,
      "Nothing has to be done: only newer versions are taken.",
      { file: basename(file), version, mine: mine.version },
    );
}

/** How an installer of this name is installed. */
export function howOf(name: string): UpdateInfo["install"] {
  if (/\.appimage$/i.test(name)) return "appimage";
  if (/\.deb$/i.test(name)) return "deb";
  if (/\.dmg$/i.test(name)) return "dmg";
  if (/\.exe$/i.test(name)) return "exe";
  return "zip";
}

const invalid = (file: string, why: string, cause?: unknown): AppError =>
  new AppError(
    "updateInvalid",
    `'${basename(file)}' is not an update of Paddock: ${why}.`,
    "Get the update from where you got Paddock, and copy it whole.",
    { file: basename(file), why },
    cause,
  );

async function openZip(file: string): Promise<ZipFile> {
  const opened = await open(file).catch((thrown: unknown) => {
    throw fileError(thrown, file);
  });
  await opened.close();
  return new Promise((resolve, reject) =>
    yauzl.open(file, { lazyEntries: true, autoClose: false, strictFileNames: true }, (thrown, zip) =>
      thrown ? reject(invalid(file, "it is no zip, or was cut off", thrown)) : resolve(zip),
    ),
  );
}

/** The entries by name; more than three are not gone through. */
function entriesOf(zip: ZipFile, file: string): Promise<Map<string, Entry>> {
  return new Promise((resolve, reject) => {
    const entries = new Map<string, Entry>();
    zip.on("error", (thrown: Error) => reject(invalid(file, "its directory is damaged", thrown)));
    zip.on("end", () => resolve(entries));
    zip.on("entry", (entry: Entry) => {
      if (entries.size === 3 || entries.has(entry.fileName) || entry.fileName.includes("/"))
        return reject(invalid(file, "it holds more than an update does"));
      entries.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.readEntry();
  });
}

const streamOf = (zip: ZipFile, entry: Entry, file: string): Promise<Readable> =>
  new Promise((resolve, reject) =>
    zip.openReadStream(entry, (thrown, stream) => (thrown ? reject(invalid(file, "it is damaged", thrown)) : resolve(stream))),
  );

async function smallEntry(zip: ZipFile, entry: Entry, file: string): Promise<Buffer> {
  if (entry.uncompressedSize > mostManifest) throw invalid(file, "its manifest is too large");
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of await streamOf(zip, entry, file)) {
      size += (part as Buffer).length;
      if (size > mostManifest) throw invalid(file, "its manifest is too large");
      parts.push(part as Buffer);
    }
  } catch (thrown) {
    throw thrown instanceof AppError ? thrown : invalid(file, "it is damaged", thrown);
  }
  return Buffer.concat(parts);
}

/** Writes the installer beside its place, and moves it there when every byte is what was signed. */
async function unpack(
  zip: ZipFile,
  entry: Entry,
  { file: name, bytes, sha256 }: Manifest,
  file: string,
  options: UpdateCheck,
): Promise<string> {
  const altered = (cause?: unknown) => invalid(file, `'${name}' is not what was signed`, cause);
  if (entry.uncompressedSize !== bytes) throw altered();
  const [draft, path] = [join(options.folder, `.${name}.draft`), join(options.folder, name)];
  try {
    await mkdir(options.folder, { recursive: true });
    await rm(draft, { force: true });
    const to = await open(draft, "wx", 0o600);
    try {
      const hash = createHash("sha256");
      let done = 0;
      const from = await streamOf(zip, entry, file);
      try {
        for await (const part of from) {
          options.signal?.throwIfAborted();
          const chunk = part as Buffer;
          done += chunk.length;
          if (done > bytes) throw altered();
          hash.update(chunk);
          await to.write(chunk);
          options.onProgress?.(done / bytes);
        }
      } catch (thrown) {
        const code = (thrown as NodeJS.ErrnoException).code;
        throw thrown instanceof AppError || (thrown as Error).name === "AbortError" || code?.startsWith("E") ? thrown : altered(thrown);
      }
      if (done !== bytes || hash.digest("hex") !== sha256) throw altered();
      await to.chmod(howOf(name) === "appimage" ? 0o755 : 0o644);
      await to.sync();
    } finally {
      await to.close();
    }
    await renameWell(draft, path);
    return path;
  } catch (thrown) {
    await rm(draft, { force: true });
    throw fileError(thrown, path, false);
  }
}
