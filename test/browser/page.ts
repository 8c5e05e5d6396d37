// A real browser in front of the real app: the built command line serves, Chromium looks. Each test file gets a workspace of its own.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { root } from "../shared.ts";

/** A Chromium on this machine, as `npm test` finds or installs it. */
export const chromiumPath: string | undefined = [
  process.env["PADDOCK_CHROMIUM"],
  ...["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"].map((name) =>
    spawnSync(process.platform === "win32" ? "where" : "which", [name], { encoding: "utf8" })
      .stdout?.split("\n")[0]
      ?.trim(),
  ),
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
].find((path) => path && existsSync(path));

export interface Served {
  url: string;
  home: string;
  process: ChildProcess;
  /** Ends the server and removes its workspace. */
  close(): Promise<void>;
}

/** `paddock serve --no-open` on a free port, in a new workspace. */
export async function serveApp(): Promise<Served> {
  const home = mkdtempSync(join(tmpdir(), "paddock-browser-"));
  const server = spawn(process.execPath, [join(root, "dist/main/cli.js"), "serve", "--no-open"], {
    env: { ...process.env, PADDOCK_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      const found = /http:\/\/\S+token=\S+/.exec(said)?.[0];
      if (found) resolve(found);
    };
    server.stdout.on("data", hear);
    server.stderr.on("data", hear);
    server.on("exit", (code) => reject(new Error(`paddock serve ended with ${code}:\n${said}`)));
  });
  return {
    url,
    home,
    process: server,
    close: () =>
      new Promise((resolve) => {
        server.on("exit", () => {
          rmSync(home, { recursive: true, force: true });
          resolve();
        });
        server.kill("SIGTERM");
      }),
  };
}

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath!,
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      ..."--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(" "),
    ],
  });
}

export interface Watched {
  page: Page;
  /** What went wrong in the page: errors thrown, errors logged (a refused style or script among them). */
  faults: string[];
}

/** A page that remembers every fault. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", acceptDownloads: true, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  await page.goto(url);
  return { page, faults };
}
