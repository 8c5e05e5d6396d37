// A hostile page, open in the same real browser as Paddock: it knows the door's address, even its token, and gets nothing.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser, type Served, serveApp } from "./page.ts";

describe.skipIf(!chromiumPath)("a hostile page in the same browser", { timeout: 120_000 }, () => {
  let served: Served;
  let browser: Browser;
  let site: Server;
  let evil: string;

  beforeAll(async () => {
    served = await serveApp();
    browser = await openBrowser();
    site = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<!doctype html><title>kittens</title>"));
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    evil = `http://localhost:${(site.address() as AddressInfo).port}/`;
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
    await served?.close();
  });

  test("neither reads, nor writes, nor listens, nor frames the door, although it has the token", async () => {
    const door = new URL(served.url);
    const token = door.searchParams.get("token")!;
    expect(token.length).toBeGreaterThan(20);
    const page = await (await browser.newContext()).newPage();
    await page.goto(evil);
    const got = await page.evaluate(
      async ({ origin, url, token }) => {
        const tried = async (work: () => Promise<unknown>): Promise<unknown> =>
          work().catch((error: unknown) => `refused: ${String(error)}`);
        const read = await tried(async () => (await fetch(url)).text());
        // Without asking whether it may: such requests are sent, their answers hidden.
        const sent = await tried(
          async () =>
            (await fetch(`${origin}/upload?token=${token}&name=evil.csv`, { method: "POST", mode: "no-cors", body: "a,b\n1,2\n" })).type,
        );
        const socket = await new Promise<string>((resolve) => {
          const opened = new WebSocket(`${origin.replace("http", "ws")}/rpc?token=${token}`);
          opened.onopen = () => resolve("open");
          opened.onerror = () => resolve("refused");
        });
        const framed = await new Promise<string>((resolve) => {
          const frame = document.createElement("iframe");
          frame.src = url;
          frame.onload = () => {
            try {
              resolve(frame.contentDocument ? `read: ${frame.contentDocument.title}` : "hidden");
            } catch {
              resolve("hidden");
            }
          };
          document.body.append(frame);
        });
        const script = await new Promise<string>((resolve) => {
          const element = document.createElement("script");
          element.src = `${origin}/index.html?token=${token}`;
          element.onload = () => resolve("loaded");
          element.onerror = () => resolve("refused");
          document.body.append(element);
        });
        return { read, sent, socket, framed, script };
      },
      { origin: door.origin, url: served.url, token },
    );
    expect(got.read).toMatch(/^refused/);
    expect(got.sent).not.toBe("basic");
    expect(got.socket).toBe("refused");
    expect(got.script).toBe("refused");
    for (const frame of page.frames().slice(1)) expect(await frame.locator('[data-testid="drop-zone"]').count()).toBe(0);
    // Nothing came in: no upload lies in the workspace, no project was made.
    const left = readdirSync(served.home, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("evil"));
    expect(left).toEqual([]);

    // A form that is posted leads the person to a refusal, not into Paddock.
    await page.goto(evil);
    const answer = page.waitForResponse((response) => response.url().startsWith(door.origin));
    await page.evaluate(
      ({ origin, token }) => {
        const form = document.createElement("form");
        form.method = "POST";
        form.action = `${origin}/upload?token=${token}&name=evil.csv`;
        document.body.append(form);
        form.submit();
      },
      { origin: door.origin, token },
    );
    expect((await answer).status()).toBe(403);
    expect(readdirSync(join(served.home), { recursive: true, encoding: "utf8" }).filter((name) => name.includes("evil"))).toEqual([]);
  });
});
