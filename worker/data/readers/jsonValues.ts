// Splits JSON that arrives in pieces into its values: the items of one list, or values that follow one another (JSON Lines). Only ends of values
// are looked for here; JSON.parse says whether each is right.
import { basename } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { tooLarge } from "./reader.ts";

export interface Piece {
  value: unknown;
  /** The line on which it begins, from 1. */
  line: number;
}

/** Letters of one value. */
const longest = 200_000_000;
const deepest = 500;

export class Values {
  /** Values given so far, the one in hand included. */
  count = 0;
  /** True when the file is one list, whose items are the values. */
  inList = false;
  readonly #file: string;
  #parts: string[] = []; // of the value that is not finished
  #held = 0;
  #depth = 0;
  #string = false;
  #escaped = false;
  #started = false; // within a value
  #scalar = false; // … that is neither in brackets nor in quotes
  #line = 1;
  #begun = 1;
  #state: "before" | "values" | "after" = "before";
  #comma = false; // the last thing in the list was a comma
  #fresh = true; // nothing in the list yet, or a comma: a value may begin

  constructor(file: string) {
    this.#file = file;
  }

  *push(text: string): Generator<Piece> {
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === 10) this.#line++;
      if (this.#string) {
        if (this.#escaped) this.#escaped = false;
        else if (code === 92) this.#escaped = true;
        else if (code === 34) {
          this.#string = false;
          if (this.#depth === 0) {
            yield this.#value(text.slice(from, i + 1));
            from = i + 1;
          }
        }
        continue;
      }
      if (this.#started) {
        if (this.#scalar) {
          if (code === 44 || code === 93 || code <= 32) {
            yield this.#value(text.slice(from, i));
            from = i;
          } else continue;
        } else {
          if (code === 34) this.#string = true;
          else if (code === 123 || code === 91) {
            if (++this.#depth > deepest) throw this.#refuse("brackets are nested too deep");
          } else if (code === 125 || code === 93) {
            if (--this.#depth === 0) {
              yield this.#value(text.slice(from, i + 1));
              from = i + 1;
            }
          }
          continue;
        }
      }
      if (code <= 32 || code === 0xfeff) continue;
      if (this.#state === "after") throw this.#refuse("there is more after the end of the list");
      if (this.#state === "before") {
        this.#state = "values";
        if (code === 91) {
          this.inList = true;
          continue;
        }
      }
      if (this.inList) {
        if (code === 44) {
          if (this.#fresh) throw this.#refuse("a comma stands where a value was expected");
          this.#fresh = this.#comma = true;
          continue;
        }
        if (code === 93) {
          if (this.#comma) throw this.#refuse("a comma stands before the end of the list");
          this.#state = "after";
          continue;
        }
        if (!this.#fresh) throw this.#refuse("a comma is missing");
      }
      // A value begins.
      this.#started = true;
      this.#fresh = this.#comma = false;
      this.#begun = this.#line;
      from = i;
      if (code === 34) this.#string = true;
      else if (code === 123 || code === 91) this.#depth = 1;
      else this.#scalar = true;
    }
    if (this.#started) {
      this.#parts.push(text.slice(from));
      this.#held += text.length - from;
      if (this.#held > longest)
        throw tooLarge(this.#file, `the value that begins on line ${this.#begun} has no end within 200 million letters`);
    }
  }

  *end(): Generator<Piece> {
    if (this.#scalar) yield this.#value("");
    if (this.#started) throw this.#refuse("the value that begins here has no end", this.#begun);
    if (this.inList && this.#state !== "after") throw this.#refuse("the list has no end");
  }

  #value(tail: string): Piece {
    const text = this.#parts.length ? this.#parts.join("") + tail : tail;
    this.#parts = [];
    this.#held = 0;
    this.#started = this.#scalar = false;
    this.#depth = 0;
    this.count++;
    try {
      return { value: JSON.parse(text) as unknown, line: this.#begun };
    } catch (error) {
      const said = error instanceof Error ? error.message.slice(0, 120) : "";
      throw this.#refuse(`value ${this.count} is no JSON (${said})`, this.#begun, error);
    }
  }

  #refuse(what: string, line = this.#line, cause?: unknown): AppError {
    const name = basename(this.#file);
    return new AppError(
      "fileBroken",
      `${name}, line ${line}: ${what}.`,
      "Correct this place, or save the file again from the program that made it.",
      { file: name, line, row: this.count, what },
      cause,
    );
  }
}
