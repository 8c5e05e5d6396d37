import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { Port } from "../ipc/port.ts";
import { connect, type Handlers, serve } from "../ipc/rpc.ts";
import { fromFrame, socketPort, toFrame } from "./portSocket.ts";

let http: Server;
let sockets: WebSocketServer;
let client: WebSocket;
let here: Port;
let there: WebSocket;

beforeEach(async () => {
  http = createServer();
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  sockets = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 1 << 20 });
  const arrived = new Promise<WebSocket>((resolve) => sockets.once("connection", resolve));
  client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  there = await arrived;
  if (client.readyState !== client.OPEN) await new Promise((resolve) => client.once("open", resolve));
  here = socketPort(there, { waiting: 1 << 20 });
});
afterEach(async () => {
  client.terminate();
  there.terminate();
  sockets.close();
  await new Promise((resolve) => http.close(resolve));
});

const closed = () => new Promise<string | undefined>((resolve) => here.onClose(resolve));

test("frames keep typed arrays, large numbers, text and absent fields", () => {
  const value = {
    floats: new Float32Array([1.5, NaN, -0, Infinity]),
    doubles: new Float64Array([Math.PI]),
    ints: new Int32Array([-1, 2]),
    shorts: new Uint16Array([65535]),
    bytes: new Uint8Array([0, 255]),
    big: new BigInt64Array([-5n, 2n ** 62n]),
    time: 1_764_000_000_123,
    tiny: 5e-324,
    text: "数据 – é",
    nothing: null,
    list: [1, "a", false],
  };
  const back = fromFrame(toFrame({ ...value, absent: undefined })) as typeof value;
  expect(back).toEqual(value);
  expect("absent" in back).toBe(false);
  expect(Object.is(back.floats[2], -0)).toBe(true);
});

test("a view in the middle of a larger buffer comes out aligned and alone", () => {
  const whole = new Float64Array([1, 2, 3, 4]);
  expect(fromFrame(toFrame(whole.subarray(1, 3)))).toEqual(new Float64Array([2, 3]));
});

interface Api {
  double(input: { x: Float32Array }, signal?: AbortSignal): Promise<Float32Array>;
}
test("carries calls and answers both ways", async () => {
  const handlers = { double: async ({ x }) => x.map((value) => 2 * value) } satisfies Handlers<Api>;
  serve<Api, { tick: number }>(here, handlers);
  const page = connect<Api, { tick: number }>(socketPort(client));
  expect(await page.call.double({ x: new Float32Array([1, 2.5]) })).toEqual(new Float32Array([2, 5]));
  page.close();
});

test("a text frame and a frame that is not MessagePack end the connection", async () => {
  const end = closed();
  client.send("hello");
  expect(await end).toMatch(/not MessagePack/);
});

test("a frame over the limit ends the connection", async () => {
  const end = closed();
  client.send(Buffer.alloc(2 << 20));
  expect(await end).toMatch(/payload/i);
});

test("a page that reads too slowly is let go before memory grows", async () => {
  const end = closed();
  client.pause();
  const chunk = new Uint8Array(256 << 10);
  let sent = 0;
  while (there.readyState === there.OPEN && sent < 4000) {
    here.send(chunk);
    sent++;
    if (sent % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(there.bufferedAmount).toBeLessThanOrEqual(1 << 20);
  expect(sent).toBeLessThan(4000);
  expect(await end).toMatch(/too slowly/);
});

test("closing is told once on both sides, with its reason", async () => {
  const end = closed();
  const other = new Promise<string>((resolve) => client.once("close", (_code, reason) => resolve(reason.toString())));
  here.close("bye");
  here.close("again");
  expect(await end).toBe("bye");
  expect(await other).toBe("bye");
});
