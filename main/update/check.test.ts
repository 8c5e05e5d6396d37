// Update files: one that is right, and every way in which one is wrong. Each refusal leaves nothing behind.
import { createHash, generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, describe, expect, test } from "vitest";
import { ZipFile } from "yazl";
import { AppError } from "../../ipc/error.ts";
import { checkUpdate, howOf, type UpdateCheck } from "./check.ts";
import { publicKeyOf, readPublicKey, readSignature, signatureOf, verifies } from "./minisign.ts";
import { compareVersions, isVersion } from "./version.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-update-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const newKey = () => generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }) as string;
const [ours, theirs] = [newKey(), newKey()];
const mine: UpdateCheck = { key: publicKeyOf(ours), version: "0.1.0", platform: "linux", arch: "x64", folder: join(folder, "updates") };
const installer = Buffer.from("the program ".repeat(50_000));
const file = "Paddock-0.2.0-x64.AppImage";
const sha256 = createHash("sha256").update(installer).digest("hex");
const manifest = { product: "paddock", version: "0.2.0", platform: "linux", arch: "x64", file, bytes: installer.length, sha256 };

interface Made {
  manifest?: object | string;
  /** Another manifest than the one that is signed. */
  shown?: string;
  key?: string;
  comment?: string;
  signature?: (text: string) => string;
  entries?: Record<string, Buffer>;
  bytes?: (whole: Buffer) => Buffer;
}
let count = 0;
async function made({
  manifest: told = manifest,
  shown,
  key = ours,
  comment = "paddock",
  signature = (t) => t,
  entries = {},
  bytes = (b) => b,
}: Made = {}) {
  const text = typeof told === "string" ? told : JSON.stringify(told);
  const zip = new ZipFile();
  const all: Record<string, Buffer> = {
    "manifest.json": Buffer.from(shown ?? text),
    "manifest.json.minisig": Buffer.from(signature(signatureOf(Buffer.from(text), key, comment))),
    [file]: installer,
    ...entries,
  };
  for (const [name, content] of Object.entries(all)) if (content.length) zip.addBuffer(content, name, { compress: name === file });
  zip.end();
  const path = join(folder, `made-${count++}.update.zip`);
  writeFileSync(path, bytes(await buffer(zip.outputStream)));
  return path;
}
async function refusal(update: Made | string, options: Partial<UpdateCheck> = {}): Promise<AppError> {
  const path = typeof update === "string" ? update : await made(update);
  const thrown = await checkUpdate(path, { ...mine, ...options }).then(
    () => new Error("it was taken"),
    (error: unknown) => error,
  );
  if (!(thrown instanceof AppError)) throw thrown;
  if (existsSync(mine.folder)) expect(readdirSync(mine.folder)).toEqual([]);
  return thrown;
}

test("an update that is signed, newer and for this machine is unpacked", async () => {
  const told: number[] = [];
  const { update, path } = await checkUpdate(await made(), { ...mine, onProgress: (fraction) => told.push(fraction) });
  expect(update).toEqual({ version: "0.2.0", platform: "linux", arch: "x64", file, bytes: installer.length, install: "appimage" });
  expect(path).toBe(join(mine.folder, file));
  expect(readFileSync(path).equals(installer)).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(process.platform === "win32" ? 0o666 : 0o755);
  expect(told.at(-1)).toBe(1);
  rmSync(mine.folder, { recursive: true });
});

test("one that is cancelled while it is unpacked leaves nothing behind", async () => {
  const cancel = new AbortController();
  const thrown = await refusal({}, { signal: cancel.signal, onProgress: () => cancel.abort() });
  expect(thrown.code).toBe("cancelled");
});

describe("is refused", () => {
  test("by a build without a key, whatever it is", async () => {
    expect((await refusal({}, { key: undefined })).code).toBe("updateNoKey");
    expect((await refusal({}, { key: "RWnonsense" })).code).toBe("updateNoKey");
  });

  const altered = Buffer.from(installer);
  altered[777]! ^= 1;
  const cases: [string, Made, string][] = [
    ["signed with another key", { key: theirs }, "updateSignature"],
    ["another manifest than was signed", { shown: JSON.stringify({ ...manifest, version: "9.0.0" }) }, "updateSignature"],
    ["one bit of the manifest", { shown: JSON.stringify(manifest).replace("0.2.0", "0.2.1") }, "updateSignature"],
    ["a comment that was changed", { signature: (text) => text.replace("trusted comment: paddock", "trusted comment: paddocks") }, "updateSignature"],
    ["a signature that is none", { signature: () => "untrusted comment: x\nAAAA\ntrusted comment: y\nAAAA\n" }, "updateSignature"],
    ["an empty key's signature", { signature: (text) => text.replace(/\n[A-Za-z0-9+/=]{90,}\n/, `\n${Buffer.alloc(74).toString("base64")}\n`) }, "updateSignature"],
    ["without a signature", { signature: () => "" }, "updateInvalid"],
    ["altered bytes of the installer", { entries: { [file]: altered } }, "updateInvalid"],
    ["a longer installer", { entries: { [file]: Buffer.concat([installer, installer]) } }, "updateInvalid"],
    ["without the installer", { entries: { [file]: Buffer.alloc(0), "other.AppImage": installer } }, "updateInvalid"],
    ["more files than an update has", { entries: { "more.txt": Buffer.from("x") } }, "updateInvalid"],
    ["a folder in it", { entries: { [file]: Buffer.alloc(0), "a/b": installer } }, "updateInvalid"],
    ["cut off", { bytes: (whole) => whole.subarray(0, whole.length - 40) }, "updateInvalid"],
    ["no zip", { bytes: () => Buffer.from("#!/bin/sh\nevil") }, "updateInvalid"],
    ["an older version", { manifest: { ...manifest, version: "0.0.9" } }, "updateOlder"],
    ["the same version", { manifest: { ...manifest, version: "0.1.0" } }, "updateOlder"],
    ["a version before this one's release", { manifest: { ...manifest, version: "0.1.0-rc.1" } }, "updateOlder"],
    ["for another system", { manifest: { ...manifest, platform: "win32" } }, "updatePlatform"],
    ["for another processor", { manifest: { ...manifest, arch: "arm64" } }, "updatePlatform"],
    ["another product", { manifest: { ...manifest, product: "stable" } }, "updateInvalid"],
    ["a manifest with more in it", { manifest: { ...manifest, run: "x" } }, "updateInvalid"],
    ["a name that leaves the folder", { manifest: { ...manifest, file: "../../paddock" } }, "updateInvalid"],
    ["an absurd length", { manifest: { ...manifest, bytes: 2 ** 60 } }, "updateInvalid"],
    ["a version that is none", { manifest: { ...manifest, version: "9" } }, "updateInvalid"],
    ["a manifest that is no JSON", { manifest: "version: 9" }, "updateInvalid"],
    ["a manifest of megabytes", { manifest: { ...manifest, product: "x".repeat(2 ** 21) } }, "updateInvalid"],
  ]; // prettier-ignore
  test.each(cases)("%s", async (_, update, code) => {
    const { code: told, message, hint } = await refusal(update);
    expect([told, message.length > 0, hint.length > 0]).toEqual([code, true, true]);
  });

  test("a file that is not there, and a folder", async () => {
    expect((await refusal(join(folder, "none"))).code).toBe("fileMissing");
    expect((await refusal(folder)).code).toMatch(/updateInvalid|fileUnreadable/);
  });

  test("an installer that is larger than the zip says is stopped where the manifest ends", async () => {
    // The directory says what the manifest says; the stream gives more.
    const path = await made({ entries: { [file]: Buffer.concat([installer, Buffer.from("!")]) }, bytes: (whole) => whole });
    const bytes = readFileSync(path);
    const directory = bytes.lastIndexOf(Buffer.from("PK\x01\x02"));
    bytes.writeUInt32LE(installer.length, directory + 24);
    writeFileSync(path, bytes);
    expect((await refusal(path)).code).toBe("updateInvalid");
  });
});

test("signatures are minisign's own", () => {
  const text = "a Paddock manifest";
  const key = "untrusted comment: minisign public key 9BBC056B35D8DA05\nRWQF2tg1awW8m6wPF9AXP8hGW1YebtsynWhF3DUvYQiHsihOotvmq2NQ\n";
  const signature =
    "untrusted comment: signature from minisign secret key\nRWQF2tg1awW8m9OnljUJWU3BMzvZTMimrT9pKlzLoRgKTJQylD28iiMsR0p0HF0W9nQ4frKmhVUIieIBf53umIM2/pzIeQwlNAA=\ntrusted comment: paddock 0.2.0\nI93h9iWFIhFrbC48tCZBNSqw/xYrQkUG1soRRFMrOWZCK7wUl386TJ0c4exD79WNzBMAq5YMzgRsT1S7MTiHAw==\n";
  // Made by minisign 0.11 (-S -l): its public key, a file, and its signature.
  const parsed = readSignature(signature)!;
  expect(verifies(Buffer.from(text), parsed, readPublicKey(key)!)).toBe(true);
  expect(verifies(Buffer.from(`${text}!`), parsed, readPublicKey(key)!)).toBe(false);
  expect(verifies(Buffer.from(text), parsed, readPublicKey(publicKeyOf(ours))!)).toBe(false);
});

test("which version is newer", () => {
  const order = [
    "0.1.0-alpha",
    "0.1.0-alpha.1",
    "0.1.0-alpha.beta",
    "0.1.0-beta.2",
    "0.1.0-beta.11",
    "0.1.0-rc.1",
    "0.1.0",
    "0.1.1",
    "0.10.0",
    "1.0.0",
    "10.0.0",
  ];
  for (const [i, a] of order.entries())
    for (const [j, b] of order.entries()) expect(Math.sign(compareVersions(a, b)), `${a} ${b}`).toBe(Math.sign(i - j));
  expect(["1", "1.2", "v1.2.3", "1.2.3-", "1.2.3.4", "", "1.2.3 ", "99999999999.0.0"].filter(isVersion)).toEqual([]);
});

test("how each kind is installed", () => {
  expect(["a.AppImage", "a.deb", "a.dmg", "a.exe", "a.zip"].map(howOf)).toEqual(["appimage", "deb", "dmg", "exe", "zip"]);
});
