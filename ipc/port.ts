// A Port carries messages both ways; it knows nothing of what they mean. Every transport (Electron ports, child processes,
// WebSockets, memory) is made to look like this, so that one RPC runs over all of them.

/** Stops a subscription. Calling it twice is harmless. */
export type Dispose = () => void;

export interface Port {
  /** Sends one structured-clonable message. After close it does nothing. */
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): Dispose;
  /** Called once, with the reason where one is known, when the other side is gone. */
  onClose(listener: (reason?: string) => void): Dispose;
  close(reason?: string): void;
}

/** A set of listeners that can be told something; the one piece every transport shares. */
export class Listeners<T extends unknown[]> {
  #all = new Set<(...args: T) => void>();

  add(listener: (...args: T) => void): Dispose {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  tell(...args: T): void {
    for (const listener of [...this.#all]) listener(...args);
  }

  get size(): number {
    return this.#all.size;
  }
}

/** Two connected ports in one process, for tests. Messages are cloned, so nothing shared slips through, and arrive later, in order. */
export function memoryPair(): [Port, Port] {
  const ends = [0, 1].map(() => ({ messages: new Listeners<[unknown]>(), closes: new Listeners<[string?]>() }));
  let open = true;
  const make = (mine: number): Port => {
    const here = ends[mine]!;
    const there = ends[1 - mine]!;
    return {
      send(message) {
        if (!open) return;
        const copy = structuredClone(message);
        queueMicrotask(() => open && there.messages.tell(copy));
      },
      onMessage: (listener) => here.messages.add(listener),
      onClose: (listener) => here.closes.add(listener),
      close(reason) {
        if (!open) return;
        open = false;
        queueMicrotask(() => {
          here.closes.tell(reason);
          there.closes.tell(reason);
        });
      },
    };
  };
  return [make(0), make(1)];
}
