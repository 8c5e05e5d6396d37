// Limits for who asks too often: wrong keys, bodies that never end, and more at once than there is room for.
import type { IncomingMessage } from "node:http";

/** Wrong keys that are taken: some at once, then a few a second. Time is monotonic, in milliseconds. */
export class Guesses {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  constructor({
    burst = 20,
    perSecond = 1,
    now = () => performance.now(),
  }: { burst?: number; perSecond?: number; now?: () => number } = {}) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#now = now;
    this.#left = burst;
    this.#at = now();
  }

  /** Whole seconds until another guess is looked at; 0: now. */
  wait(): number {
    const now = this.#now();
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    return this.#left >= 1 ? 0 : Math.max(1, Math.ceil((1 - this.#left) / this.#perSecond));
  }

  wrong(): void {
    this.wait();
    this.#left = Math.max(0, this.#left - 1);
  }
}

export interface BodyLimits {
  /** Bytes of one body. */
  most: number;
  /** Milliseconds that it may take in all. */
  patience: number;
}

export class BodyRefused extends Error {
  readonly why: "large" | "slow" | "crowded";
  constructor(why: BodyRefused["why"]) {
    super(`the body is refused: ${why}`);
    this.why = why;
  }
}

/** Room for bodies that are held in memory until they are whole. */
export class BodyRoom {
  readonly #most: number;
  #held = 0;

  /** @param most bytes of all bodies together */
  constructor(most = 256 * 2 ** 20) {
    this.#most = most;
  }

  /** The whole body. Throws BodyRefused where it is too large or too slow, or there is no room for it. */
  async read(request: IncomingMessage, { most, patience }: BodyLimits): Promise<Buffer> {
    if (Number(request.headers["content-length"] ?? 0) > most) throw new BodyRefused("large");
    const parts: Buffer[] = [];
    let size = 0;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      request.destroy();
    }, patience);
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        size += part.length;
        this.#held += part.length;
        if (size > most) throw new BodyRefused("large");
        if (this.#held > this.#most) throw new BodyRefused("crowded");
        parts.push(part);
      }
      return Buffer.concat(parts);
    } catch (thrown) {
      throw late ? new BodyRefused("slow") : thrown;
    } finally {
      clearTimeout(timer);
      this.#held -= size;
    }
  }
}

/** Options of a server that lets go of who does not come to the end of a request's head. @param patience milliseconds */
export const slowHeads = (patience = 10_000) => ({ headersTimeout: patience, connectionsCheckingInterval: Math.max(50, patience / 4) });
