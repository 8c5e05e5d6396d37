// Who may come in through the browser door: requests to this very address (no rebound names), from our own page or a person's own
// navigation, with the token. Pure functions over headers.
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface Asked {
  method: string;
  /** Path without the query. */
  path: string;
  host: string | undefined;
  origin: string | undefined;
  fetchSite: string | undefined;
  fetchMode: string | undefined;
}

/** What a request says of who asks. */
export function askedOf(request: IncomingMessage): Asked & { url: URL } {
  const one = (name: string) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const url = new URL(request.url ?? "/", "http://paddock.invalid");
  return {
    url,
    method: request.method ?? "GET",
    path: url.pathname,
    host: one("host"),
    origin: one("origin"),
    fetchSite: one("sec-fetch-site"),
    fetchMode: one("sec-fetch-mode"),
  };
}

/** Constant-time comparison; the lengths may differ without a sign of it. */
export function sameToken(given: string | null | undefined, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given ?? ""), digest(token)) && given === token;
}

/** Names under which a loopback server may be called. Any other name in Host means that someone made it point here. */
export function ownHosts(port: number): string[] {
  return [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
}

/** Why the request is refused, or undefined when it may go on (to its token). */
export function refusal(asked: Asked, port: number): string | undefined {
  const host = asked.host?.toLowerCase();
  if (!host || !ownHosts(port).includes(host)) return "This address is not Paddock's own.";
  if (asked.origin !== undefined && asked.origin !== `http://${host}`) return "Another site may not ask Paddock.";
  const site = asked.fetchSite ?? "none";
  // A person may follow the printed address from anywhere: the page itself then still wants its token.
  const ownVisit = asked.method === "GET" && asked.path === "/" && asked.fetchMode === "navigate";
  if (site !== "none" && site !== "same-origin" && !ownVisit) return "Another site may not ask Paddock.";
  return undefined;
}
