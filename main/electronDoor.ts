// The Electron door, put together: one instance, one window, a host behind ports, workers as utility processes. It opens no port of
// the network.
import { mkdirSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { BrowserWindow, IpcMainInvokeEvent } from "electron";
import { AppError } from "../ipc/error.ts";
import type { Handout } from "../ipc/host.ts";
import { type DoorHost, letIn } from "./door.ts";
import type { Electron } from "./electronParts.ts";
import { electronPort } from "./electronPort.ts";
import { Handouts } from "./handouts.ts";
import { menuLanguage, menuTemplate } from "./menu.ts";
import { claimScheme, confineSession } from "./protocol.ts";
import { confineContents, fromOurPage, openWindow } from "./window.ts";

export interface ElectronDoorOptions {
  workspace: string;
  createHost: () => Promise<DoorHost>;
  /** The built page and preload; those beside the built host when absent. */
  page?: string;
  preload?: string;
}

/** Switches of Chromium's own background work, which would otherwise try the network. */
const switches: [string, string?][] = [
  ["disable-background-networking"],
  ["disable-component-update"],
  ["disable-domain-reliability"],
  ["disable-quic"],
  ["no-pings"],
  ["host-resolver-rules", "MAP * ~NOTFOUND"],
];

/** Starts the app; resolves when its window is open, or false when another instance runs and has been brought to the front. */
export async function startElectron(electron: Electron, options: ElectronDoorOptions): Promise<boolean> {
  const { app } = electron;
  const folder = join(options.workspace, "cache", "electron");
  // Everything up to whenReady happens at once: schemes and switches count only before the app is ready.
  mkdirSync(folder, { recursive: true });
  app.setPath("userData", folder);
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return false;
  }
  for (const [name, value] of switches) app.commandLine.appendSwitch(name, value);
  app.enableSandbox();
  claimScheme(electron);
  app.on("web-contents-created", (_event, contents) => confineContents(contents));

  let window: BrowserWindow | undefined;
  const inside: { host?: DoorHost } = {};
  app.on("second-instance", () => {
    if (window?.isMinimized()) window.restore();
    window?.focus();
  });
  app.on("window-all-closed", () => {
    if (process.platform !== "darwin") app.quit();
  });
  endCleanly(electron, () => inside.host?.dispose());

  await app.whenReady();
  confineSession(electron.session.defaultSession, options.page);
  const host = await options.createHost();
  inside.host = host;
  const handouts = new Handouts();
  answerPages(electron, host, handouts, () => window);
  keepAwake(electron, host);
  await keepMenu(electron, host);

  const show = () => {
    window = openWindow(electron, folder, options.preload);
    window.on("closed", () => (window = undefined));
  };
  app.on("activate", () => {
    if (!window) show();
  });
  show();
  return true;
}

/** The host ends before the app does: runs keep a checkpoint, workers are gone. A second request does not wait for the first. */
function endCleanly({ app }: Electron, dispose: () => Promise<void> | undefined): void {
  let state: "running" | "ending" | "ended" = "running";
  app.on("before-quit", (event) => {
    if (state === "ended") return;
    event.preventDefault();
    if (state === "ending") return;
    state = "ending";
    void Promise.resolve(dispose())
      .catch((thrown: unknown) => console.error(`Paddock did not end cleanly: ${String(thrown)}`))
      .finally(() => {
        state = "ended";
        app.quit();
      });
  });
}

/** What a page can ask of this door itself. Each looks at who asks. */
function answerPages(electron: Electron, host: DoorHost, handouts: Handouts, window: () => BrowserWindow | undefined): void {
  electron.ipcMain.on("paddock:connect", (event) => {
    const [port] = event.ports;
    if (!port) return;
    if (fromOurPage(event)) letIn(electronPort(port), host, handouts);
    else port.close();
  });
  const handedOut = (event: IpcMainInvokeEvent, path: unknown): Handout => {
    if (!fromOurPage(event)) throw new AppError("unauthorized", "Only Paddock's own page may save files.", "Use the window.");
    const handout = typeof path === "string" ? handouts.at(path) : undefined;
    if (!handout) throw new AppError("fileMissing", "This file was not handed out.", "Export it again.");
    return handout;
  };
  electron.ipcMain.handle("paddock:show", (event, path: unknown) => electron.shell.showItemInFolder(handedOut(event, path).path));
  electron.ipcMain.handle("paddock:save", async (event, path: unknown): Promise<string | false> => {
    const handout = handedOut(event, path);
    const defaultPath = join(electron.app.getPath("downloads"), basename(handout.name));
    const at = window();
    const answer = await (at ? electron.dialog.showSaveDialog(at, { defaultPath }) : electron.dialog.showSaveDialog({ defaultPath }));
    if (answer.canceled || !answer.filePath) return false;
    await copyFile(handout.path, answer.filePath);
    return answer.filePath;
  });
}

/** The machine does not go to sleep while a run is under way. */
function keepAwake({ powerSaveBlocker }: Electron, host: DoorHost): void {
  let blocker: number | undefined;
  host.onEvent((name, value) => {
    if (name !== "status") return;
    const working = (value as { running: { state: string }[] }).running.some(({ state }) => state !== "paused" && state !== "queued");
    if (working && blocker === undefined) blocker = powerSaveBlocker.start("prevent-app-suspension");
    else if (!working && blocker !== undefined) {
      powerSaveBlocker.stop(blocker);
      blocker = undefined;
    }
  });
}

async function keepMenu({ app, Menu }: Electron, host: DoorHost): Promise<void> {
  const build = (setting: "auto" | "en" | "zh") => {
    const template = menuTemplate(process.platform, menuLanguage(setting, app.getLocale()), app.isPackaged);
    Menu.setApplicationMenu(Menu.buildFromTemplate(template));
  };
  host.onEvent((name, value) => {
    if (name === "settingsChanged") build((value as { language: "auto" | "en" | "zh" }).language);
  });
  const settings = await host.handlers.settings(undefined, new AbortController().signal);
  build(settings.language);
}
