// The network is refused in this process: connections (net, tls, http and fetch all go through net.Socket), datagrams and name look-ups
// end here with an error. A worker has no business with any address, this machine's own included; pipes and local sockets stay.
// Imported first by main.ts.
import dgram from "node:dgram";
import dns from "node:dns";
import net from "node:net";
import { AppError } from "../ipc/error.ts";
import { refuseTelemetry } from "./telemetry.ts";

let refused = 0;
let told: (count: number) => void = () => {};

/** Attempts refused so far in this process. */
export const refusedCount = (): number => refused;

/** Tells each further refusal, with the count so far, to one listener. */
export function onRefused(listener: (count: number) => void): void {
  told = listener;
}

function refusal(what: string): AppError {
  told(++refused);
  return new AppError(
    "networkRefused",
    `Paddock does not use the network; an attempt to reach ${what} was refused.`,
    "Nothing needs to be done.",
    {
      address: what,
    },
  );
}

type Table = Record<string, ((...args: never[]) => unknown) | undefined>;

let installed = false;

/** Shuts the ways out. Calling it again changes nothing. */
export function refuseNetwork(): void {
  if (installed) return;
  installed = true;
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
    const first = Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0]; // net hands on [options, callback]
    const { path, host, port } = (typeof first === "object" && first !== null ? first : {}) as {
      path?: string | null;
      host?: string;
      port?: number;
    };
    if (typeof path === "string" || (typeof first === "string" && !/^\d+$/.test(first))) return connect.apply(this, args as never);
    const error = refusal(
      typeof first === "object" ? `${host ?? "localhost"}:${port ?? ""}` : `${String(args[1] ?? "localhost")}:${String(first)}`,
    );
    process.nextTick(() => this.destroy(error));
    return this;
  } as typeof connect;

  for (const name of ["send", "connect"] as const)
    dgram.Socket.prototype[name] = function (this: dgram.Socket, ...args: unknown[]) {
      const error = refusal(`${String(args.find((arg) => typeof arg === "string" && /[.:]/.test(arg)) ?? "an address")} by UDP`);
      const done = args.at(-1);
      process.nextTick(() => (typeof done === "function" ? (done as (error: Error) => void)(error) : this.emit("error", error)));
    } as never;

  const isLookup = (name: string) => /^(lookup|lookupService|resolve|resolve\w+|reverse)$/.test(name);
  const tables: [object, boolean][] = [
    [dns, false],
    [dns.Resolver.prototype, false],
    [dns.promises, true],
    [dns.promises.Resolver.prototype, true],
  ];
  for (const [object, promises] of tables) {
    const table = object as Table;
    for (const name of [...Object.keys(table), ...Object.getOwnPropertyNames(table)].filter(isLookup)) {
      table[name] = (...args: unknown[]) => {
        const error = refusal(String(args[0]));
        if (promises) return Promise.reject(error);
        const done = args.at(-1);
        if (typeof done !== "function") throw error;
        process.nextTick(() => (done as (error: Error) => void)(error));
        return {};
      };
    }
  }
}

refuseNetwork();
refuseTelemetry();
