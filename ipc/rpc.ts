// Calls and events over a Port. One interface is the surface; the client is derived from it. Two verbs: call (cancellable
// through an AbortSignal) and listen (disposable). A call is answered exactly once: by its value, its error, or the loss of the port.
import { AppError, type ErrorRecord, isErrorCode } from "./error.ts";
import { type Dispose, Listeners, type Port } from "./port.ts";

/** Every method of an API takes one input (or none) and a signal, and answers with a promise. */
export type Method = (input: never, signal: AbortSignal) => Promise<unknown>;
/** The bodies behind an interface A: the signal is always given. */
export type Handlers<A> = {
  [K in keyof A]: A[K] extends (...args: infer P) => Promise<infer R>
    ? (input: P[0] extends undefined ? undefined : Exclude<P[0], AbortSignal>, signal: AbortSignal) => Promise<R>
    : never;
};

type Wire =
  | { t: "call"; id: number; method: string; input: unknown }
  | { t: "cancel"; id: number }
  | { t: "ok"; id: number; value: unknown }
  | { t: "error"; id: number; error: ErrorRecord }
  | { t: "event"; name: string; value: unknown };

/** The one cast at the wire: a message is ours if its tag is; the rest is checked where it is used. */
function wire(message: unknown): Wire | undefined {
  const tag = (message as { t?: unknown } | null)?.t;
  return tag === "call" || tag === "cancel" || tag === "ok" || tag === "error" || tag === "event" ? (message as Wire) : undefined;
}

export interface Server<Events> {
  emit<K extends keyof Events & string>(name: K, value: Events[K]): void;
  dispose: Dispose;
}

/**
 * Answers calls that arrive on the port. Unknown methods and thrown errors are answered as errors, never dropped; when the port
 * closes, every call under way is aborted.
 */
export function serve<A, Events>(port: Port, handlers: Handlers<A>): Server<Events> {
  const running = new Map<number, AbortController>();
  const table = handlers as Record<string, Method | undefined>;

  async function answer(id: number, method: string, input: unknown): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const body = Object.hasOwn(table, method) ? table[method] : undefined;
      if (!body) throw new AppError("internal", `Nothing answers the call '${method}'.`, "Update both sides of the app.", { method });
      const value = await body.call(table, input as never, controller.signal);
      port.send({ t: "ok", id, value } satisfies Wire);
    } catch (thrown) {
      const error = AppError.from(thrown).toRecord();
      port.send({ t: "error", id, error: { ...error, data: { ...error.data, request: method } } } satisfies Wire);
    } finally {
      running.delete(id);
    }
  }

  const offMessage = port.onMessage((message) => {
    const m = wire(message);
    if (m?.t === "call" && typeof m.id === "number") void answer(m.id, typeof m.method === "string" ? m.method : "", m.input);
    else if (m?.t === "cancel") running.get(m.id)?.abort();
  });
  const abortAll = () => {
    for (const controller of running.values()) controller.abort();
  };
  const offClose = port.onClose(abortAll);
  return {
    emit: (name, value) => port.send({ t: "event", name, value } satisfies Wire),
    dispose: () => {
      offMessage();
      offClose();
      abortAll();
    },
  };
}

export interface Client<A, Events> {
  /** The API itself; an AbortSignal as second argument (first, where there is no input) cancels the call. */
  call: A;
  listen<K extends keyof Events & string>(name: K, listener: (value: Events[K]) => void): Dispose;
  /** Called once when the other side is gone; calls under way have then been rejected with `connectionLost`. */
  onClose(listener: (reason?: string) => void): Dispose;
  close(): void;
}

/** A client for the API served at the other end of the port. */
export function connect<A extends object, Events>(port: Port): Client<A, Events> {
  let next = 1;
  let lost: string | undefined;
  let closed = false;
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void; off: Dispose }>();
  const events = new Map<string, Listeners<[unknown]>>();
  const closes = new Listeners<[string?]>();

  const gone = () =>
    new AppError(
      "connectionLost",
      lost ? `The connection was lost: ${lost}` : "The connection was lost.",
      "Try again; what was saved is kept.",
      {},
    );

  function settle(id: number): { resolve: (value: unknown) => void; reject: (error: Error) => void } | undefined {
    const call = waiting.get(id);
    waiting.delete(id);
    call?.off();
    return call;
  }

  port.onMessage((message) => {
    const m = wire(message);
    if (m?.t === "ok") settle(m.id)?.resolve(m.value);
    else if (m?.t === "error") {
      const record = isErrorCode(m.error?.code) ? m.error : AppError.from(m.error?.message).toRecord();
      settle(m.id)?.reject(AppError.fromRecord(record));
    } else if (m?.t === "event") events.get(m.name)?.tell(m.value);
  });
  port.onClose((reason) => {
    closed = true;
    lost = reason;
    for (const id of [...waiting.keys()]) settle(id)?.reject(gone());
    closes.tell(reason);
  });

  function invoke(method: string, input: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (closed) return reject(gone());
      if (signal?.aborted) return reject(AppError.from(new DOMException("aborted", "AbortError")));
      const id = next++;
      // Cancelling asks; the answer (usually `cancelled`) still comes from the other side, which has then really stopped.
      const cancel = () => port.send({ t: "cancel", id } satisfies Wire);
      signal?.addEventListener("abort", cancel, { once: true });
      waiting.set(id, { resolve, reject, off: () => signal?.removeEventListener("abort", cancel) });
      try {
        port.send({ t: "call", id, method, input } satisfies Wire);
      } catch (thrown) {
        settle(id)?.reject(AppError.from(thrown));
      }
    });
  }

  const call = new Proxy({} as A, {
    get: (_, method) =>
      typeof method === "string" && method !== "then"
        ? (input?: unknown, signal?: AbortSignal) =>
            input instanceof AbortSignal ? invoke(method, undefined, input) : invoke(method, input, signal)
        : undefined,
  });
  return {
    call,
    listen(name, listener) {
      let all = events.get(name);
      if (!all) events.set(name, (all = new Listeners()));
      return all.add(listener as (value: unknown) => void);
    },
    onClose: (listener) => closes.add(listener),
    close: () => port.close(),
  };
}
