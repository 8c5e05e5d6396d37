// The app as it was packed, started as a person starts it: its fuses let no debugger of Node in, so the page is reached by Chromium's own
// port. Its workspace lies beside it, as on a stick. Only where PADDOCK_PACKED names the program: npm run dist makes it.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { hasDisplay } from "../../main/web/browser.ts";
import { portableFolder, programFolder } from "../../main/portable.ts";
import { alive } from "../doors/process.ts";
import { root } from "../shared.ts";

const program = process.env["PADDOCK_PACKED"];
const why = !program ? "PADDOCK_PACKED names no packed app" : !hasDisplay() ? "there is no display" : "";
const { PADDOCK_HOME: _, ...env } = process.env;
const workspace = program ? join(programFolder({ platform: process.platform, execPath: program, env: {} }), portableFolder) : "";
afterAll(() => {
  if (workspace) rmSync(workspace, { recursive: true, force: true });
});

/** The address at which Chromium says that it listens. */
function debuggerOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const address = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
      if (address) resolve(address);
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`The app ended (${code ?? signal}):\n${said}`)));
  });
}

describe.skipIf(why !== "")(`the packed app${why && ` (skipped: ${why})`}`, () => {
  test("opens from a stick, takes a file, trains, and leaves nothing running and nothing elsewhere", { timeout: 180_000 }, async () => {
    const home = join(homedir(), "Paddock");
    const before = existsSync(home);
    mkdirSync(workspace);
    const flags = ["--remote-debugging-port=0", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])];
    const child = spawn(program!, flags, { env, stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    try {
      const browser = await chromium.connectOverCDP(await debuggerOf(child));
      const context = browser.contexts()[0]!;
      const page = context.pages()[0] ?? (await context.waitForEvent("page"));
      await page.waitForURL("app://paddock/index.html");
      await page.getByTestId("file-input").setInputFiles(join(root, "assets/samples/penguins.csv"));
      await page.getByTestId("profile").waitFor();
      await page.getByTestId("start-training").click();
      await page.getByTestId("test-metric").waitFor({ timeout: 120_000 });
      expect(await page.getByTestId("test-metric").textContent()).toMatch(/\d/);
      expect(readdirSync(join(workspace, "projects"))).toHaveLength(1);
      expect(existsSync(home)).toBe(before);
      const session = await browser.newBrowserCDPSession();
      await session.send("Browser.close").catch(() => {}); // the answer may no longer come
      await ended;
      expect(alive(child.pid!)).toBe(false);
    } finally {
      if (child.exitCode === null) child.kill("SIGKILL");
    }
  });
});
