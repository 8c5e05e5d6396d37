// A stand-in for electron's API where its program is not installed: the parts that the door uses, with real processes behind
// utilityProcess, real message channels, and pages that load through the door's own handlers. Names and signatures are held to
// electron's declarations by `satisfies`.
import { type ChildProcess, fork } from "node:child_process";
import { EventEmitter } from "node:events";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import type { MessagePort } from "node:worker_threads";
import type * as all from "electron";
import type { Electron } from "../../main/electronParts.ts";

const shim = fileURLToPath(new URL("./utilityShim.mjs", import.meta.url));

/** An event as Electron passes it to listeners that may prevent what follows. */
export function preventable<T extends object>(facts: T): T & { preventDefault(): void; readonly defaultPrevented: boolean } {
  let prevented = false;
  return Object.assign(Object.create({}, { defaultPrevented: { get: () => prevented } }), facts, {
    preventDefault: () => (prevented = true),
  });
}

export class SessionStandIn extends EventEmitter {
  handlers = new Map<string, (request: Request) => Response | Promise<Response>>();
  before: ((details: { url: string }, callback: (answer: { cancel?: boolean }) => void) => void) | undefined;
  requests: Parameters<all.Session["setPermissionRequestHandler"]>[0] = null;
  checks: Parameters<all.Session["setPermissionCheckHandler"]>[0] = null;
  devices: Parameters<all.Session["setDevicePermissionHandler"]>[0] = null;
  display: Parameters<all.Session["setDisplayMediaRequestHandler"]>[0] = null;
  spelling = true;
  protocol = {
    handle: (scheme: string, handler: (request: Request) => Response | Promise<Response>) => void this.handlers.set(scheme, handler),
  } satisfies Partial<Record<keyof all.Protocol, unknown>>;
  webRequest = { onBeforeRequest: (listener: NonNullable<SessionStandIn["before"]>) => void (this.before = listener) } satisfies Partial<
    Record<keyof all.WebRequest, unknown>
  >;
  setPermissionRequestHandler = (handler: this["requests"]) => void (this.requests = handler);
  setPermissionCheckHandler = (handler: this["checks"]) => void (this.checks = handler);
  setDevicePermissionHandler = (handler: this["devices"]) => void (this.devices = handler);
  setDisplayMediaRequestHandler = (handler: this["display"]) => void (this.display = handler);
  setSpellCheckerEnabled = (on: boolean) => void (this.spelling = on);

  /** A load as a page would start it: webRequest first, then the scheme's handler. Undefined when it was cancelled or has no handler. */
  async load(url: string, method = "GET"): Promise<Response | undefined> {
    const { cancel } = await new Promise<{ cancel?: boolean }>((resolve) => (this.before ? this.before({ url }, resolve) : resolve({})));
    const handler = this.handlers.get(new URL(url).protocol.slice(0, -1));
    return cancel || !handler ? undefined : handler({ url, method } as Request);
  }
}

export class ContentsStandIn extends EventEmitter {
  opens: ((details: { url: string }) => { action: string }) | undefined;
  webrtc = "";
  setWindowOpenHandler = (handler: (details: { url: string }) => { action: string }) => void (this.opens = handler);
  setWebRTCIPHandlingPolicy = (policy: string) => void (this.webrtc = policy);
  readonly session: SessionStandIn;
  constructor(session: SessionStandIn) {
    super();
    this.session = session;
  }
}

/** node's MessagePort with the surface of electron's MessagePortMain. */
export class PortStandIn extends EventEmitter {
  readonly end: MessagePort;
  constructor(end: MessagePort) {
    super();
    this.end = end;
    end.on("close", () => this.emit("close"));
  }
  start = () => void this.end.on("message", (data: unknown) => this.emit("message", { data, ports: [] }));
  postMessage = (message: unknown) => this.end.postMessage(message);
  close = () => this.end.close();
}

export class UtilityStandIn extends EventEmitter {
  pid: number | undefined;
  readonly child: ChildProcess;
  readonly stderr: ChildProcess["stderr"];
  constructor(entry: string, args: string[], options: all.ForkOptions) {
    super();
    this.child = fork(shim, [entry, ...args], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: options.env as NodeJS.ProcessEnv,
    });
    this.stderr = this.child.stderr;
    this.child.once("spawn", () => {
      this.pid = this.child.pid;
      this.emit("spawn");
    });
    this.child.on("message", (message) => this.emit("message", message));
    this.child.once("close", (code, signal) => {
      this.pid = undefined;
      this.emit("exit", code ?? constants.signals[signal!]);
    });
  }
  postMessage = (message: unknown) => void this.child.send(message as never, () => {});
  kill = () => this.child.kill();
}

/** The stand-in and what a test looks at. `second` is what an instance that is not the first one sees. */
export function standIn({
  second = false,
  userData = "",
  downloads = "",
}: { second?: boolean; userData?: string; downloads?: string } = {}) {
  const seen = {
    windows: [] as BrowserWindowStandIn[],
    workers: [] as UtilityStandIn[],
    switches: new Map<string, string | undefined>(),
    paths: new Map([
      ["userData", userData],
      ["downloads", downloads],
    ]),
    menus: [] as all.MenuItemConstructorOptions[][],
    schemes: [] as all.CustomScheme[],
    blockers: new Set<number>(),
    sandboxed: false,
    quit: false,
    /** What the person answers in the save dialog. */
    saveAt: undefined as string | undefined,
    saveAsked: [] as all.SaveDialogOptions[],
    /** Files that were shown in their folder. */
    shown: [] as string[],
    calls: new Map<string, (event: unknown, ...args: unknown[]) => unknown>(),
  };
  const session = new SessionStandIn();

  class BrowserWindowStandIn extends EventEmitter {
    webContents = new ContentsStandIn(session);
    shown = false;
    maximized = false;
    minimized = false;
    focused = 0;
    bounds = { x: 40, y: 30, width: 1000, height: 700 };
    loaded: Promise<Response | undefined> | undefined;
    readonly options: all.BrowserWindowConstructorOptions;
    constructor(options: all.BrowserWindowConstructorOptions) {
      super();
      this.options = options;
      seen.windows.push(this);
      app.emit("web-contents-created", {}, this.webContents);
    }
    loadURL = async (url: string) => {
      this.loaded = session.load(url);
      await this.loaded;
      this.emit("ready-to-show");
    };
    show = () => void (this.shown = true);
    focus = () => void this.focused++;
    maximize = () => void (this.maximized = true);
    restore = () => void (this.minimized = false);
    isMaximized = () => this.maximized;
    isMinimized = () => this.minimized;
    getNormalBounds = () => this.bounds;
    /** As when the person closes it. */
    close = () => {
      this.emit("close", preventable({}));
      seen.windows.splice(seen.windows.indexOf(this), 1);
      this.emit("closed");
      if (seen.windows.length === 0) app.emit("window-all-closed");
    };
  }

  const app = Object.assign(new EventEmitter(), {
    isPackaged: false,
    commandLine: { appendSwitch: (name: string, value?: string) => void seen.switches.set(name, value) } as unknown as all.CommandLine,
    whenReady: async () => {},
    quit() {
      const event = preventable({});
      app.emit("before-quit", event);
      if (event.defaultPrevented) return;
      seen.quit = true;
      app.emit("quit", {}, 0);
    },
    enableSandbox: () => void (seen.sandboxed = true),
    getLocale: () => "zh-CN",
    getPath: (name: string) => seen.paths.get(name) ?? "",
    setPath: (name: string, path: string) => void seen.paths.set(name, path),
    requestSingleInstanceLock: () => !second,
  } satisfies Partial<all.App>);

  const parts = {
    app,
    BrowserWindow: BrowserWindowStandIn,
    dialog: {
      async showSaveDialog(...args: unknown[]) {
        seen.saveAsked.push(args.at(-1) as all.SaveDialogOptions);
        return { canceled: seen.saveAt === undefined, filePath: seen.saveAt ?? "" };
      },
    } satisfies Partial<all.Dialog>,
    ipcMain: Object.assign(new EventEmitter(), {
      handle: (channel: string, body: (event: all.IpcMainInvokeEvent, ...args: unknown[]) => unknown) =>
        void seen.calls.set(channel, body as never),
    } satisfies Partial<all.IpcMain>),
    Menu: {
      buildFromTemplate: (template: all.MenuItemConstructorOptions[]) => template,
      setApplicationMenu: (menu: unknown) => void seen.menus.push(menu as all.MenuItemConstructorOptions[]),
    } satisfies Partial<Record<keyof typeof all.Menu, unknown>>,
    shell: { showItemInFolder: (path: string) => void seen.shown.push(path) } satisfies Partial<all.Shell>,
    nativeTheme: { shouldUseDarkColors: true } satisfies Partial<all.NativeTheme>,
    powerSaveBlocker: {
      start(type: "prevent-app-suspension" | "prevent-display-sleep") {
        if (type !== "prevent-app-suspension") throw new Error("the display may sleep");
        seen.blockers.add(seen.blockers.size + 1);
        return seen.blockers.size;
      },
      stop: (id: number) => seen.blockers.delete(id),
    } satisfies Partial<all.PowerSaveBlocker>,
    protocol: {
      registerSchemesAsPrivileged: (schemes: all.CustomScheme[]) => void seen.schemes.push(...schemes),
    } satisfies Partial<all.Protocol>,
    screen: {
      getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } } as all.Display],
    } satisfies Partial<all.Screen>,
    session: { defaultSession: session },
    utilityProcess: {
      fork(entry: string, args: string[] = [], options: all.ForkOptions = {}) {
        const child = new UtilityStandIn(entry, args, options);
        seen.workers.push(child);
        return child;
      },
    },
  } satisfies Record<keyof Electron, unknown>;

  // The one cast: the parts above are the ones that the door uses of each.
  return { electron: parts as unknown as Electron, parts, session, seen };
}

export type StandIn = ReturnType<typeof standIn>;
