// npm start and what it stands on: when packages and dist count as stale, how the Electron program is asked for, and the start itself.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { root } from "../shared.ts";
import { start } from "./process.ts";

interface Install {
  nodeTooOld(version?: string, range?: string): string | undefined;
  packagesAreStale(folder?: string): boolean;
  npmCommand(args: string[], env: NodeJS.ProcessEnv): { program: string; args: string[]; shell: boolean };
}
interface Fresh {
  isStale(folder?: string): boolean;
  isCheckout(folder?: string): boolean;
}
interface ElectronScript {
  electronProgram(folder?: string): string | undefined;
  wasRefused(file?: string, now?: number): boolean;
  fetchElectron(options?: { limit?: number; folder?: string; remember?: string }): Promise<string | undefined>;
}
const load = async <T>(name: string) => (await import(pathToFileURL(join(root, "scripts", name)).href)) as T;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "paddock-start-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file whose time is so many seconds ago. */
function put(path: string, secondsAgo = 100, text = ""): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  const time = Date.now() / 1000 - secondsAgo;
  utimesSync(full, time, time);
  return full;
}

describe("what is stale", () => {
  test("a Node that is too old is said in a sentence", async () => {
    const { nodeTooOld } = await load<Install>("install.mjs");
    expect(nodeTooOld("20.19.0", ">=20.19")).toBeUndefined();
    expect(nodeTooOld("24.1.0", ">=20.19")).toBeUndefined();
    expect(nodeTooOld("20.9.0", ">=20.19")).toBe(
      "Paddock needs Node 20.19 or newer; this is Node 20.9.0. Install a newer one from nodejs.org or your system's packages.",
    );
    expect(nodeTooOld("18.20.4", ">=20.19")).toContain("18.20.4");
  });

  test("packages: when they are absent, older than the lock, or those of another lock", async () => {
    const { packagesAreStale } = await load<Install>("install.mjs");
    put("package-lock.json", 100, "one");
    expect(packagesAreStale(folder)).toBe(true);
    put("node_modules/.package-lock.json", 200);
    expect(packagesAreStale(folder)).toBe(true);
    put("node_modules/.package-lock.json", 50);
    expect(packagesAreStale(folder)).toBe(false);
    // A checkout touches the lock without changing it: what matters from now on is what it says.
    put("package-lock.json", 0, "one");
    expect(packagesAreStale(folder)).toBe(false);
    put("package-lock.json", 100, "two");
    expect(packagesAreStale(folder)).toBe(true);
  });

  test("dist: when a source is newer, has gone, or a part is not there", async () => {
    const { isStale, isCheckout } = await load<Fresh>("fresh.mjs");
    for (const path of ["ipc/a.ts", "main/a.ts", "worker/train/a.ts", "renderer/ui/a.svelte", "package.json", "scripts/build.mjs"])
      put(path);
    expect(isCheckout(folder)).toBe(true);
    expect(isStale(folder)).toBe(true);
    for (const path of ["main/cli.js", "main/preload.cjs", "worker/main.js", "renderer/index.html"]) put(`dist/${path}`, 50);
    expect(isStale(folder)).toBe(false);
    for (const path of ["worker/train/a.test.ts", "ipc/tsconfig.tsbuildinfo", "main/.a.ts.swp"]) put(path, 10);
    expect(isStale(folder), "tests and scratch files are not built").toBe(false);
    put("worker/train/a.ts", 10);
    expect(isStale(folder)).toBe(true);
    put("worker/train/a.ts", 100);
    expect(isStale(folder)).toBe(false);
    put("package.json", 10);
    expect(isStale(folder)).toBe(true);
  });

  test("asking costs less than 50 ms", async () => {
    const { isStale } = await load<Fresh>("fresh.mjs");
    const times = Array.from({ length: 5 }, () => {
      const began = performance.now();
      isStale();
      return performance.now() - began;
    });
    expect(Math.min(...times)).toBeLessThan(50);
  });

  test("npm is run by the npm that runs us, else found on the path", async () => {
    const { npmCommand } = await load<Install>("install.mjs");
    const own = put("npm-cli.js");
    expect(npmCommand(["ci"], { npm_execpath: own })).toEqual({ program: process.execPath, args: [own, "ci"], shell: false });
    expect(npmCommand(["ci"], { npm_execpath: "/elsewhere/yarn.js" }).args).toEqual(["ci"]);
  });
});

describe("the Electron program", () => {
  const remember = () => join(folder, "cache/refused");

  test("is fetched once; a refusal is remembered for a day", async () => {
    const { fetchElectron, wasRefused } = await load<ElectronScript>("electron.mjs");
    put("electron/install.js", 0, "process.exit(1)");
    expect(wasRefused(remember())).toBe(false);
    expect(await fetchElectron({ folder: join(folder, "electron"), remember: remember() })).toBeUndefined();
    expect(wasRefused(remember())).toBe(true);
    expect(wasRefused(remember(), Date.now() + 86_400_000)).toBe(false);
  });

  test("a download that does not end is given up", async () => {
    const { fetchElectron, wasRefused } = await load<ElectronScript>("electron.mjs");
    put("electron/install.js", 0, "setInterval(() => {}, 1000)");
    expect(await fetchElectron({ folder: join(folder, "electron"), remember: remember(), limit: 300 })).toBeUndefined();
    expect(wasRefused(remember())).toBe(true);
  });

  test("is used when it has arrived", async () => {
    const { fetchElectron, electronProgram } = await load<ElectronScript>("electron.mjs");
    const at = join(folder, "electron");
    expect(electronProgram(at)).toBeUndefined();
    put(
      "electron/install.js",
      0,
      `const fs = require("fs"); fs.mkdirSync("dist"); fs.writeFileSync("dist/electron", ""); fs.writeFileSync("path.txt", "electron");`,
    );
    expect(await fetchElectron({ folder: at, remember: remember() })).toBe(join(at, "dist/electron"));
    expect(electronProgram(at)).toBe(join(at, "dist/electron"));
  });
});

describe.skipIf(!existsSync(join(root, "dist/renderer/index.html")) || process.platform === "win32")("npm start", () => {
  const script = join(root, "scripts/start.mjs");

  test("-- --no-open prints the address and stays until Ctrl-C", { timeout: 60_000 }, async () => {
    const running = start([script, "--no-open"], { PADDOCK_HOME: folder });
    const url = await running.url;
    expect((await fetch(url)).status).toBe(200);
    running.child.kill("SIGINT");
    expect(await running.ended).toBe(0);
    expect(running.text()).toMatch(/open this address in a browser: http:\S+\n$/);
  });

  test("without a display it says so and prints the address", { timeout: 60_000 }, async () => {
    const running = start([script], { PADDOCK_HOME: folder, DISPLAY: "", WAYLAND_DISPLAY: "" });
    const url = await running.url;
    if (process.platform === "linux")
      expect(running.text()).toContain(`There is no display here; open this address in a browser: ${url.href}`);
    running.child.kill("SIGTERM");
    expect(await running.ended).toBe(0);
  });

  test("wrong usage is said, with exit code 2", async () => {
    for (const args of [["--nonsense"], ["--port", "x"], ["--port", "70000"]]) {
      const running = start([script, ...args], { PADDOCK_HOME: folder });
      expect(await running.ended, args.join(" ")).toBe(2);
    }
  });

  test("a browser that is not there leaves the address", { timeout: 60_000 }, async () => {
    const opener = put("bin/xdg-open", 0, "#!/bin/sh\nexit 3\n");
    chmodSync(opener, 0o755);
    const running = start([script, "--browser"], {
      PADDOCK_HOME: folder,
      DISPLAY: ":9",
      PADDOCK_CHROMIUM: "/nowhere",
      PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
    });
    await running.url;
    if (process.platform === "linux") expect(running.text()).toContain("Paddock found no browser to open; open this address in one: http");
    running.child.kill("SIGTERM");
    await running.ended;
  });
});
