// The network is refused by default. In this process every way out that Node has ends here: connections (net, tls, http, fetch and
// WebSocket all go through net.Socket), datagrams and name look-ups. This machine itself may be talked to, and what knocks at a
// server of ours is not a way out. Refused attempts are counted, and the count is shown.
import dgram from "node:dgram";
import dns from "node:dns";
import net from "node:net";
import { AppError } from "../ipc/error.ts";

let refused = 0;

/** Attempts refused so far. */
export const refusedCount = () => refused;

/** Counts an attempt that something else refused (a page's request, say). */
export function countRefused(more = 1): void {
  refused += more;
}

const loopback = new net.BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");
loopback.addSubnet("::ffff:127.0.0.0", 104, "ipv6");

/** True for this machine's own addresses and names. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  const family = net.isIP(bare);
  return family === 0 ? bare === "localhost" || bare.endsWith(".localhost") : loopback.check(bare, family === 4 ? "ipv4" : "ipv6");
}

function refusal(what: string): AppError {
  countRefused();
  return new AppError(
    "networkRefused",
    `Paddock does not use the network; an attempt to reach ${what} was refused.`,
    "Nothing needs to be done.",
    {
      address: what,
    },
  );
}

let installed = false;

/** Shuts the ways out of this process. Calling it again changes nothing. */
export function refuseNetwork(): void {
  if (installed) return;
  installed = true;

  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
    const { host, path, port } = connectTarget(args);
    if (path !== undefined || isLoopback(host)) return connect.apply(this, args as Parameters<typeof connect>);
    const error = refusal(`${host}:${port}`);
    process.nextTick(() => this.destroy(error));
    return this;
  } as typeof connect;

  const send = dgram.Socket.prototype.send;
  dgram.Socket.prototype.send = function (this: dgram.Socket, ...args: unknown[]) {
    // send(msg, [offset, length,] port, address, callback): the address is the first string after the message
    const address = args.slice(1).find((arg) => typeof arg === "string") as string | undefined;
    if (address === undefined || isLoopback(address)) return send.apply(this, args as unknown as Parameters<typeof send>);
    const error = refusal(address);
    const done = args.at(-1);
    process.nextTick(() => (typeof done === "function" ? done(error) : this.emit("error", error)));
  } as typeof send;
  const join = dgram.Socket.prototype.connect;
  dgram.Socket.prototype.connect = function (this: dgram.Socket, ...args: unknown[]) {
    const address = args[1];
    if (typeof address !== "string" || isLoopback(address)) return join.apply(this, args as unknown as Parameters<typeof join>);
    const error = refusal(address);
    process.nextTick(() => this.emit("error", error));
  } as typeof join;

  refuseLookups(dns as unknown as Table, false);
  refuseLookups(dns.promises as unknown as Table, true);
  refuseLookups(dns.Resolver.prototype as unknown as Table, false);
  refuseLookups(dns.promises.Resolver.prototype as unknown as Table, true);
}

type Table = Record<string, ((...args: unknown[]) => unknown) | undefined>;

const lookups = [
  "lookup",
  "lookupService",
  "resolve",
  "resolve4",
  "resolve6",
  "resolveAny",
  "resolveCaa",
  "resolveCname",
  "resolveMx",
  "resolveNaptr",
];
const moreLookups = ["resolveNs", "resolvePtr", "resolveSoa", "resolveSrv", "resolveTxt", "reverse"];

/** Name look-ups leave the machine too, except those of its own name and of addresses that need none. */
function refuseLookups(table: Table, promises: boolean): void {
  for (const name of [...lookups, ...moreLookups]) {
    const original = table[name];
    if (!original) continue;
    table[name] = function (this: unknown, ...args: unknown[]) {
      const host = String(args[0]);
      if (name === "lookup" && (isLoopback(host) || net.isIP(host) !== 0)) return original.apply(this, args);
      const error = refusal(host);
      if (promises) return Promise.reject(error);
      const done = args.at(-1);
      if (typeof done !== "function") throw error;
      process.nextTick(() => done(error));
      return {};
    };
  }
}

/** connect(options), connect(port, host), connect(path), and the normalised [options, callback] array that net passes on itself. */
function connectTarget(args: unknown[]): { host: string; port: string; path?: string } {
  const first = Array.isArray(args[0]) ? (args[0] as unknown[])[0] : args[0];
  if (typeof first === "object" && first !== null) {
    const { host, port, path } = first as { host?: string; port?: number | string; path?: string };
    return { host: host ?? "localhost", port: String(port ?? ""), ...(path ? { path } : {}) };
  }
  if (typeof first === "string" && !/^\d+$/.test(first)) return { host: "", port: "", path: first };
  return { host: typeof args[1] === "string" ? args[1] : "localhost", port: String(first) };
}
