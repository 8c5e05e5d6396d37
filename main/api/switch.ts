// The switch of the local API: off until the user turns it on; what is wrong with its port is told, and nothing else stops.
import { randomBytes } from "node:crypto";
import { AppError } from "../../ipc/error.ts";
import type { HostEvents, Serving, Settings } from "../../ipc/host.ts";
import type { Talking } from "../talking.ts";
import type { Predictor } from "./predict.ts";
import type { ApiServer } from "./server.ts";

interface Parts {
  talking: Talking;
  predictor: Predictor;
  emit: <K extends keyof HostEvents & string>(name: K, value: HostEvents[K]) => void;
}

type Change = Partial<Omit<Settings, "version">>;

/** A change that switches the API on without a key gets one. */
export function withKey(change: Change): Change {
  if (!change.api?.on || change.api.key) return change;
  return { ...change, api: { ...change.api, key: `pk-${randomBytes(24).toString("base64url")}` } };
}

export class Api {
  state: Serving = { on: false, url: null, error: null };
  readonly #parts: Parts;
  #server: ApiServer | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** One change after the other. */
  apply(wanted: Settings["api"]): Promise<void> {
    return (this.#last = this.#last.then(() => this.#change(wanted)));
  }

  async #change({ on, port, key }: Settings["api"]): Promise<void> {
    if (!on && !this.#server && !this.state.on) return;
    await this.#server?.close();
    this.#server = undefined;
    this.state = { on, url: null, error: null };
    if (on)
      try {
        const { startApi } = await import("./server.ts");
        const { talking, predictor } = this.#parts;
        this.#server = await startApi({ talking, predictor, key, port });
        this.state = { on, url: this.#server.url, error: null };
      } catch (thrown) {
        this.state = { on, url: null, error: AppError.from(thrown).toRecord() };
      }
    this.#parts.emit("servingChanged", this.state);
  }

  async dispose(): Promise<void> {
    await this.#last;
    await this.#server?.close();
    this.#server = undefined;
  }
}
