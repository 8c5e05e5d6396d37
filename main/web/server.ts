// The browser door's server: the page, the files that go in and out, and one WebSocket a window. Loopback only; every request is
// checked by guard.ts before anything else, and everything but the page's own static parts wants the token.
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import type { Duplex } from "node:stream";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { type WebSocket, WebSocketServer } from "ws";
import { AppError, type ErrorRecord } from "../../ipc/error.ts";
import { securityHeaders } from "../contentPolicy.ts";
import { type DoorHost, letIn } from "../door.ts";
import { Handouts } from "../handouts.ts";
import { socketLimits, socketPort } from "../portSocket.ts";
import { pageFolder, staticFile } from "../staticFiles.ts";
import { Guesses, slowHeads } from "./flood.ts";
import { askedOf, refusal, sameToken } from "./guard.ts";
import { noTokenPage } from "./noToken.ts";
import { uploadBody, uploadLimit } from "./upload.ts";

export interface ServerOptions {
  host: DoorHost;
  token: string;
  /** Where uploads land; decides how large they may be. */
  workspace: string;
  port?: number;
  /** "127.0.0.1" or "::1". */
  address?: string;
  /** The built page. */
  page?: string;
  /** Told after a window has come or gone, with the number of those that are there. */
  onWindows?: (open: number) => void;
  /** The local API, at /v1; it asks for a key of its own. */
  api?: Hono<{ Bindings: HttpBindings }>;
  /** Milliseconds for the head of a request, and between two parts of an upload (default: 10 s and a minute). */
  patience?: number;
}

export interface WebServer {
  port: number;
  /** With the token. */
  url: string;
  /** An address that lets in once, for a program's arguments, which other users of the machine can read. */
  ticket(): string;
  close(): Promise<void>;
}

const loopback = ["127.0.0.1", "::1"];
/** Connections at once; more are closed as they come. */
const mostConnections = 1024;
/** Windows that may be open at once. */
const maxWindows = 64;

const statusOf = (error: AppError) =>
  error.code === "diskFull" ? 507 : error.code === "unauthorized" ? 401 : error.exitCode === 3 ? 422 : 500;
const unauthorized = () =>
  new AppError("unauthorized", "The token is missing or wrong.", "Open the address that Paddock printed, with its token.").toRecord();

/** A port that cannot be had, in our words. */
function portError(thrown: NodeJS.ErrnoException, port: number): Error {
  const why = { EADDRINUSE: "is taken by another program", EACCES: "may not be used by you" }[thrown.code ?? ""];
  if (!why) return thrown;
  return new AppError(
    "usage",
    `Port ${port} ${why}.`,
    "Choose another with --port, or leave it out: any free one will do.",
    { port },
    thrown,
  );
}

/** Starts listening; rejects with `usage` when the port cannot be had. */
export async function startServer(options: ServerOptions): Promise<WebServer> {
  const { host, token, workspace, page = pageFolder, address = "127.0.0.1" } = options;
  if (!loopback.includes(address))
    throw new AppError("usage", `Paddock listens on this machine only, not on ${address}.`, `Use ${loopback.join(" or ")}.`);
  const handouts = new Handouts((id) => `/download/${id}?token=${token}`);
  const windows = new Set<WebSocket>();
  let port = 0;
  let headers: Record<string, string> = {};
  // The token cannot be guessed (192 random bits): the right one is always let in, wrong ones are answered shortly after a few.
  const guesses = new Guesses();
  const admitted = (given: string | null | undefined): boolean => {
    if (sameToken(given, token)) return true;
    guesses.wrong();
    return false;
  };
  /** Seconds to wait, where too many were wrong; undefined where this one may be told so. */
  const flooded = () => guesses.wait() || undefined;
  const tooMany = (wait: number) =>
    new Response("Too many wrong tokens. Try again in a moment.\n", {
      status: 429,
      headers: { ...headers, "retry-after": String(wait), connection: "close" },
    });

  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
    const why = refusal(askedOf(c.env.incoming), port);
    if (why) return c.text(`${why}\n`, 403);
    await next();
  });
  const inPage = async (path: string) => {
    const file = await staticFile(page, path);
    return file && new Response(file.bytes, { headers: { ...headers, "content-type": file.type } });
  };
  const welcome = async (given: string | undefined) => {
    const wait = flooded();
    if (admitted(given))
      return (await inPage("/")) ?? new Response("The page is not built: run npm run build.\n", { status: 503, headers });
    if (wait) return tooMany(wait);
    return new Response(noTokenPage, { status: 401, headers: { ...headers, "content-type": "text/html; charset=utf-8" } });
  };
  const tickets = new Set<string>();
  app.get("/", async (c) => {
    const ticket = c.req.query("ticket");
    if (ticket !== undefined && tickets.delete(ticket)) return c.redirect(`/?token=${token}`, 303);
    return welcome(c.req.query("token"));
  });
  app.get("/index.html", (c) => welcome(c.req.query("token")));

  app.post("/upload", async (c) => {
    const { incoming } = c.env;
    // An answer that comes before the body has been read to its end closes the connection, or the rest would be taken for a request.
    const early = (record: ErrorRecord, status: number) => {
      return new Response(JSON.stringify(record), {
        status,
        headers: { ...headers, "content-type": "application/json", connection: "close" },
      });
    };
    const wait = flooded();
    if (!admitted(c.req.header("x-paddock-token"))) return wait ? tooMany(wait) : early(unauthorized(), 401);
    const name = c.req.query("name");
    if (!name) return early(new AppError("usage", "The upload has no name.", "Send it as /upload?name=….").toRecord(), 400);
    try {
      const limit = await uploadLimit(workspace);
      return c.json(await host.receiveUpload(name, uploadBody(incoming, name, limit, options.patience)));
    } catch (thrown) {
      const error = AppError.from(thrown);
      return early(error.toRecord(), statusOf(error));
    }
  });

  app.get("/download/:id", async (c) => {
    const wait = flooded();
    if (!admitted(c.req.query("token"))) return wait ? tooMany(wait) : c.json(unauthorized(), 401);
    const handout = handouts.get(c.req.param("id"));
    const facts = handout && (await stat(handout.path).catch(() => undefined));
    if (!handout || !facts?.isFile()) {
      return c.json(new AppError("fileMissing", "This file is no longer there.", "Export it again.").toRecord(), 404);
    }
    const body = Readable.toWeb(createReadStream(handout.path)) as ReadableStream<Uint8Array>;
    return new Response(body, {
      headers: {
        ...headers,
        "content-type": "application/octet-stream",
        "content-length": String(facts.size),
        "content-disposition": `attachment; filename="${handout.name.replace(/[^\x20-\x7e]|["\\%]/g, "_")}"; filename*=UTF-8''${encodeName(handout.name)}`,
      },
    });
  });

  if (options.api) app.route("/v1", options.api);
  app.get("*", async (c) => (await inPage(rawPath(c.env.incoming))) ?? c.text("There is nothing here.\n", 404));
  app.all("*", (c) => c.text("This method is not for here.\n", 405));
  app.onError((error, c) => c.json(AppError.from(error).toRecord(), 500));

  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: slowHeads(options.patience),
  }) as Server;
  server.requestTimeout = 0; // a large upload takes as long as it takes
  server.maxConnections = mostConnections;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: socketLimits.frame, perMessageDeflate: false });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { url, ...facts } = askedOf(request);
    socket.on("error", () => socket.destroy());
    const wait = flooded();
    const status = refusal(facts, port)
      ? "403 Forbidden"
      : !admitted(url.searchParams.get("token"))
        ? wait
          ? `429 Too Many Requests\r\nretry-after: ${wait}`
          : "401 Unauthorized"
        : facts.path !== "/rpc"
          ? "404 Not Found"
          : undefined;
    if (status) return void socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    if (windows.size >= maxWindows)
      return void socket.end("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    sockets.handleUpgrade(request, socket, head, (ws) => {
      windows.add(ws);
      ws.on("close", () => {
        windows.delete(ws);
        options.onWindows?.(windows.size);
      });
      letIn(socketPort(ws), host, handouts);
      options.onWindows?.(windows.size);
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", (thrown: NodeJS.ErrnoException) => reject(portError(thrown, options.port ?? 0)));
    server.listen({ port: options.port ?? 0, host: address, exclusive: true }, resolve);
  });
  port = (server.address() as AddressInfo).port;
  const name = address === "::1" ? `[::1]:${port}` : `${address}:${port}`;
  // 'self' covers the WebSocket in new browsers only; older ones want it by name.
  headers = securityHeaders([`ws://127.0.0.1:${port}`, `ws://localhost:${port}`]);

  return {
    port,
    url: `http://${name}/?token=${token}`,
    ticket() {
      const ticket = randomBytes(24).toString("base64url");
      tickets.add(ticket);
      return `http://${name}/?ticket=${ticket}`;
    },
    async close() {
      for (const ws of windows) ws.terminate();
      sockets.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The path as it came, before any tidying: "/a/../b" stays visible to staticFile. */
function rawPath(request: IncomingMessage): string {
  return (request.url ?? "/").split(/[?#]/, 1)[0]!;
}

/** RFC 5987: what encodeURIComponent leaves alone but a header may not carry. */
function encodeName(name: string): string {
  return encodeURIComponent(name.replace(/\p{Surrogate}/gu, "_")).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
