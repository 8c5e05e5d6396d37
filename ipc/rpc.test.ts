import { expect, test } from "vitest";
import { AppError } from "./error.ts";
import { memoryPair } from "./port.ts";
import { connect, serve, type Handlers } from "./rpc.ts";

interface Api {
  add(input: { a: number; b: number }, signal?: AbortSignal): Promise<number>;
  nothing(): Promise<void>;
  wait(input: { forever: true }, signal?: AbortSignal): Promise<string>;
  fail(input: { how: "app" | "plain" }): Promise<never>;
}
interface Events {
  tick: { n: number };
}

const handlers: Handlers<Api> = {
  add: async ({ a, b }) => a + b,
  nothing: async () => undefined,
  wait: (_, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")))),
  fail: async ({ how }) => {
    if (how === "app") throw new AppError("fileMissing", "No file.", "Choose another.", { file: "a.csv" });
    throw new TypeError("boom");
  },
};

function pair() {
  const [a, b] = memoryPair();
  return { server: serve<Api, Events>(a, handlers), client: connect<Api, Events>(b), near: a };
}

test("a call is answered by its value", async () => {
  const { client } = pair();
  expect(await client.call.add({ a: 1, b: 2 })).toBe(3);
  expect(await client.call.nothing()).toBeUndefined();
});

test("an error crosses as data, with the request's name", async () => {
  const { client } = pair();
  const error = await client.call.fail({ how: "app" }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(AppError);
  expect((error as AppError).toRecord()).toEqual({
    code: "fileMissing",
    message: "No file.",
    hint: "Choose another.",
    data: { file: "a.csv", request: "fail" },
  });
  await expect(client.call.fail({ how: "plain" })).rejects.toMatchObject({ code: "internal", message: "boom" });
});

test("a call that nothing answers is refused by name, also for inherited names", async () => {
  const { client } = pair();
  const call = client.call as unknown as Record<string, () => Promise<unknown>>;
  await expect(call["missing"]!()).rejects.toThrow("Nothing answers the call 'missing'");
  await expect(call["toString"]!()).rejects.toThrow("Nothing answers the call 'toString'");
});

test("an aborted signal cancels the call at the other side", async () => {
  const { client } = pair();
  const controller = new AbortController();
  const call = client.call.wait({ forever: true }, controller.signal);
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: "cancelled" });
  await expect(client.call.add({ a: 1, b: 1 }, controller.signal)).rejects.toMatchObject({ code: "cancelled" });
});

test("events arrive in order until disposed", async () => {
  const { server, client } = pair();
  const seen: number[] = [];
  const off = client.listen("tick", ({ n }) => seen.push(n));
  server.emit("tick", { n: 1 });
  server.emit("tick", { n: 2 });
  await client.call.nothing();
  off();
  server.emit("tick", { n: 3 });
  await client.call.nothing();
  expect(seen).toEqual([1, 2]);
});

test("a lost port rejects what waits, aborts what runs, and refuses what comes", async () => {
  const { client, near } = pair();
  let told: string | undefined;
  client.onClose((reason) => (told = reason));
  const call = client.call.wait({ forever: true });
  near.close("the worker died");
  await expect(call).rejects.toMatchObject({ code: "connectionLost", message: "The connection was lost: the worker died" });
  await expect(client.call.nothing()).rejects.toMatchObject({ code: "connectionLost" });
  expect(told).toBe("the worker died");
});

test("a message that cannot travel rejects its call", async () => {
  const { client } = pair();
  await expect(client.call.add({ a: (() => 1) as unknown as number, b: 1 })).rejects.toThrow(/could not be cloned/);
});

test("messages that are not ours are ignored", async () => {
  const [a, b] = memoryPair();
  serve<Api, Events>(a, handlers);
  const client = connect<Api, Events>(b);
  for (const junk of [null, 1, "call", { t: "nonsense" }, { t: "ok", id: 99 }, { t: "call", id: "x" }]) b.send(junk);
  // A name that cannot be made a text would have ended the process.
  for (const method of [{ toString: 1 }, null, ["add"]]) b.send({ t: "call", id: 7, method, input: {} });
  expect(await client.call.add({ a: 2, b: 2 })).toBe(4);
});
