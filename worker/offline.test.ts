import dgram from "node:dgram";
import dns from "node:dns";
import http from "node:http";
import net from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { onRefused, refusedCount } from "./offline.ts";

// Addresses are of the blocks kept for documentation: nothing would answer even if they were let through.
test("every way out is refused and counted", async () => {
  const failed = (begin: (done: (error: unknown) => void) => void) => new Promise<unknown>((resolve) => begin(resolve));
  const refused = { code: "networkRefused" };
  let count = refusedCount();
  let told = count;
  onRefused((now) => (told = now));
  const once = async (error: Promise<unknown>) => {
    expect(await error).toMatchObject(refused);
    expect(refusedCount()).toBeGreaterThan(count);
    count = refusedCount();
    expect(told).toBe(count);
  };
  await once(failed((done) => net.connect(80, "192.0.2.1").on("error", done)));
  await once(failed((done) => net.connect({ port: 80, host: "127.0.0.1" }).on("error", done)));
  await once(failed((done) => http.get("http://192.0.2.1/").on("error", done)));
  await once(fetch("http://192.0.2.1/").catch((error: Error) => error.cause));
  await once(failed((done) => dns.lookup("example.invalid", done)));
  await once(dns.promises.resolve4("example.invalid").catch((error: unknown) => error));
  await once(
    failed((done) => {
      const socket = dgram.createSocket("udp4");
      socket.send("x", 53, "192.0.2.1", (error) => {
        socket.close();
        done(error);
      });
    }),
  );
});

test("local sockets stay", async () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-offline-"));
  const path = process.platform === "win32" ? `\\\\.\\pipe\\paddock-${process.pid}` : join(folder, "s");
  const server = net.createServer((socket) => socket.end("hello")).listen(path);
  await new Promise((resolve) => server.once("listening", resolve));
  const text = await new Promise<string>((resolve, reject) =>
    net
      .connect(path)
      .on("data", (data) => resolve(String(data)))
      .on("error", reject),
  );
  expect(text).toBe("hello");
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
