// The local API on a port of its own, for the switch in the app. Loopback only.
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { AppError } from "../../ipc/error.ts";
import { slowHeads } from "../web/flood.ts";
import { askedOf, refusal } from "../web/guard.ts";
import { apiApp, type ApiOptions } from "./app.ts";

export interface ApiServer {
  port: number;
  /** Where clients are pointed to. */
  url: string;
  close(): Promise<void>;
}

/** Connections at once; more are closed as they come. */
const mostConnections = 512;

/** Starts listening on 127.0.0.1; rejects with `usage` when the port cannot be had. */
export async function startApi({ port: wanted, ...options }: ApiOptions & { port: number; patience?: number }): Promise<ApiServer> {
  let port = 0;
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(async (c, next) => {
    const why = refusal(askedOf(c.env.incoming), port);
    if (why) return c.json({ error: { message: why, type: "authentication_error", param: null, code: "forbidden" } }, 403);
    await next();
  });
  app.route("/v1", apiApp(options));
  app.all("*", (c) =>
    c.json({ error: { message: "The API is at /v1.", type: "invalid_request_error", param: null, code: "unknown_url" } }, 404),
  );
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: slowHeads(options.patience),
  }) as Server;
  server.requestTimeout = 60_000;
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (thrown: NodeJS.ErrnoException) =>
      reject(
        thrown.code === "EADDRINUSE" || thrown.code === "EACCES"
          ? new AppError("usage", `Port ${wanted} is taken by another program.`, "Choose another port.", { port: wanted }, thrown)
          : thrown,
      ),
    );
    server.listen({ port: wanted, host: "127.0.0.1", exclusive: true }, resolve);
  });
  port = (server.address() as AddressInfo).port;
  return {
    port,
    url: `http://127.0.0.1:${port}/v1`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
