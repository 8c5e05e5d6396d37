// Finding a browser and opening an address in it: a Chromium, Chrome or Edge as a window of its own (no tabs, no address bar), else
// whatever the system opens addresses with.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

export interface Machine {
  platform: NodeJS.Platform;
  env: NodeJS.ProcessEnv;
  home: string;
}

export const thisMachine = (): Machine => ({ platform: process.platform, env: process.env, home: homedir() });

const linuxNames = [
  "chromium",
  "chromium-browser",
  "google-chrome-stable",
  "google-chrome",
  "microsoft-edge-stable",
  "microsoft-edge",
  "brave-browser",
];

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Playwright's own downloads, newest first. */
function playwrightBrowsers({ platform, env, home }: Machine): string[] {
  const caches: Partial<Record<NodeJS.Platform, string>> = {
    darwin: join(home, "Library/Caches/ms-playwright"),
    win32: join(env["LOCALAPPDATA"] ?? join(home, "AppData/Local"), "ms-playwright"),
  };
  const folder = env["PLAYWRIGHT_BROWSERS_PATH"] ?? caches[platform] ?? join(home, ".cache/ms-playwright");
  if (!existsSync(folder)) return [];
  const inside: Partial<Record<NodeJS.Platform, string[]>> = {
    darwin: [
      "chrome-mac/Chromium.app/Contents/MacOS/Chromium",
      "chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing",
    ],
    win32: ["chrome-win/chrome.exe", "chrome-win64/chrome.exe"],
  };
  const number = (name: string) => Number(name.split("-").at(-1)) || 0;
  return readdirSync(folder)
    .filter((name) => /^chromium-\d+$/.test(name))
    .sort((a, b) => number(b) - number(a))
    .flatMap((name) => (inside[platform] ?? ["chrome-linux/chrome", "chrome-linux64/chrome"]).map((path) => join(folder, name, path)));
}

/** Where a browser of Chromium's family may be, most wanted first. */
export function chromiumCandidates(machine: Machine): string[] {
  const { platform, env, home } = machine;
  if (platform === "darwin") {
    const apps = ["Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser"];
    return [
      ...apps.flatMap((app) => ["", home].map((at) => `${at}/Applications/${app}.app/Contents/MacOS/${app}`)),
      ...playwrightBrowsers(machine),
    ];
  }
  if (platform === "win32") {
    const roots = ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].flatMap((name) => env[name] ?? []);
    const programs = ["Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe"];
    return [...programs.flatMap((program) => roots.map((at) => join(at, program))), ...playwrightBrowsers(machine)];
  }
  const folders = (env["PATH"] ?? "").split(delimiter).filter(Boolean);
  return [...linuxNames.flatMap((name) => folders.map((at) => join(at, name))), ...playwrightBrowsers(machine)];
}

/** A browser of Chromium's family on this machine; PADDOCK_CHROMIUM names one outright. */
export function findChromium(machine: Machine = thisMachine()): string | undefined {
  const named = machine.env["PADDOCK_CHROMIUM"];
  if (named) return isProgram(named) ? named : undefined;
  return chromiumCandidates(machine).find(isProgram);
}

/** Whether a window can be shown at all. */
export function hasDisplay({ platform, env }: Machine = thisMachine()): boolean {
  return platform === "win32" || platform === "darwin" || Boolean(env["DISPLAY"] || env["WAYLAND_DISPLAY"]);
}

/** Flags for a window of our own: no first-run pages, nothing in the background, nothing sent anywhere. */
export function windowFlags(url: string, profile: string, root: boolean): string[] {
  return [
    `--app=${url}`,
    `--user-data-dir=${profile}`,
    "--window-size=1280,820",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-quic",
    "--disable-breakpad",
    "--disable-features=Translate,MediaRouter,OptimizationHints",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
    // Chromium refuses to run as root with its sandbox; anyone else keeps it. (--test-type: without a banner about that.)
    ...(root ? ["--no-sandbox", "--test-type"] : []),
  ];
}

/** Opens the address as an app window; the process lives as long as the window (on macOS: as the app). */
export function openWindow(program: string, url: string, profile: string): ChildProcess {
  const root = process.getuid?.() === 0;
  return spawn(program, windowFlags(url, profile, root), { stdio: "ignore" });
}

/** How the system opens an address in the default browser. */
export function openerOf({ platform }: Machine, url: string): [program: string, args: string[]] {
  if (platform === "darwin") return ["open", [url]];
  if (platform === "win32") return ["rundll32", ["url.dll,FileProtocolHandler", url]];
  return ["xdg-open", [url]];
}

/** Opens the address in the default browser; false when there is none to ask. */
export async function openInBrowser(url: string, machine: Machine = thisMachine()): Promise<boolean> {
  const [program, args] = openerOf(machine, url);
  const child = spawn(program, args, { stdio: "ignore", detached: true });
  return new Promise((resolve) => {
    // xdg-open and its like end at once; one that stays is the browser itself, and has opened.
    const waited = setTimeout(() => resolve(true), 3000);
    const done = (opened: boolean) => {
      clearTimeout(waited);
      resolve(opened);
    };
    child.once("error", () => done(false));
    child.once("exit", (code) => done(code === 0));
    child.unref();
  });
}
