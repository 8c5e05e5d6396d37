// What a workbook says beside its sheets: their names and files, the texts that cells share, and which number formats mean dates.
import { AppError } from "../../../ipc/error.ts";
import { broken, tooLarge } from "./reader.ts";
import { Xml, type XmlHandler } from "./xml.ts";
import type { Zip } from "./zip.ts";

export interface Book {
  sheets: { name: string; path: string }[];
  /** Days count from 1904 instead of 1900. */
  from1904: boolean;
  shared: string[];
  /** For each cell style, whether its numbers are "date", "time" (of day alone) or "moment" (both). */
  styles: (DateStyle | undefined)[];
}

export type DateStyle = "date" | "time" | "moment";

/** Letters that all shared texts may have together. */
const mostLetters = 400_000_000;

/** Throws fileBroken, fileTooLarge, and formatUnknown for what is another kind of office file. */
export async function readBook(file: string, zip: Zip, signal?: AbortSignal): Promise<Book> {
  const main = await mainPart(file, zip, signal);
  const folder = main.includes("/") ? main.slice(0, main.lastIndexOf("/") + 1) : "";
  const targets = new Map<string, { path: string; type: string }>();
  const relations = `${folder}_rels/${main.slice(folder.length)}.rels`;
  if (zip.entries.has(relations))
    await walk(file, zip, relations, signal, {
      open(name, attribute) {
        if (name !== "Relationship") return;
        const target = attribute("Target") ?? "";
        const path = target.startsWith("/") ? target.slice(1) : resolve(folder + target);
        targets.set(attribute("Id") ?? "", { path, type: (attribute("Type") ?? "").split("/").at(-1)! });
      },
    });
  const hidden: Book["sheets"] = []; // asked for last
  const book: Book = { sheets: [], from1904: false, shared: [], styles: [] };
  await walk(file, zip, main, signal, {
    open(name, attribute) {
      if (name === "workbookPr") book.from1904 = ["1", "true"].includes(attribute("date1904") ?? "");
      if (name !== "sheet") return;
      const target = targets.get(attribute("id") ?? "");
      const title = attribute("name");
      if (title === undefined || target?.type !== "worksheet") return;
      if ((attribute("state") ?? "visible") === "visible") book.sheets.push({ name: title, path: target.path });
      else hidden.push({ name: title, path: target.path });
    },
  });
  book.sheets.push(...hidden);
  const of = (type: string): string | undefined =>
    [...targets.values()].find((target) => target.type === type && zip.entries.has(target.path))?.path;
  const shared = of("sharedStrings");
  if (shared !== undefined) book.shared = await readShared(file, zip, shared, signal);
  const styles = of("styles");
  if (styles !== undefined) book.styles = await readStyles(file, zip, styles, signal);
  return book;
}

async function mainPart(file: string, zip: Zip, signal?: AbortSignal): Promise<string> {
  const other = zip.entries.has("xl/workbook.bin")
    ? "a binary Excel workbook (.xlsb)"
    : zip.entries.has("content.xml") && zip.entries.has("mimetype")
      ? "an OpenDocument file"
      : zip.entries.has("word/document.xml")
        ? "a Word document"
        : zip.entries.has("ppt/presentation.xml")
          ? "a PowerPoint presentation"
          : undefined;
  if (other !== undefined)
    throw new AppError("formatUnknown", `The file is ${other}.`, "Save the table as .xlsx or CSV and choose that file.", { what: other });
  let found: string | undefined;
  if (zip.entries.has("_rels/.rels"))
    await walk(file, zip, "_rels/.rels", signal, {
      open(name, attribute) {
        if (name === "Relationship" && (attribute("Type") ?? "").endsWith("/officeDocument"))
          found ??= attribute("Target")?.replace(/^\//, "");
      },
    });
  found ??= "xl/workbook.xml";
  if (!zip.entries.has(found)) throw broken(file, "it is a zip archive without a workbook in it");
  return found;
}

function resolve(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}

async function readShared(file: string, zip: Zip, path: string, signal?: AbortSignal): Promise<string[]> {
  const shared: string[] = [];
  let letters = 0;
  let text = "";
  let within = false;
  let sounded = 0; // how Chinese and Japanese texts are read aloud: no part of them
  await walk(file, zip, path, signal, {
    open(name) {
      if (name === "si") text = "";
      else if (name === "t") within = true;
      else if (name === "rPh") sounded++;
    },
    close(name) {
      if (name === "t") within = false;
      else if (name === "rPh") sounded--;
      else if (name === "si") {
        letters += text.length + 8;
        if (letters > mostLetters) throw tooLarge(file, "its texts are too long for this machine's memory");
        shared.push(escaped(text));
      }
    },
    text(piece) {
      if (within && sounded === 0) text += piece;
    },
  });
  return shared;
}

/** Excel writes letters that XML does not allow as _x000D_. */
export function escaped(text: string): string {
  return text.includes("_x") ? text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))) : text;
}

/** Number formats that Excel brings along (ECMA-376, 18.8.30; 27 to 36 and 50 to 58 are dates in Chinese and Japanese). */
function builtIn(id: number): DateStyle | undefined {
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58)) return "date";
  if (id === 22) return "moment";
  return (id >= 18 && id <= 21) || (id >= 32 && id <= 35) || (id >= 45 && id <= 47) ? "time" : undefined;
}

export function dateStyle(format: string): DateStyle | undefined {
  // Texts, colours, conditions and padding are no letters of a date; [h] counts hours beyond a day, which is a number.
  const bare = format.split(";")[0]!.replace(/"[^"]*"|\\.|_.|\*./g, "").replace(/\[(?!\$)[^\]]*\]/g, "").replace(/\[\$[^\]]*\]/g, "").toLowerCase(); // prettier-ignore
  if (/general|[#0?]\s*[.,#0?%e/]|^[#0?]+$/.test(bare.replace(/[:.]0+/g, ":"))) return undefined;
  const days = /[yd年月日]|m{3,}/.test(bare) || (/m/.test(bare) && !/[hs]/.test(bare));
  const hours = /[hs]|am\/pm|a\/p/.test(bare);
  return days && hours ? "moment" : days ? "date" : hours ? "time" : undefined;
}

async function readStyles(file: string, zip: Zip, path: string, signal?: AbortSignal): Promise<(DateStyle | undefined)[]> {
  const custom = new Map<number, DateStyle | undefined>();
  const styles: (DateStyle | undefined)[] = [];
  let cells = false;
  await walk(file, zip, path, signal, {
    open(name, attribute) {
      if (name === "numFmt") custom.set(Number(attribute("numFmtId")), dateStyle(attribute("formatCode") ?? ""));
      else if (name === "cellXfs") cells = true;
      else if (name === "xf" && cells) {
        const id = Number(attribute("numFmtId") ?? 0);
        styles.push(custom.has(id) ? custom.get(id) : builtIn(id));
        if (styles.length > 100_000) throw tooLarge(file, "it has more than 100,000 cell styles");
      }
    },
    close(name) {
      if (name === "cellXfs") cells = false;
    },
  });
  return styles;
}

/** Reads one entry as XML. `each` is called after each piece, for what must wait. */
export async function walk(
  file: string,
  zip: Zip,
  path: string,
  signal: AbortSignal | undefined,
  handler: Partial<XmlHandler>,
  each?: () => Promise<void>,
): Promise<void> {
  const refuse = (what: string): AppError => broken(file, what, `'${path}'`);
  const xml = new Xml({ open: () => undefined, close: () => undefined, text: () => undefined, ...handler }, refuse);
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  const decode = (piece: Uint8Array, stream: boolean): string => {
    try {
      return decoder!.decode(piece, { stream });
    } catch (error) {
      throw broken(file, "it holds bytes that are no letters", `'${path}'`, error);
    }
  };
  for await (const piece of zip.pieces(path, signal)) {
    decoder ??= new TextDecoder(piece[0] === 0xff ? "utf-16le" : piece[0] === 0xfe ? "utf-16be" : "utf-8", { fatal: true });
    xml.push(decode(piece, true));
    await each?.();
  }
  if (decoder) xml.push(decode(new Uint8Array(0), false));
  xml.end();
  await each?.();
}
