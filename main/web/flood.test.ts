// Floods: of wrong tokens and keys, of requests at once, of bodies that do not end, and heads that never do.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Handlers } from "../../ipc/rpc.ts";
import type { HostApi } from "../../ipc/host.ts";
import { type ApiLimits, apiApp, type ApiOptions } from "../api/app.ts";
import { type ApiServer, startApi } from "../api/server.ts";
import type { DoorHost } from "../door.ts";
import { Guesses } from "./flood.ts";
import { startServer, type WebServer } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-flood-"));
const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
  rmSync(folder, { recursive: true });
});

/** Models that are asked never answer until `let` is called. */
function parts(): { options: Pick<ApiOptions, "talking" | "predictor">; answer: () => void; asked: () => number } {
  const waiting: (() => void)[] = [];
  const predictor = {
    runs: async () => [{ id: "r", created: 0, folder: "/r" }],
    predict: () => new Promise((resolve) => waiting.push(() => resolve([]))),
  };
  const talking = { choices: async () => ({ models: [], adapters: [] }) };
  return {
    options: { predictor, talking } as unknown as Pick<ApiOptions, "talking" | "predictor">,
    answer: () => waiting.splice(0).forEach((go) => go()),
    asked: () => waiting.length,
  };
}

async function api(limits: Partial<ApiLimits> = {}, more: { patience?: number } = {}) {
  const made = parts();
  const server: ApiServer = await startApi({ ...made.options, key: "right", port: 0, limits, ...more });
  closing.push(() => server.close());
  return { ...made, port: server.port };
}

interface Answer {
  status: number;
  retry: string | undefined;
  body: string;
}
const ask = (port: number, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port, path, method: body === undefined ? "GET" : "POST", headers, agent: false },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
        answer.on("end", () => resolve({ status: answer.statusCode!, retry: answer.headers["retry-after"], body: text }));
      },
    );
    call.on("error", reject);
    call.end(body);
  });

/** What comes back on a raw connection until it ends. */
const raw = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    let back = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk) => (back += chunk.toString()));
    socket.on("error", () => {});
    socket.on("close", () => resolve(back));
  });

test("guesses come back with time", () => {
  let now = 0;
  const guesses = new Guesses({ burst: 3, perSecond: 0.5, now: () => now });
  for (let i = 0; i < 3; i++) {
    expect(guesses.wait()).toBe(0);
    guesses.wrong();
  }
  expect(guesses.wait()).toBe(2);
  now = 1000;
  expect(guesses.wait()).toBe(1);
  now = 2000;
  expect(guesses.wait()).toBe(0);
  now = 1e9;
  for (let i = 0; i < 3; i++) guesses.wrong();
  expect(guesses.wait()).toBe(2);
});

describe("the local API", () => {
  test("a flood of wrong keys is told to wait, and then not even the right key is looked at", async () => {
    const { port } = await api({ guesses: { burst: 5, perSecond: 0.001 } });
    const right = { authorization: "Bearer right" };
    expect((await ask(port, "/v1/models", right)).status).toBe(200);
    const answers = [];
    for (let i = 0; i < 8; i++) answers.push(await ask(port, "/v1/models", { authorization: `Bearer r${i}` }));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429, 429]);
    expect(Number(answers[7]!.retry)).toBeGreaterThan(0);
    expect(answers[7]!.body).toContain("rate_limit_exceeded");
    expect((await ask(port, "/v1/models", right)).status).toBe(429);
  });

  test("a connection that gave the right key goes on through a flood", async () => {
    const { port } = await api({ guesses: { burst: 1, perSecond: 0.001 } });
    const head = `GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer right\r\n`;
    const answered = new Promise<string>((resolve) => {
      let back = "";
      const socket = connect(port, "127.0.0.1", () => socket.write(`${head}\r\n`));
      socket.once("data", () => {
        void ask(port, "/v1/models", { authorization: "Bearer wrong" }).then(() => socket.write(`${head}Connection: close\r\n\r\n`));
      });
      socket.on("data", (chunk) => (back += chunk.toString()));
      socket.on("close", () => resolve(back));
    });
    expect((await answered).match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
    expect((await ask(port, "/v1/models", { authorization: "Bearer right" })).status).toBe(429);
  });

  test("more requests at once than there is room for are told to wait", async () => {
    const { port, asked, answer } = await api({ atOnce: 2 });
    const headers = { authorization: "Bearer right" };
    const body = JSON.stringify({ model: "r", rows: [{ x: 1 }] });
    const first = [ask(port, "/v1/predict", headers, body), ask(port, "/v1/predict", headers, body)];
    await expect.poll(asked).toBe(2);
    expect(await ask(port, "/v1/predict", headers, body)).toMatchObject({ status: 429, retry: "1" });
    answer();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
    const after = ask(port, "/v1/predict", headers, body);
    await expect.poll(asked).toBe(1);
    answer();
    expect((await after).status).toBe(200);
  });

  test("a body that is too large is refused by its length, one that does not end after a while", async () => {
    const { port } = await api({ body: { most: 1000, patience: 200 } });
    const head = (length: number) =>
      `POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer right\r\nContent-Length: ${length}\r\n\r\n{`;
    expect(await raw(port, head(5000))).toMatch(/^HTTP\/1.1 413/);
    expect(await raw(port, head(500))).not.toMatch(/ 200 /); // ended, not waited for
  });

  test("a head that does not end is let go of", async () => {
    const { port } = await api({}, { patience: 200 });
    expect(await raw(port, "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")).toMatch(/^(HTTP\/1.1 408|$)/);
  });
});

describe("the browser door", () => {
  const page = join(folder, "page");
  const open = async (more: { patience?: number; api?: ReturnType<typeof apiApp> } = {}): Promise<WebServer> => {
    mkdirSync(page, { recursive: true });
    writeFileSync(join(page, "index.html"), "<title>the page</title>");
    const host = {
      handlers: {} as Handlers<HostApi>,
      onEvent: () => () => {},
      receiveUpload: async (_: string, stream: AsyncIterable<Uint8Array>) => {
        for await (const part of stream) void part;
        return { id: "u" };
      },
      dispose: async () => {},
    } as unknown as DoorHost;
    const server = await startServer({ host, token: "the-token", workspace: folder, page, ...more });
    closing.push(() => server.close());
    return server;
  };

  test("wrong tokens are told to wait after a few; the right one is let in all the same", async () => {
    const { port } = await open();
    const answers = [];
    for (let i = 0; i < 30; i++) answers.push(await ask(port, i % 2 ? `/?token=${i}` : `/upload?name=a`, {}, i % 2 ? undefined : "x"));
    expect(answers[0]!.status).toBe(401);
    expect(answers.at(-1)).toMatchObject({ status: 429, retry: "1" });
    const socket = `GET /rpc?token=no HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
    expect(await raw(port, socket)).toMatch(/^HTTP\/1.1 429/);
    expect((await ask(port, "/?token=the-token")).status).toBe(200);
  });

  test("a head, and an upload, that stop coming are let go of", async () => {
    const { port } = await open({ patience: 200 });
    expect(await raw(port, "GET / HTTP/1.1\r\nX-Slow: ")).toMatch(/^(HTTP\/1.1 408|$)/);
    const upload = `POST /upload?name=a.csv HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nx-paddock-token: the-token\r\nContent-Length: 1000\r\n\r\nhalf`;
    expect(await raw(port, upload)).not.toMatch(/ 200 /);
  });

  test("the API at the same port is behind the same Host and Origin, and asks for its own key", async () => {
    const { port } = await open({ api: apiApp({ ...parts().options, key: "right" }) });
    const right = { authorization: "Bearer right" };
    expect((await ask(port, "/v1/models", right)).status).toBe(200);
    expect((await ask(port, "/v1/models?token=the-token")).status).toBe(401);
    expect((await ask(port, "/v1/models", { ...right, host: `evil.example:${port}` })).status).toBe(403);
    expect((await ask(port, "/v1/models", { ...right, origin: "http://evil.example" })).status).toBe(403);
    expect((await ask(port, "/v1/models", { ...right, "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await ask(port, "/v1/predict", { ...right, origin: "null" }, "{}")).status).toBe(403);
  });
});
