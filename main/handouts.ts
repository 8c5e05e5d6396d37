// Files that the host hands to the user. A door gives out only what was handed out: the browser by an id that cannot be guessed, the
// window by the same path it was told.
import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import type { Handout, HostApi } from "../ipc/host.ts";
import type { Handlers } from "../ipc/rpc.ts";

/** A file as it is handed out. */
export async function handoutOf(path: string, name: string = path.split(/[/\\]/).at(-1)!): Promise<Handout> {
  return { name, path, bytes: (await stat(path)).size };
}

/** How many are remembered: more than a person has open, few enough to forget. */
const limit = 1000;

export class Handouts {
  #byId = new Map<string, Handout>();
  #address: ((id: string) => string) | undefined;

  /** `address` makes the URL of an id, in the browser door. */
  constructor(address?: (id: string) => string) {
    this.#address = address;
  }

  /** Remembers a handout, and answers it as the page sees it. */
  add(handout: Handout): Handout {
    const id = randomBytes(18).toString("base64url");
    this.#byId.set(id, handout);
    for (const oldest of this.#byId.keys()) {
      if (this.#byId.size <= limit) break;
      this.#byId.delete(oldest);
    }
    return this.#address ? { ...handout, url: this.#address(id) } : handout;
  }

  get(id: string): Handout | undefined {
    return this.#byId.get(id);
  }

  /** The handout that lies at this path, if one was given. */
  at(path: string): Handout | undefined {
    for (const handout of this.#byId.values()) if (handout.path === path) return handout;
    return undefined;
  }

  /** The same handlers, with every file that they hand out remembered here. */
  watch(handlers: Handlers<HostApi>): Handlers<HostApi> {
    return {
      ...handlers,
      exportOnnx: async (input, signal) => this.add(await handlers.exportOnnx(input, signal)),
      exportRun: async (input, signal) => {
        const answer = await handlers.exportRun(input, signal);
        return { ...answer, handout: this.add(answer.handout) };
      },
      checkUpdate: async (input, signal) => {
        const { update, handout } = await handlers.checkUpdate(input, signal);
        return { update, handout: this.add(handout) };
      },
      predictFile: async (input, signal) => {
        const answer = await handlers.predictFile(input, signal);
        return { ...answer, handout: this.add(answer.handout) };
      },
      runModel: async (input, signal) => {
        const { answer, pictures } = await handlers.runModel(input, signal);
        return { answer, pictures: pictures.map(({ output, handout }) => ({ output, handout: this.add(handout) })) };
      },
    };
  }
}
