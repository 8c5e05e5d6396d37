// Delimited text, record by record, from pieces of text of any size. It follows RFC 4180 and what people do beyond it: any line end
// (LF, CRLF, CR, mixed), blanks before an opening quote, text after a closing one. Used on the sample that decides the dialect, and
// to rewrite files that the engine's strict reader refuses; the rows of ordinary files never pass here.

/** One record: its fields, and the line (from 1) on which it begins. Blank lines are no records. */
export type OnRecord = (fields: string[], line: number) => void;

const QUOTE = 34;
const LF = 10;
const CR = 13;
const SPACE = 32;

export interface RecordsOptions {
  /** One character; " " means runs of blanks, those at the ends of a line not counted. */
  delimiter: string;
  /** False: the quote is a letter like any other. */
  quotes?: boolean;
}

export class Records {
  /** The line on which the quote that is open now began, or 0. */
  openedAt = 0;
  /** Line of the first quote that opened a field over several lines with text after its closing quote: most likely no real quote. */
  strayAt = 0;
  #delimiter: number;
  #runs: boolean;
  #quotes: boolean;
  #emit: OnRecord;
  #fields: string[] = [];
  #field = "";
  #line = 1;
  #begun = 1;
  #state: "start" | "plain" | "quoted" | "closed" = "start";
  #wasQuoted = false;
  #afterCr = false;

  constructor(options: RecordsOptions, emit: OnRecord) {
    this.#delimiter = options.delimiter.charCodeAt(0);
    this.#runs = options.delimiter === " ";
    this.#quotes = options.quotes ?? true;
    this.#emit = emit;
  }

  push(text: string): void {
    let from = 0; // start of the run of ordinary letters not yet copied
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (this.#afterCr) {
        this.#afterCr = false;
        if (code === LF) {
          if (this.#state === "quoted") continue; // the pair is one line, kept as written
          from = i + 1;
          continue;
        }
      }
      if (this.#state === "quoted") {
        if (code === QUOTE) {
          this.#field += text.slice(from, i);
          from = i + 1;
          this.#state = "closed";
        } else if (code === LF) this.#line++;
        else if (code === CR) {
          this.#line++;
          this.#afterCr = true;
        }
        continue;
      }
      if (code === QUOTE && this.#quotes) {
        if (this.#state === "closed") {
          this.#field += '"'; // a doubled quote
          from = i + 1;
          this.#state = "quoted";
        } else if (this.#state === "start" && (this.#field + text.slice(from, i)).trim() === "") {
          this.#field = "";
          from = i + 1;
          this.#state = "quoted";
          this.#wasQuoted = true;
          this.openedAt = this.#line;
        } else if (this.#state === "start") this.#state = "plain";
      } else if (code === this.#delimiter) {
        this.#take(text.slice(from, i));
        from = i + 1;
        if (!this.#runs || this.#field !== "" || this.#wasQuoted) this.#endField();
        else this.#field = "";
      } else if (code === LF || code === CR) {
        this.#take(text.slice(from, i));
        from = i + 1;
        this.#endRecord();
        this.#line++;
        this.#begun = this.#line;
        this.#afterCr = code === CR;
      } else if (this.#state === "start" && code !== SPACE && code !== 9) this.#state = "plain";
      else if (this.#state === "closed" && code !== SPACE) {
        this.#state = "plain"; // "abc"def: read as abcdef
        if (this.strayAt === 0 && this.#line > this.openedAt) this.strayAt = this.openedAt;
        from = i;
      }
    }
    if (from < text.length) this.#take(text.slice(from));
  }

  /** The end of the text. False when a quote is still open (`openedAt` says since where); what it swallowed is then not emitted. */
  end(): boolean {
    if (this.#state === "quoted") return false;
    this.#endRecord();
    return true;
  }

  #take(piece: string): void {
    if (this.#state !== "closed") this.#field += piece; // blanks after a closing quote carry nothing
  }

  #endField(): void {
    this.#fields.push(this.#field);
    this.#field = "";
    this.#state = "start";
    this.#wasQuoted = false;
  }

  #endRecord(): void {
    if (this.#runs && this.#fields.length > 0 && this.#field === "" && !this.#wasQuoted) this.#state = "start";
    else if (this.#fields.length === 0 && !this.#wasQuoted && this.#field.trim() === "") {
      this.#field = "";
      this.#state = "start";
      return;
    } else this.#endField();
    const fields = this.#fields;
    this.#fields = [];
    this.#emit(fields, this.#begun);
  }
}

/** Letters that a sample is read by: it ends soon after the records that are wanted. */
const step = 1 << 16;

/**
 * The first whole records of a sample, up to `most`; an unfinished last one is left out when `cut` says that the text goes on.
 */
export function recordsOf(text: string, options: RecordsOptions, cut: boolean, most = Infinity): { fields: string[]; line: number }[] {
  const records: { fields: string[]; line: number }[] = [];
  const reader = new Records(options, (fields, line) => records.push({ fields, line }));
  const whole = cut ? text.slice(0, Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1) : text;
  for (let at = 0; at < whole.length; at += step) {
    reader.push(whole.slice(at, at + step));
    if (records.length >= most) return records.slice(0, most);
  }
  reader.end();
  return records.slice(0, most);
}
