// What every concept of the app stands on: the host, the door, notes, and the way around. The App is one; a test can be another.
import type { Handout, HostApi } from "../../ipc/host.ts";
import type { Door } from "../api.ts";
import type { Route } from "./route.ts";
import type { Toasts } from "./toasts.svelte.ts";

export interface Ground {
  readonly call: HostApi;
  readonly door: Door;
  readonly toasts: Toasts;
  goto(route: Route): void;
  /** Hands a file to the user and says so. */
  save(handout: Handout): Promise<void>;
  /** Does something whose failure needs no more than a note; answers undefined then. */
  attempt<T>(work: () => Promise<T>): Promise<T | undefined>;
}
