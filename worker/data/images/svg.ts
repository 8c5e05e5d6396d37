// Drawings are documents, and documents can ask for files, declare entities that grow, or run on. What is drawn here holds all it needs:
// anything that points outside is refused before the renderer sees it.
import { invalid } from "./bmp.ts";

/** Bytes looked at to know a drawing; it may begin with a declaration and comments. */
const headBytes = 4096;

export function isSvg(bytes: Buffer): boolean {
  const text = bytes
    .toString("utf8", 0, headBytes)
    .replace(/^\uFEFF/, "")
    .trimStart();
  return text.startsWith("<") && /<svg[\s>]/.test(text);
}

/** Throws `pictureInvalid` where the drawing points to anything but its own parts and pictures inside it. */
export function refuseOutside(bytes: Buffer, file: string): void {
  const text = bytes.toString("utf8");
  const refuse = (what: string) => invalid(file, `the drawing ${what}`);
  if (/<!(DOCTYPE[^>]*\[|ENTITY)/i.test(text)) throw refuse("declares entities");
  if (/<\?xml-stylesheet/i.test(text)) throw refuse("asks for a style sheet");
  if (/@import/i.test(text)) throw refuse("imports styles");
  for (const [, value] of text.matchAll(/(?:href|src)\s*=\s*["']\s*([^"']*)/gi))
    if (!/^(#|data:image\/(?:png|jpeg|gif|webp)[;,]|$)/i.test(value!)) throw refuse(`points to '${value!.slice(0, 80)}'`);
  for (const [, value] of text.matchAll(/url\(\s*["']?\s*([^)"']*)/gi))
    if (!/^(#|data:image\/(?:png|jpeg|gif|webp)[;,])/i.test(value!)) throw refuse(`points to '${value!.slice(0, 80)}'`);
}
