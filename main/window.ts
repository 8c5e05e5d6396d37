// The window: its size remembered, its page in a sandbox, every way out of the page closed.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BrowserWindow, BrowserWindowConstructorOptions, Rectangle, WebContents } from "electron";
import type { Electron } from "./electronParts.ts";
import { countRefused } from "./offline.ts";
import { origin, pageUrl, staysInside } from "./protocol.ts";
import { packageRoot } from "./version.ts";

export const smallest = { width: 900, height: 600 };
const usual = { width: 1280, height: 820 };

export interface WindowState {
  bounds?: Rectangle;
  maximized?: boolean;
}

/** The remembered size, where it is one and some of it is still on a screen; a screen may have gone. */
export function fitting(state: WindowState, screens: readonly Rectangle[]): WindowState {
  const { bounds, maximized } = state;
  const numbers = bounds && [bounds.x, bounds.y, bounds.width, bounds.height];
  if (!bounds || !numbers!.every(Number.isFinite)) return maximized ? { maximized } : {};
  const size = { width: Math.max(smallest.width, bounds.width), height: Math.max(smallest.height, bounds.height) };
  const shown = screens.some(
    (at) =>
      Math.min(at.x + at.width, bounds.x + size.width) - Math.max(at.x, bounds.x) >= 100 &&
      bounds.y >= at.y &&
      bounds.y < at.y + at.height - 50,
  );
  if (!shown) return maximized ? { maximized } : {};
  return { bounds: { x: bounds.x, y: bounds.y, ...size }, ...(maximized && { maximized }) };
}

function readState(file: string): WindowState {
  try {
    const state: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof state === "object" && state !== null ? (state as WindowState) : {};
  } catch {
    return {}; // none yet, or not readable: the usual size
  }
}

/** What a page may not do, whatever it holds: no Node, no other pages, no web views, its own world. */
export function windowOptions(preload: string, packaged: boolean): BrowserWindowConstructorOptions {
  return {
    ...usual,
    minWidth: smallest.width,
    minHeight: smallest.height,
    show: false,
    title: "Paddock",
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      devTools: !packaged,
    },
  };
}

/** Closes the ways out of a page: navigation, new windows, web views, peer connections. Attempts at the network are counted. */
export function confineContents(contents: WebContents): void {
  const deny = (event: { preventDefault(): void; url: string }) => {
    if (event.url === pageUrl) return;
    event.preventDefault();
    if (!staysInside(event.url)) countRefused();
  };
  contents.on("will-navigate", deny);
  contents.on("will-frame-navigate", deny);
  contents.on("will-redirect", deny);
  contents.on("will-attach-webview", (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    if (!staysInside(url)) countRefused();
    return { action: "deny" };
  });
  contents.setWebRTCIPHandlingPolicy("disable_non_proxied_udp");
}

/** True for a message from the page itself, at the top of one of our windows. */
export function fromOurPage(event: { senderFrame: { url: string; parent: unknown } | null }): boolean {
  const frame = event.senderFrame;
  return frame !== null && frame.parent === null && URL.canParse(frame.url) && frame.url.startsWith(`${origin}/`);
}

/** As built: CommonJS, as a sandboxed preload must be. */
export const preloadFile = join(packageRoot, "dist", "main", "preload.cjs");

/** Opens the window with its page. `folder` is where its size is kept. */
export function openWindow(electron: Electron, folder: string, preload: string = preloadFile): BrowserWindow {
  const file = join(folder, "window.json");
  const screens = electron.screen.getAllDisplays().map((display) => display.workArea);
  const { bounds, maximized } = fitting(readState(file), screens);
  const backgroundColor = electron.nativeTheme.shouldUseDarkColors ? "#16181b" : "#ffffff";
  const window = new electron.BrowserWindow({ ...windowOptions(preload, electron.app.isPackaged), ...bounds, backgroundColor });
  if (maximized) window.maximize();
  window.once("ready-to-show", () => window.show());
  window.on("close", () => {
    const state: WindowState = { bounds: window.getNormalBounds(), maximized: window.isMaximized() };
    try {
      writeFileSync(file, JSON.stringify(state));
    } catch (thrown) {
      console.error(`The window's size was not kept: ${String(thrown)}`);
    }
  });
  void window.loadURL(pageUrl);
  return window;
}
