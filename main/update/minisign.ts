// Signatures as minisign makes and checks them (https://jedisct1.github.io/minisign/#signature-format), of the kind that signs a file's bytes as
// they are ("Ed", `minisign -Sl`): Ed25519 over the file, and over that signature with the trusted comment. Any copy of minisign checks them too:
//   minisign -Vm manifest.json -p paddock.pub
import { createPrivateKey, createPublicKey, type KeyObject, sign as signBytes, verify as verifyBytes, createHash } from "node:crypto";

export interface PublicKey {
  /** 8 bytes that name the key. */
  id: Buffer;
  key: KeyObject;
}

export interface Signature {
  id: Buffer;
  /** Over the file. */
  signature: Buffer;
  /** Over the signature and the comment. */
  global: Buffer;
  comment: string;
}

const algorithm = "Ed";
/** The head of an Ed25519 public key in DER (RFC 8410), before its 32 bytes. */
const derHead = Buffer.from("302a300506032b6570032100", "hex");
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

function bytesOf(text: string | undefined, length: number): Buffer | undefined {
  if (text === undefined || !base64.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.length === length ? bytes : undefined;
}

/** A public key as minisign writes it: the line that begins with RW, with or without its comment. Undefined where it is none. */
export function readPublicKey(text: string): PublicKey | undefined {
  const line = text.split(/\r?\n/).find((one) => one.trim() && !one.startsWith("untrusted comment:"));
  const bytes = bytesOf(line?.trim(), 42);
  if (!bytes || bytes.toString("latin1", 0, 2) !== algorithm) return undefined;
  const key = createPublicKey({ key: Buffer.concat([derHead, bytes.subarray(10)]), format: "der", type: "spki" });
  return { id: bytes.subarray(2, 10), key };
}

/** A .minisig file; undefined where it is none. */
export function readSignature(text: string): Signature | undefined {
  const [first, signed, trusted, last, ...rest] = text.split(/\r?\n/);
  if (!first?.startsWith("untrusted comment:") || rest.some((line) => line !== "")) return undefined;
  const comment = /^trusted comment: (.*)$/.exec(trusted ?? "")?.[1];
  const bytes = bytesOf(signed, 74);
  const global = bytesOf(last, 64);
  if (comment === undefined || !bytes || !global || bytes.toString("latin1", 0, 2) !== algorithm) return undefined;
  return { id: bytes.subarray(2, 10), signature: bytes.subarray(10), global, comment };
}

/** Whether the key made this signature of these bytes, and of its comment. */
export function verifies(bytes: Uint8Array, { id, signature, global, comment }: Signature, { id: known, key }: PublicKey): boolean {
  return (
    id.equals(known) &&
    verifyBytes(null, bytes, key, signature) &&
    verifyBytes(null, Buffer.concat([signature, Buffer.from(comment)]), key, global)
  );
}

/** The public key of a private one, in minisign's form. The key's id follows from the key, so that none has to be kept beside it. */
export function publicKeyOf(privateKey: string): string {
  const { raw, id } = partsOf(privateKey);
  return Buffer.concat([Buffer.from(algorithm), id, raw]).toString("base64");
}

/** A .minisig file for these bytes. @param privateKey Ed25519, PEM (PKCS #8), as `openssl genpkey -algorithm ed25519` writes it */
export function signatureOf(bytes: Uint8Array, privateKey: string, comment: string): string {
  const key = createPrivateKey(privateKey);
  const signature = signBytes(null, bytes, key);
  const global = signBytes(null, Buffer.concat([signature, Buffer.from(comment)]), key);
  const signed = Buffer.concat([Buffer.from(algorithm), partsOf(privateKey).id, signature]);
  return `untrusted comment: signature of a Paddock update\n${signed.toString("base64")}\ntrusted comment: ${comment}\n${global.toString("base64")}\n`;
}

function partsOf(privateKey: string): { raw: Buffer; id: Buffer } {
  const key = createPublicKey(createPrivateKey(privateKey));
  if (key.asymmetricKeyType !== "ed25519") throw new Error("The signing key is not an Ed25519 key.");
  const raw = Buffer.from(key.export({ format: "der", type: "spki" })).subarray(derHead.length);
  return { raw, id: createHash("sha256").update(raw).digest().subarray(0, 8) };
}
