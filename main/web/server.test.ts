import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { AppError } from "../../ipc/error.ts";
import type { HostApi, HostEvents } from "../../ipc/host.ts";
import { Listeners } from "../../ipc/port.ts";
import { connect, type Handlers } from "../../ipc/rpc.ts";
import type { DoorHost } from "../door.ts";
import { socketPort } from "../portSocket.ts";
import { startServer, type WebServer } from "./server.ts";
import { uploadLimit } from "./upload.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-web-"));
const page = join(folder, "page");
const workspace = join(folder, "workspace");
const token = "the-token";
const events = new Listeners<[keyof HostEvents & string, unknown]>();
const uploads: { name: string; bytes: number; error?: unknown }[] = [];

/** A host that answers a few calls with real files and real streams; the rest is refused by name, by the RPC itself. */
const host: DoorHost = {
  handlers: {
    app: async () => ({ version: "1", door: "browser", platform: "x", workspace, cores: 1, memoryBytes: 1, updates: false }),
    removeProject: async () => {
      throw new AppError("projectMissing", "There is no such project.", "Choose another.", { id: "x" });
    },
    rows: (_input: unknown, signal: AbortSignal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(AppError.from(new DOMException("", "AbortError"))), { once: true }),
      ),
    exportOnnx: async () => {
      const path = join(workspace, "models", "模型 'a'.onnx");
      mkdirSync(join(workspace, "models"), { recursive: true });
      await writeFile(path, "weights");
      return { name: "模型 'a'.onnx", path, bytes: 7 };
    },
  } as unknown as Handlers<HostApi>,
  onEvent: (listener) => events.add(listener as (name: string, value: unknown) => void),
  async receiveUpload(name, stream) {
    const seen: (typeof uploads)[number] = { name, bytes: 0 };
    uploads.push(seen);
    try {
      for await (const chunk of stream) seen.bytes += chunk.length;
    } catch (thrown) {
      seen.error = thrown;
      throw thrown;
    }
    return { id: `u${uploads.length}` };
  },
  dispose: async () => {},
};

let server: WebServer;
let windows = 0;
beforeAll(async () => {
  mkdirSync(join(page, "assets"), { recursive: true });
  mkdirSync(workspace, { recursive: true });
  writeFileSync(join(page, "index.html"), "<title>the page</title>");
  writeFileSync(join(page, "assets/app.js"), "export {};");
  writeFileSync(join(folder, "secret.js"), "secret");
  server = await startServer({ host, token, workspace, page, onWindows: (open) => (windows = open) });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}
function ask(path: string, options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = "GET", headers = {}, body } = options;
    const call = request({ host: "127.0.0.1", port: server.port, path, method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode!, headers: answer.headers, body: text }));
    });
    call.on("error", reject);
    call.end(body);
  });
}

describe("the page", () => {
  test("is given to who has the token, and to nobody else", async () => {
    const given = await ask(`/?token=${token}`);
    expect(given.status).toBe(200);
    expect(given.body).toContain("the page");
    for (const path of ["/", "/?token=", "/?token=the-toke", "/?token=THE-TOKEN", "/index.html", "/?ticket=x"]) {
      const refused = await ask(path);
      expect(refused.status, path).toBe(401);
      expect(refused.body).toMatch(/token/);
      expect(refused.body).not.toContain("the page");
      expect(refused.headers["set-cookie"]).toBeUndefined();
    }
  });

  test("comes with a strict policy, as does everything else", async () => {
    for (const path of [`/?token=${token}`, "/", "/assets/app.js", "/nothing.js", "/download/x"]) {
      const { headers } = await ask(path);
      const policy = String(headers["content-security-policy"]);
      expect(policy, path).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https:/);
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["referrer-policy"]).toBe("no-referrer");
      expect(headers["cross-origin-opener-policy"]).toBe("same-origin");
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  test("a ticket lets in once, and leads to the address with the token", async () => {
    const path = new URL(server.ticket()).search;
    const first = await ask(`/${path}`);
    expect(first.status).toBe(303);
    expect(first.headers.location).toBe(`/?token=${token}`);
    expect((await ask(`/${path}`)).status).toBe(401);
  });

  test("its parts are given without the token, nothing outside them ever", async () => {
    const part = await ask("/assets/app.js");
    expect(part.status).toBe(200);
    expect(part.headers["content-type"]).toMatch("text/javascript");
    for (const path of ["/../secret.js", "/assets/../../secret.js", "/%2e%2e/secret.js", "/..%2fsecret.js", "//etc/passwd", "/assets/"]) {
      const refused = await ask(path);
      expect(refused.status, path).toBe(404);
      expect(refused.body).not.toContain("secret");
    }
  });

  test("a rebound name, another site and other methods are refused", async () => {
    const evil = { host: `evil.example:${server.port}` };
    expect((await ask(`/?token=${token}`, { headers: evil })).status).toBe(403);
    expect((await ask(`/?token=${token}`, { headers: { origin: "http://evil.example" } })).status).toBe(403);
    expect((await ask("/assets/app.js", { headers: { "sec-fetch-site": "cross-site" } })).status).toBe(403);
    expect((await ask("/", { method: "OPTIONS" })).status).toBe(405);
    expect((await ask("/assets/app.js", { method: "PUT", body: "x" })).status).toBe(405);
  });

  test("it listens on loopback only", async () => {
    await expect(startServer({ host, token, workspace, page, address: "0.0.0.0" })).rejects.toThrow(/this machine only/);
  });

  test("a taken port is an error, not another port", async () => {
    await expect(startServer({ host, token, workspace, page, port: server.port })).rejects.toMatchObject({
      code: "usage",
      message: `Port ${server.port} is taken by another program.`,
    });
  });
});

describe("files", () => {
  const key = { "x-paddock-token": token };

  test("an upload is streamed to the host and answered with its id", async () => {
    const body = Buffer.alloc(3 << 20, "a,b\n");
    const answer = await ask(`/upload?name=${encodeURIComponent("数据 1.csv")}`, { method: "POST", headers: key, body });
    expect(answer.status).toBe(200);
    expect(uploads.at(-1)).toEqual({ name: "数据 1.csv", bytes: body.length });
    expect(JSON.parse(answer.body)).toEqual({ id: `u${uploads.length}` });
  });

  test("an upload without the token, or without a name, never reaches the host", async () => {
    const before = uploads.length;
    expect((await ask("/upload?name=a.csv", { method: "POST", body: "x" })).status).toBe(401);
    expect((await ask(`/upload?name=a.csv&token=${token}`, { method: "POST", body: "x" })).status).toBe(401);
    expect((await ask("/upload", { method: "POST", headers: key, body: "x" })).status).toBe(400);
    expect(uploads.length).toBe(before);
  });

  test("one that says it is larger than the disk is refused before it is read", async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = createConnection(server.port, "127.0.0.1");
      let text = "";
      socket.on("data", (chunk) => (text += chunk)).on("close", () => resolve(text));
      socket.write(
        `POST /upload?name=a.csv HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nx-paddock-token: ${token}\r\nContent-Length: 9000000000000000\r\n\r\n1`,
      );
    });
    expect(answer).toMatch(/^HTTP\/1.1 507/);
    expect(answer).toContain('"code":"diskFull"');
    expect(await uploadLimit(join(workspace, "not", "there"))).toBeGreaterThan(0);
  });

  test("one that breaks off is an error to the host", async () => {
    const before = uploads.length;
    await new Promise<void>((resolve) => {
      const socket = createConnection(server.port, "127.0.0.1");
      socket.on("close", () => resolve());
      socket.write(
        `POST /upload?name=b.csv HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nx-paddock-token: ${token}\r\nContent-Length: 1000\r\n\r\nhalf`,
        () => {
          const wait = setInterval(() => {
            if (uploads.length === before || uploads.at(-1)!.bytes === 0) return;
            clearInterval(wait);
            socket.destroy();
          }, 1);
        },
      );
    });
    await expect.poll(() => (uploads.at(-1)!.error as AppError | undefined)?.code).toBe("fileChanged");
  });

  test("a handout is downloaded under its own name, by who has the token", async () => {
    const { api, end } = await visit();
    const handout = await api.call.exportOnnx({ project: "p", run: "r" });
    expect((await ask(handout.url!.replace(/token=.*/, "token=x"))).status).toBe(401);
    const answer = await ask(handout.url!);
    expect(answer.status).toBe(200);
    expect(answer.body).toBe("weights");
    expect(answer.headers["content-length"]).toBe("7");
    expect(answer.headers["content-disposition"]).toBe(
      "attachment; filename=\"__ 'a'.onnx\"; filename*=UTF-8''%E6%A8%A1%E5%9E%8B%20%27a%27.onnx",
    );
    expect((await ask(`/download/${encodeURIComponent("../../secret.js")}?token=${token}`)).status).toBe(404);
    expect((await ask(`/download/x?token=${token}`)).status).toBe(404);
    rmSync(handout.path);
    expect((await ask(handout.url!)).status).toBe(404);
    end();
  });
});

const open: WebSocket[] = [];
afterEach(() => {
  for (const ws of open.splice(0)) ws.terminate();
});

function knock(path: string, headers: Record<string, string> = {}): Promise<WebSocket | number> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers });
    open.push(ws);
    ws.on("open", () => resolve(ws));
    ws.on("unexpected-response", (call, answer) => {
      resolve(answer.statusCode ?? 0);
      answer.resume();
      call.destroy();
    });
    ws.on("error", reject);
  });
}

async function visit() {
  const ws = (await knock(`/rpc?token=${token}`)) as WebSocket;
  return { api: connect<HostApi, HostEvents>(socketPort(ws)), end: () => ws.terminate(), ws };
}

describe("a window", () => {
  test("calls the host, and hears of errors as they are", async () => {
    const { api } = await visit();
    expect((await api.call.app()).door).toBe("browser");
    await expect(api.call.removeProject({ id: "x" })).rejects.toMatchObject({
      code: "projectMissing",
      data: { id: "x", request: "removeProject" },
    });
    await expect(api.call.form({ project: "p", run: "r" })).rejects.toMatchObject({ code: "internal" });
  });

  test("cancels a call", async () => {
    const { api } = await visit();
    const controller = new AbortController();
    const rows = api.call.rows({ id: "x", offset: 0, limit: 1 }, controller.signal);
    controller.abort();
    await expect(rows).rejects.toMatchObject({ code: "cancelled" });
  });

  test("several hear the same events, until they leave", async () => {
    await expect.poll(() => events.size).toBe(0); // the windows of the tests before have left
    const [a, b] = [await visit(), await visit()];
    await expect.poll(() => events.size).toBe(2);
    const heard = Promise.all([a, b].map(({ api }) => new Promise((resolve) => api.listen("projectsChanged", resolve))));
    events.tell("projectsChanged", { ids: ["p"] });
    expect(await heard).toEqual([{ ids: ["p"] }, { ids: ["p"] }]);
    expect(windows).toBeGreaterThanOrEqual(2);
    a.end();
    b.end();
    await expect.poll(() => events.size).toBe(0);
  });

  test("is refused without the token, from another site, under another name, and elsewhere", async () => {
    expect(await knock("/rpc")).toBe(401);
    expect(await knock("/rpc?token=x")).toBe(401);
    expect(await knock(`/rpc?token=${token}`, { origin: "http://evil.example" })).toBe(403);
    expect(await knock(`/rpc?token=${token}`, { host: "evil.example" })).toBe(403);
    expect(await knock(`/other?token=${token}`)).toBe(404);
    expect(await knock(`/rpc?token=${token}`, { origin: `http://127.0.0.1:${server.port}` })).toBeInstanceOf(WebSocket);
  });

  test("is ended when the door closes", async () => {
    const other = await startServer({ host, token, workspace, page });
    const ws = new WebSocket(`ws://127.0.0.1:${other.port}/rpc?token=${token}`);
    await new Promise((resolve) => ws.once("open", resolve));
    const gone = new Promise((resolve) => ws.once("close", resolve));
    await other.close();
    await gone;
    expect(existsSync(page) && readdirSync(page).length).toBeGreaterThan(0);
  });
});
