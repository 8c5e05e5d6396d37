import dgram from "node:dgram";
import dns from "node:dns";
import http from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { isLoopback, refuseNetwork, refusedCount } from "./offline.ts";

refuseNetwork();

/** Every way out that Node has, each to an address that would answer nobody (TEST-NET-1). */
const ways: [string, () => Promise<unknown>][] = [
  ["net", () => once(net.connect(80, "192.0.2.1"), "connect")],
  ["net by options", () => once(net.connect({ host: "192.0.2.1", port: 80 }), "connect")],
  ["net by name", () => once(net.connect(80, "paddock.example"), "connect")],
  ["net over IPv6", () => once(net.connect(80, "2001:db8::1"), "connect")],
  ["tls", () => once(tls.connect(443, "192.0.2.1"), "secureConnect")],
  ["http", () => once(http.get("http://192.0.2.1/"), "response")],
  ["https", () => once(https.get("https://paddock.example/"), "response")],
  ["fetch", () => fetch("http://192.0.2.1/")],
  [
    "dns.lookup",
    () => new Promise((resolve, reject) => dns.lookup("paddock.example", (error, at) => (error ? reject(error) : resolve(at)))),
  ],
  ["dns.promises", () => dns.promises.lookup("paddock.example")],
  [
    "dns.resolve",
    () => new Promise((resolve, reject) => dns.resolve4("paddock.example", (error, at) => (error ? reject(error) : resolve(at)))),
  ],
  ["a resolver", () => new dns.promises.Resolver().resolve4("paddock.example")],
  [
    "a datagram",
    () =>
      new Promise((resolve, reject) => {
        const socket = dgram.createSocket("udp4");
        socket.send("x", 53, "192.0.2.1", (error) => (socket.close(), error ? reject(error) : resolve(null)));
      }),
  ],
];

test.each(ways)("%s is refused and counted", async (_, go) => {
  const before = refusedCount();
  await expect(go()).rejects.toSatisfy(
    (error: Error & { code?: string }) =>
      (error.cause ?? error) instanceof Error && JSON.stringify([error.message, String(error.cause)]).includes("refused"),
  );
  expect(refusedCount()).toBe(before + 1);
});

test("this machine itself may be talked to, and a server of ours is reached", async () => {
  const before = refusedCount();
  const server = http.createServer((_, response) => response.end("here")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const host of ["127.0.0.1", "localhost"]) expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe("here");
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(refusedCount()).toBe(before);
});

describe("this machine's names", () => {
  test.each(["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST", "a.localhost", "::ffff:127.0.0.1"])("%s", (host) => {
    expect(isLoopback(host)).toBe(true);
  });
  test.each(["192.0.2.1", "0.0.0.0", "::", "localhost.example", "127.0.0.1.example", "128.0.0.1", "", "2130706433"])("not %j", (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});
