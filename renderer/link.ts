// One lasting line to the host over connections that may be lost: calls go over the connection of the moment, listeners are carried
// over to the next one, and the state says what to show.
import { AppError } from "../ipc/error.ts";
import type { HostApi, HostEvents } from "../ipc/host.ts";
import { type Dispose, Listeners, type Port } from "../ipc/port.ts";
import { type Client, connect } from "../ipc/rpc.ts";

export type LinkState = "connecting" | "open" | "lost";

/** Waits before the next attempt, in milliseconds; the last one repeats. */
const waits = [300, 700, 1500, 3000, 5000];

type AnyListener = (value: never) => void;

export class Link {
  /** Calls wait for the first connection; once it was lost they are refused until there is another. */
  readonly call: HostApi;
  #open: () => Promise<Port>;
  #state: LinkState = "connecting";
  #client: Client<HostApi, HostEvents> | undefined;
  #first: Promise<void>;
  #states = new Listeners<[LinkState]>();
  #listeners = new Map<keyof HostEvents, Set<AnyListener>>();
  #offs: Dispose[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(open: () => Promise<Port>) {
    this.#open = open;
    this.#first = this.#connect(0);
    this.call = new Proxy({} as HostApi, {
      get: (_, method) => (typeof method === "string" && method !== "then" ? (...args: unknown[]) => this.#ask(method, args) : undefined),
    });
  }

  listen<K extends keyof HostEvents>(name: K, listener: (value: HostEvents[K]) => void): Dispose {
    let all = this.#listeners.get(name);
    if (!all) {
      this.#listeners.set(name, (all = new Set()));
      if (this.#client) this.#carry(this.#client, name);
    }
    all.add(listener);
    return () => all.delete(listener);
  }

  get state(): LinkState {
    return this.#state;
  }

  onState(listener: (state: LinkState) => void): Dispose {
    return this.#states.add(listener);
  }

  close(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#client?.close();
  }

  async #connect(attempt: number): Promise<void> {
    try {
      const port = await this.#open();
      if (this.#ended) return port.close();
      const client = connect<HostApi, HostEvents>(port);
      this.#client = client;
      for (const name of this.#listeners.keys()) this.#carry(client, name);
      client.onClose(() => this.#gone());
      this.#become("open");
    } catch {
      // Nobody answers yet; the state says so and the next attempt follows.
      if (this.#ended) return;
      this.#become("lost");
      await new Promise<void>((resolve) => (this.#timer = setTimeout(resolve, waits[Math.min(attempt, waits.length - 1)])));
      if (!this.#ended) await this.#connect(attempt + 1);
    }
  }

  #become(state: LinkState): void {
    this.#state = state;
    this.#states.tell(state);
  }

  #gone(): void {
    for (const off of this.#offs.splice(0)) off();
    this.#client = undefined;
    if (this.#ended) return;
    this.#become("lost");
    void this.#connect(0);
  }

  #carry(client: Client<HostApi, HostEvents>, name: keyof HostEvents): void {
    const tell = (value: unknown) => {
      for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(value as never);
    };
    this.#offs.push(client.listen(name, tell));
  }

  async #ask(method: string, args: unknown[]): Promise<unknown> {
    if (!this.#client) await this.#first;
    const client = this.#client;
    if (!client) throw new AppError("connectionLost", "The connection was lost.", "Try again; what was saved is kept.", {});
    // The name was checked by the type of `call`.
    const body = client.call[method as keyof HostApi] as (...args: unknown[]) => Promise<unknown>;
    return body(...args);
  }
}
