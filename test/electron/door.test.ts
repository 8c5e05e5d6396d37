// The Electron door against a stand-in for electron's API: real processes, real channels, the real preload as it was built.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HostApi, HostEvents, Status } from "../../ipc/host.ts";
import { Listeners, type Port } from "../../ipc/port.ts";
import { type Client, connect, type Handlers } from "../../ipc/rpc.ts";
import type { DoorHost } from "../../main/door.ts";
import { startElectron } from "../../main/electronDoor.ts";
import { electronPort } from "../../main/electronPort.ts";
import { refusedCount } from "../../main/offline.ts";
import { root } from "../shared.ts";
import { PortStandIn, preventable, standIn, type StandIn } from "./standIn.ts";

let folder: string;
let page: string;
let events: Listeners<[keyof HostEvents & string, unknown]>;
let disposed: number;
let host: DoorHost;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "paddock-electron-"));
  page = join(folder, "page");
  mkdirSync(join(page, "assets"), { recursive: true });
  writeFileSync(join(page, "index.html"), "<title>the page</title>");
  writeFileSync(join(page, "assets/app.js"), "export {};");
  writeFileSync(join(folder, "secret.js"), "secret");
  writeFileSync(join(folder, "model.onnx"), "weights");
  events = new Listeners();
  disposed = 0;
  host = {
    handlers: {
      app: async () => ({ version: "1", door: "electron", platform: "x", workspace: folder, cores: 1, memoryBytes: 1, updates: false }),
      settings: async () => ({ version: 1, language: "auto", theme: "auto", device: "cpu", maxSeconds: 60 }),
      rows: async () => [["a", "b"]],
      exportOnnx: async () => ({ name: "model.onnx", path: join(folder, "model.onnx"), bytes: 7 }),
    } as unknown as Handlers<HostApi>,
    onEvent: (listener) => events.add(listener as (name: string, value: unknown) => void),
    receiveUpload: () => Promise.reject(new Error("no uploads here")),
    dispose: async () => void disposed++,
  };
});
afterEach(() => rmSync(folder, { recursive: true }));

async function start(stand: StandIn = standIn({ downloads: folder })) {
  const opened = await startElectron(stand.electron, {
    workspace: folder,
    createHost: async () => host,
    page,
    preload: "/built/preload.cjs",
  });
  return { ...stand, opened, window: stand.seen.windows[0]! };
}
const ours = { senderFrame: { url: "app://paddock/index.html", parent: null } };

describe("the window", () => {
  test("keeps the page in a sandbox, without Node, in a world of its own", async () => {
    const { window, seen } = await start();
    expect(seen.sandboxed).toBe(true);
    expect(window.options).toMatchObject({ minWidth: 900, minHeight: 600, show: false });
    expect(window.options.webPreferences).toEqual({
      preload: "/built/preload.cjs",
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
      devTools: true,
    });
    expect(await (await window.loaded!)!.text()).toContain("the page");
    await expect.poll(() => window.shown).toBe(true);
  });

  test("remembers its size, unless the screen it was on has gone", async () => {
    const first = await start();
    first.window.bounds = { x: 100, y: 50, width: 1100, height: 750 };
    first.window.close();
    const second = await start();
    expect(second.window.options).toMatchObject({ x: 100, y: 50, width: 1100, height: 750 });
    second.window.bounds = { x: 5000, y: 50, width: 300, height: 200 };
    second.window.maximized = true;
    second.window.close();
    const third = await start();
    expect(third.window.options).toMatchObject({ width: 1280, height: 820 });
    expect(third.window.options.x).toBeUndefined();
    expect(third.window.maximized).toBe(true);
    writeFileSync(join(folder, "cache/electron/window.json"), "{ torn");
    expect((await start()).window.options).toMatchObject({ width: 1280, height: 820 });
  });

  test("goes nowhere and opens nothing; what would have left the machine is counted", async () => {
    const { window } = await start();
    const before = refusedCount();
    for (const name of ["will-navigate", "will-frame-navigate", "will-redirect"]) {
      for (const url of ["https://example.com/", "file:///etc/passwd", "app://other/index.html", "app://paddock/assets/app.js"]) {
        const event = preventable({ url });
        window.webContents.emit(name, event);
        expect(event.defaultPrevented, `${name} ${url}`).toBe(true);
      }
      const again = preventable({ url: "app://paddock/index.html" });
      window.webContents.emit(name, again);
      expect(again.defaultPrevented).toBe(false);
    }
    for (const url of ["https://example.com/", "app://paddock/index.html", "about:blank"])
      expect(window.webContents.opens!({ url })).toEqual({ action: "deny" });
    const webview = preventable({});
    window.webContents.emit("will-attach-webview", webview);
    expect(webview.defaultPrevented).toBe(true);
    expect(window.webContents.webrtc).toBe("disable_non_proxied_udp");
    expect(refusedCount() - before).toBeGreaterThanOrEqual(4);
  });

  test("has a menu in the person's language, which follows the settings", async () => {
    const { seen } = await start();
    const words = () => JSON.stringify(seen.menus.at(-1));
    expect(words()).toContain("文件");
    events.tell("settingsChanged", { version: 1, language: "en", theme: "auto", device: "cpu", maxSeconds: 60 });
    expect(words()).toContain('"File"');
    expect(words()).not.toContain("文件");
  });
});

describe("the page", () => {
  test("comes from app://paddock with a strict policy, and from nowhere else", async () => {
    const { session, seen } = await start();
    expect(seen.schemes).toEqual([{ scheme: "app", privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
    const given = (await session.load("app://paddock/index.html"))!;
    expect(given.status).toBe(200);
    const policy = given.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:|ws:/);
    expect(given.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await session.load("app://paddock/assets/app.js"))!.headers.get("content-type")).toMatch("text/javascript");
    for (const path of ["missing.js", "../secret.js", "%2e%2e/secret.js", "..%2fsecret.js", "assets%5c..%5c..%5csecret.js", "assets/"]) {
      const refused = (await session.load(`app://paddock/${path}`))!;
      expect(refused.status, path).toBe(404);
      expect(refused.headers.get("content-security-policy")).toBe(policy);
      expect(await refused.text()).not.toContain("secret");
    }
    expect((await session.load("app://paddock/index.html", "POST"))!.status).toBe(405);
  });

  test("loads nothing from the network or the disk; attempts are counted", async () => {
    const { session, seen } = await start();
    const before = refusedCount();
    const away = [
      "https://example.com/x.js",
      "http://127.0.0.1:9/",
      "ws://example.com/",
      "file:///etc/passwd",
      "ftp://example.com/",
      "app://other/",
    ];
    for (const url of away) expect(await session.load(url), url).toBeUndefined();
    expect(refusedCount() - before).toBe(away.length);
    expect(seen.switches.get("host-resolver-rules")).toBe("MAP * ~NOTFOUND");
    expect(session.spelling).toBe(false);
  });

  test("is given no permission", async () => {
    const { session } = await start();
    for (const permission of ["media", "geolocation", "notifications", "clipboard-read", "hid"] as const) {
      const answers: boolean[] = [];
      session.requests!(null as never, permission as never, (granted) => answers.push(granted), {} as never);
      expect(answers).toEqual([false]);
      expect(session.checks!(null, permission as never, "app://paddock", {} as never)).toBe(false);
    }
    expect(session.devices!({} as never)).toBe(false);
    expect(session.display).toBeNull();
    const download = preventable({});
    session.emit("will-download", download);
    expect(download.defaultPrevented).toBe(true);
  });
});

/** The built preload in a world like the page's: what it exposes, and the port that arrives. */
function loadPreload(stand: StandIn, sender: object = ours) {
  const code = readFileSync(join(root, "dist/main/preload.cjs"), "utf8");
  const exposed: Record<string, Record<string, (...args: unknown[]) => unknown>> = {};
  const arrived: { message: unknown; port: MessagePort }[] = [];
  const electron = {
    contextBridge: { exposeInMainWorld: (name: string, api: (typeof exposed)[string]) => (exposed[name] = api) },
    ipcRenderer: {
      postMessage: (channel: string, _message: unknown, ports: MessagePort[]) =>
        stand.parts.ipcMain.emit(channel, { ...sender, ports: ports.map((port) => new PortStandIn(port)) }),
      invoke: async (channel: string, ...args: unknown[]) => stand.seen.calls.get(channel)!(sender, ...args),
    },
    webUtils: { getPathForFile: (file: { path: string }) => file.path },
  };
  runInNewContext(code, {
    module: { exports: {} },
    exports: {},
    MessageChannel,
    require(name: string) {
      if (name !== "electron") throw new Error(`a sandboxed preload cannot load '${name}'`);
      return electron;
    },
    window: { postMessage: (message: unknown, _target: string, [port]: [MessagePort]) => arrived.push({ message, port }) },
  });
  return { paddock: exposed["paddock"]!, arrived };
}

/** The page's end, as renderer/api.ts makes it. */
function pagePort(end: MessagePort): Port {
  return electronPort(new PortStandIn(end) as never);
}

const built = existsSync(join(root, "dist/main/preload.cjs"));
describe.skipIf(!built)("the preload", () => {
  test("hands over a port on which the host answers", async () => {
    const stand = await start();
    const { paddock, arrived } = loadPreload(stand);
    expect(Object.keys(paddock).sort()).toEqual(["connect", "pathFor", "save", "show"]);
    paddock["connect"]!();
    expect(arrived[0]!.message).toEqual({ type: "paddock:port" });
    const api: Client<HostApi, HostEvents> = connect(pagePort(arrived[0]!.port));
    expect((await api.call.app()).door).toBe("electron");
    expect(await api.call.rows({ id: "p", offset: 0, limit: 1 })).toEqual([["a", "b"]]);
    await expect(api.call.devices()).rejects.toMatchObject({ code: "internal" });
    const heard = new Promise((resolve) => api.listen("projectsChanged", resolve));
    events.tell("projectsChanged", { ids: ["p"] });
    expect(await heard).toEqual({ ids: ["p"] });
    const listening = events.size;
    api.close();
    await expect.poll(() => events.size).toBe(listening - 1);
    expect(paddock["pathFor"]!({ path: "/data/a.csv" })).toBe("/data/a.csv");
  });

  test("no other page and no frame in the page gets a port or a file", async () => {
    const stand = await start();
    stand.seen.saveAt = join(folder, "copy.onnx");
    for (const senderFrame of [
      null,
      { url: "https://example.com/", parent: null },
      { url: "app://other/index.html", parent: null },
      { url: "app://paddock.example/index.html", parent: null },
      { url: "file:///page/index.html", parent: null },
      { url: "app://paddock/index.html", parent: {} },
      { url: "", parent: null },
    ]) {
      const listening = events.size;
      const { paddock, arrived } = loadPreload(stand, { senderFrame });
      const gone = new Promise((resolve) => (paddock["connect"]!(), arrived[0]!.port.once("close", resolve as () => void)));
      await gone;
      expect(events.size).toBe(listening);
      await expect(paddock["save"]!({ path: join(folder, "model.onnx") })).rejects.toThrow(/own page/);
    }
  });

  test("saves what was handed out, where the person says, and nothing else", async () => {
    const stand = await start();
    const { paddock, arrived } = loadPreload(stand);
    paddock["connect"]!();
    const api: Client<HostApi, HostEvents> = connect(pagePort(arrived[0]!.port));
    await expect(paddock["save"]!({ path: join(folder, "secret.js") })).rejects.toThrow(/not handed out/);
    const handout = await api.call.exportOnnx({ project: "p", run: "r" });
    expect(handout.url).toBeUndefined();
    expect(await paddock["save"]!(handout)).toBe(false);
    stand.seen.saveAt = join(folder, "copy.onnx");
    expect(await paddock["save"]!(handout)).toBe(join(folder, "copy.onnx"));
    expect(readFileSync(join(folder, "copy.onnx"), "utf8")).toBe("weights");
    expect(stand.seen.saveAsked.at(-1)).toEqual({ defaultPath: join(folder, "model.onnx") });
    await expect(paddock["save"]!({ path: join(folder, "secret.js") })).rejects.toThrow(/not handed out/);
    await paddock["show"]!(handout);
    await expect(paddock["show"]!({ path: join(folder, "secret.js") })).rejects.toThrow(/not handed out/);
    expect(stand.seen.shown).toEqual([join(folder, "model.onnx")]);
    api.close();
  });
});

describe("the app", () => {
  test("is there once: a second start brings the first to the front", async () => {
    const first = await start();
    first.window.minimized = true;
    const second = await start(standIn({ second: true }));
    expect(second.opened).toBe(false);
    expect(second.seen.quit).toBe(true);
    expect(second.seen.windows).toEqual([]);
    first.parts.app.emit("second-instance");
    expect(first.window.minimized).toBe(false);
    expect(first.window.focused).toBe(1);
  });

  test("keeps the machine awake while a run is under way", async () => {
    const { seen } = await start();
    const status = (...states: string[]) => events.tell("status", { running: states.map((state) => ({ state })) } as unknown as Status);
    status("queued");
    expect(seen.blockers.size).toBe(0);
    status("running", "paused");
    status("running");
    expect(seen.blockers.size).toBe(1);
    status("paused");
    expect(seen.blockers.size).toBe(0);
  });

  test("ends the host before it quits, once", async () => {
    const { window, seen, parts } = await start();
    let release = () => {};
    const ended = new Promise<void>((resolve) => (release = resolve));
    host.dispose = () => {
      disposed++;
      return ended;
    };
    if (process.platform === "darwin") parts.app.quit();
    window.close();
    parts.app.quit();
    expect(disposed).toBe(1);
    expect(seen.quit).toBe(false);
    release();
    await expect.poll(() => seen.quit).toBe(true);
    expect(disposed).toBe(1);
  });

  test("quits also when the host fails to end", async () => {
    const { seen, parts } = await start();
    host.dispose = () => Promise.reject(new Error("stuck"));
    parts.app.quit();
    await expect.poll(() => seen.quit).toBe(true);
  });
});
