// What an update file says of itself, as it is signed: which program, version and system, and the installer's name, length and hash.
import * as v from "valibot";
import { safeFileName } from "../paths.ts";
import { isVersion } from "./version.ts";

export const manifestName = "manifest.json";
export const signatureName = "manifest.json.minisig";

const schema = v.strictObject({
  product: v.string(),
  version: v.pipe(v.string(), v.check(isVersion, "is not a version")),
  platform: v.picklist(["linux", "darwin", "win32"]),
  arch: v.picklist(["x64", "arm64"]),
  file: v.pipe(
    v.string(),
    v.check((name) => name === safeFileName(name, 200), "is not a plain file name"),
  ),
  bytes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4 * 2 ** 30)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});
export type Manifest = v.InferOutput<typeof schema>;

/** The manifest, or where it is wrong. */
export function manifestOf(bytes: Uint8Array): { manifest?: Manifest; wrong?: string } {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return { wrong: "the top: it is not JSON" };
  }
  const parsed = v.safeParse(schema, value);
  return parsed.success ? { manifest: parsed.output } : { wrong: v.getDotPath(parsed.issues[0]) ?? "the top" };
}
