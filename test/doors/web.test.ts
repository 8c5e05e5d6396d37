// The browser door as a process: what it prints, whom it lets in, how it ends. The host and the worker are the real ones.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { HostApi, HostEvents } from "../../ipc/host.ts";
import { connect } from "../../ipc/rpc.ts";
import { socketPort } from "../../main/portSocket.ts";
import { startWeb } from "../../main/web.ts";
import { root } from "../shared.ts";
import { alive, childrenOf, start, type Running } from "./process.ts";

const fakeBrowser = fileURLToPath(new URL("./fakeBrowser.mjs", import.meta.url));
const cli = join(root, "dist/main/cli.js");
let workspace: string;
let running: Running | undefined;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "paddock-door-"));
});
afterEach(async () => {
  running?.child.kill("SIGKILL");
  await running?.ended;
  running = undefined;
  rmSync(workspace, { recursive: true, force: true });
});
const home = () => ({ PADDOCK_HOME: workspace });

async function visit(url: URL) {
  const ws = new WebSocket(`ws://${url.host}/rpc?token=${url.searchParams.get("token")}`);
  await new Promise((resolve, reject) => ws.once("open", resolve).once("error", reject));
  return connect<HostApi, HostEvents>(socketPort(ws));
}

describe.skipIf(!existsSync(cli))("paddock serve", () => {
  test.skipIf(process.platform === "win32")(
    "prints its address, serves the page to who has it, and ends cleanly with its workers",
    { timeout: 60_000 },
    async () => {
      running = start([cli, "serve", "--no-open"], home());
      const url = await running.url;
      expect(url.hostname).toBe("127.0.0.1");
      expect((await fetch(url)).status).toBe(200);
      expect((await fetch(url.origin)).status).toBe(401);
      const api = await visit(url);
      expect(await api.call.app()).toMatchObject({ door: "browser", workspace });
      const line = await api.call.lessonOpen({ x: [1, 2, 3], y: [6, 10, 14], optimizer: "sgd", lr: 0.05 });
      expect(line.loss).toBeGreaterThan(0);
      const workers = process.platform === "linux" ? childrenOf(running.child.pid!) : [];
      if (process.platform === "linux") expect(workers.length).toBeGreaterThan(0);
      const lost = new Promise((resolve) => api.onClose(resolve));
      running.child.kill("SIGINT");
      await lost;
      await running.ended;
      for (const pid of workers) expect(alive(pid)).toBe(false);
    },
  );

  test("a file goes up, becomes a project, and comes down as rows", { timeout: 60_000 }, async () => {
    running = start([cli, "serve", "--no-open"], home());
    const url = await running.url;
    const rows = Array.from({ length: 200 }, (_, i) => `${i},${i % 7},${i % 2 ? "yes" : "no"}`).join("\n");
    const answer = await fetch(new URL(`/upload?name=${encodeURIComponent("数 据.csv")}`, url), {
      method: "POST",
      headers: { "x-paddock-token": url.searchParams.get("token")! },
      body: `a,b,answer\n${rows}\n`,
    });
    const { id } = (await answer.json()) as { id: string };
    const api = await visit(url);
    const project = await api.call.createProject({ source: { kind: "upload", id } });
    expect(project.profile).toMatchObject({ rows: 200, file: "数 据.csv" });
    expect(await api.call.rows({ id: project.id, offset: 1, limit: 1 })).toEqual([["1", "1", "yes"]]);
    api.close();
  });
});

const host = {
  handlers: {} as never,
  onEvent: () => () => {},
  receiveUpload: () => Promise.reject(new Error("none")),
  dispose: async () => {},
};

describe.skipIf(process.platform === "win32")("the app window", () => {
  const log = () => join(workspace, "browser.json");
  const machine = (behaviour: string, more: NodeJS.ProcessEnv = {}) => {
    Object.assign(process.env, { FAKE_BROWSER: behaviour, FAKE_BROWSER_LOG: log() });
    return { platform: "linux" as const, home: workspace, env: { PATH: workspace, DISPLAY: ":9", PADDOCK_CHROMIUM: fakeBrowser, ...more } };
  };

  test("opens with a ticket instead of the token, in a profile of its own; closing it closes the door", async () => {
    const lines: string[] = [];
    const door = await startWeb({
      host,
      workspace,
      open: true,
      why: "the test says so",
      print: (line) => lines.push(line),
      machine: machine("closes"),
    });
    await door.closed;
    const seen = JSON.parse(readFileSync(log(), "utf8")) as { address: string; profile: string; arrived: string; argv: string[] };
    expect(seen.argv.join(" ")).not.toContain(new URL(door.url).searchParams.get("token"));
    expect(seen.arrived).toBe(door.url);
    expect(seen.profile).toBe(join(workspace, "cache/browser"));
    expect(seen.argv.includes("--no-sandbox")).toBe(process.getuid?.() === 0);
    expect(lines).toEqual([`Paddock opens in a browser window, because the test says so: ${door.url}`]);
    await expect(fetch(door.url)).rejects.toThrow();
  });

  test("is closed when the door closes", async () => {
    const door = await startWeb({ host, workspace, open: true, print: () => {}, machine: machine("stays") });
    await expect.poll(() => existsSync(log()), { timeout: 10_000 }).toBe(true);
    const { pid } = JSON.parse(readFileSync(log(), "utf8")) as { pid: number };
    await door.close();
    await expect.poll(() => alive(pid), { timeout: 10_000 }).toBe(false);
  });

  test("without a display, or without any browser, the address is printed and the door stays", async () => {
    const lines: string[] = [];
    const print = (line: string) => lines.push(line);
    const blind = await startWeb({ host, workspace, open: true, print, machine: machine("stays", { DISPLAY: "" }) });
    const bare = await startWeb({
      host,
      workspace,
      open: true,
      print,
      machine: machine("stays", { PADDOCK_CHROMIUM: "/nowhere/chromium" }),
    });
    const silent = await startWeb({ host, workspace, open: false, print, machine: machine("stays") });
    expect(lines[0]).toBe(`There is no display here; open this address in a browser: ${blind.url}`);
    expect(lines[2]).toBe(`Paddock is ready; open this address in a browser: ${silent.url}`);
    for (const door of [blind, bare, silent]) {
      expect((await fetch(door.url)).status).toBe(existsSync(join(root, "dist/renderer/index.html")) ? 200 : 503);
      await door.close();
    }
  });
});

test("listens on the other loopback address when asked", async () => {
  const door = await startWeb({ host, workspace, address: "::1", print: () => {} }).catch((thrown: NodeJS.ErrnoException) => thrown);
  if (door instanceof Error) return expect(door.code).toMatch(/EADDRNOTAVAIL|EAFNOSUPPORT/); // a machine without IPv6
  expect(door.url).toMatch(/^http:\/\/\[::1\]:\d+\/\?token=/);
  expect((await fetch(door.url)).status).not.toBe(403);
  await door.close();
});
