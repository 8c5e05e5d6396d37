// Small drawings of a project's pictures as addresses that an <img> takes. What is asked for in one turn travels as one question; the
// newest few hundred stay.
import type { Ground } from "./ground.ts";

/** Drawings that stay, and that one question asks for. */
const kept = 600;
const most = 60;

export class Thumbnails {
  #ground: Ground;
  #project: string;
  #pixels: number;
  #known = new Map<string, Promise<string | null>>();
  #made = new Map<string, string>();
  #waiting: { name: string; done: (address: string | null) => void }[] = [];
  #closed = false;

  constructor(ground: Ground, project: string, pixels = 128) {
    this.#ground = ground;
    this.#project = project;
    this.#pixels = pixels;
  }

  /** The address of a picture's drawing; null where it cannot be drawn. */
  of(name: string): Promise<string | null> {
    const known = this.#known.get(name);
    if (known) return known;
    const asked = new Promise<string | null>((done) => this.#waiting.push({ name, done }));
    this.#known.set(name, asked);
    if (this.#waiting.length === 1) queueMicrotask(() => void this.#ask());
    return asked;
  }

  dispose(): void {
    this.#closed = true;
    for (const address of this.#made.values()) URL.revokeObjectURL(address);
    this.#made.clear();
    this.#known.clear();
  }

  async #ask(): Promise<void> {
    const all = this.#waiting.splice(0);
    for (let from = 0; from < all.length; from += most) {
      const some = all.slice(from, from + most);
      const names = some.map(({ name }) => name);
      const drawn = await this.#ground.call
        .thumbnails({ id: this.#project, names, pixels: this.#pixels })
        .catch(() => names.map(() => undefined));
      some.forEach(({ name, done }, i) => {
        const bytes = drawn[i];
        // What failed as a whole may be asked for again.
        if (bytes === undefined) this.#known.delete(name);
        done(bytes && !this.#closed ? this.#address(name, bytes) : null);
      });
    }
  }

  #address(name: string, bytes: Uint8Array): string {
    const address = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
    this.#made.set(name, address);
    for (const [oldest, old] of this.#made) {
      if (this.#made.size <= kept) break;
      this.#made.delete(oldest);
      this.#known.delete(oldest);
      URL.revokeObjectURL(old);
    }
    return address;
  }
}
