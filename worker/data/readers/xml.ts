// XML as it stands in office files, in pieces: elements and their text, without document types, so that nothing in it can grow. Names come without
// their prefix. Memory stays at the longest tag or text.
import type { AppError } from "../../../ipc/error.ts";

export interface XmlHandler {
  open(name: string, attributes: (name: string) => string | undefined): void;
  close(name: string): void;
  /** In one piece, entities read; also between elements. */
  text(text: string): void;
}

/** Letters of one tag or text: a cell holds 32,767. */
const longest = 4_000_000;
const deepest = 200;

const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

export class Xml {
  readonly #handler: XmlHandler;
  readonly #refuse: (what: string) => AppError;
  #held = "";
  #text = "";
  readonly #open: string[] = [];

  /** @param refuse makes the error for what is no XML */
  constructor(handler: XmlHandler, refuse: (what: string) => AppError) {
    this.#handler = handler;
    this.#refuse = refuse;
  }

  push(piece: string): void {
    const xml = this.#held + piece;
    let at = 0;
    for (;;) {
      const start = xml.indexOf("<", at);
      if (start < 0) {
        this.#text += xml.slice(at);
        this.#held = "";
        if (this.#text.length > longest) throw this.#refuse("a text is too long");
        return;
      }
      let end: number;
      if (xml.startsWith("<!--", start)) end = xml.indexOf("-->", start) + 2;
      else if (xml.startsWith("<![CDATA[", start)) end = xml.indexOf("]]>", start) + 2;
      else if (xml.startsWith("<?", start)) end = xml.indexOf("?>", start) + 1;
      else end = tagEnd(xml, start);
      if (end < start + 2) {
        // The tag goes on in the next piece.
        this.#text += xml.slice(at, start);
        this.#held = xml.slice(start);
        if (this.#held.length > longest) throw this.#refuse("a tag has no end");
        return;
      }
      this.#text += xml.slice(at, start);
      at = end + 1;
      const tag = xml.slice(start, at);
      if (tag.startsWith("<![CDATA[")) {
        this.#tell();
        this.#handler.text(tag.slice(9, -3));
      } else if (tag.startsWith("<!--") || tag.startsWith("<?")) continue;
      else if (tag.startsWith("<!")) throw this.#refuse("it brings a document type");
      else this.#tag(tag);
    }
  }

  end(): void {
    if (this.#held !== "" || this.#open.length > 0) throw this.#refuse("it ends too early");
  }

  #tell(): void {
    if (this.#text === "") return;
    const text = this.#text;
    this.#text = "";
    this.#handler.text(this.#decode(text));
  }

  #tag(tag: string): void {
    this.#tell();
    if (tag[1] === "/") {
      const name = tag.slice(2, -1).trim();
      if (this.#open.pop() !== name) throw this.#refuse(`the element '${name.slice(0, 40)}' is not open where it ends`);
      this.#handler.close(bare(name));
      return;
    }
    const alone = tag[tag.length - 2] === "/";
    const name = /^<([^\s/>]+)/.exec(tag)?.[1];
    if (name === undefined) throw this.#refuse("a tag has no name");
    const attributes = (wanted: string): string | undefined => {
      const found = new RegExp(`[\\s:]${wanted}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(tag);
      return found ? this.#decode(found[1] ?? found[2] ?? "") : undefined;
    };
    this.#handler.open(bare(name), attributes);
    if (alone) this.#handler.close(bare(name));
    else if (this.#open.push(name) > deepest) throw this.#refuse("elements are nested too deep");
  }

  #decode(text: string): string {
    if (!text.includes("&")) return text;
    return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w+));/g, (whole, hex?: string, digits?: string, name?: string) => {
      if (name !== undefined) {
        const letter = entities[name];
        if (letter === undefined) throw this.#refuse(`it uses the unknown name '${whole.slice(0, 40)}'`);
        return letter;
      }
      const code = hex === undefined ? Number(digits) : parseInt(hex, 16);
      return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : "\ufffd";
    });
  }
}

function bare(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/** The place of the ">" that ends the tag, quotes passed over; -1 where it is not there yet. */
function tagEnd(xml: string, start: number): number {
  let end = xml.indexOf(">", start);
  const quote = xml.indexOf('"', start);
  if (end < 0 || ((quote < 0 || quote > end) && xml.indexOf("'", start) < 0)) return end;
  let open = 0;
  for (let i = start + 1; i < xml.length; i++) {
    const code = xml.charCodeAt(i);
    if (open !== 0) {
      if (code === open) open = 0;
    } else if (code === 34 || code === 39) open = code;
    else if (code === 62) return i;
  }
  end = -1;
  return end;
}
