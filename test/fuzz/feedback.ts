// What an input reached that none before it did: counters of instrumented code in eight classes of how often, and what was answered.
import { createHash } from "node:crypto";

/** How often, in classes: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more. */
const classes = Uint8Array.from({ length: 256 }, (_, n) =>
  n === 0 ? 0 : n < 4 ? 1 << (n - 1) : n < 8 ? 8 : n < 16 ? 16 : n < 32 ? 32 : n < 128 ? 64 : 128,
);

type Compared = string | number | bigint;

export class Feedback {
  readonly counters: Uint8Array;
  /** What was compared and differed, the last 64. */
  readonly compared: [Compared, Compared][] = [];
  readonly #seen: Uint8Array;
  readonly #answers = new Set<string>();
  #at = 0;
  /** Classes of counters that were reached so far. */
  reached = 0;

  constructor(counters: Uint8Array) {
    this.counters = counters;
    this.#seen = new Uint8Array(counters.length);
  }

  begin(): void {
    this.counters.fill(0);
    this.compared.length = 0;
    this.#at = 0;
  }

  /** Notes a comparison; what instrumented code calls in the place of === and !==. */
  readonly same = (asked: boolean, a: unknown, b: unknown): boolean => {
    if (a === b) return asked;
    if (useful(a) && useful(b) && typeof a === typeof b) this.compared[this.#at++ % 64] = [a, b];
    return !asked;
  };

  /** Whether the input since `begin` reached anything new. @param answer what came of it, without what differs from input to input */
  news(answer: string): boolean {
    let found = 0;
    const { counters } = this;
    const seen = this.#seen;
    for (let i = 0; i < counters.length; i++) {
      if (counters[i] === 0) continue;
      const bit = classes[counters[i]!]!;
      if (seen[i]! & bit) continue;
      seen[i]! |= bit;
      found++;
    }
    this.reached += found;
    if (!this.#answers.has(answer) && this.#answers.size < 2000) {
      this.#answers.add(answer);
      found++;
    }
    return found > 0;
  }
}

const useful = (value: unknown): value is Compared =>
  typeof value === "string" ? value.length > 0 && value.length <= 64 : typeof value === "number" || typeof value === "bigint";

/** A message without its numbers, quotations and paths, so that the same answer is the same. */
export const shapeOf = (message: string): string => message.replace(/'[^']*'|"[^"]*"|“[^”]*”/g, "'…'").replace(/\/\S+|\d+/g, "#").slice(0, 160); // prettier-ignore

export const digest = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex").slice(0, 12);
