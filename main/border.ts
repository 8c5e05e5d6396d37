// The border: every input is checked before a handler sees it, and what goes wrong inside is logged.
import type { GenericSchema } from "valibot";
import { AppError } from "../ipc/error.ts";
import type { HostApi } from "../ipc/host.ts";
import type { Handlers } from "../ipc/rpc.ts";
import { checked, inputs } from "./inputs.ts";
import type { Log } from "./log.ts";

/** Checks every input at the border, and logs what went wrong inside. */
export function guarded(handlers: Handlers<HostApi>, log: Log): Handlers<HostApi> {
  const guard = <K extends keyof HostApi>(name: K) => {
    const schema = (inputs as Partial<Record<keyof HostApi, GenericSchema>>)[name];
    const body = handlers[name] as (input: unknown, signal: AbortSignal) => Promise<unknown>;
    return async (input: unknown, signal: AbortSignal = new AbortController().signal) => {
      try {
        return await body(schema ? checked(schema, input ?? undefined, name) : undefined, signal);
      } catch (thrown) {
        const error = AppError.from(thrown);
        if (error.code === "internal" || error.code === "workerDied" || error.code === "outOfMemory")
          log.error({ err: thrown, call: name, data: error.data }, "call failed");
        throw error;
      }
    };
  };
  // The one cast: the names and bodies are those of `handlers`, each behind its schema.
  return Object.fromEntries(Object.keys(handlers).map((name) => [name, guard(name as keyof HostApi)])) as unknown as Handlers<HostApi>;
}
