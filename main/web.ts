// The browser door: the same app in a browser, for machines without the Electron program or without a display.
import { randomBytes } from "node:crypto";
import { basename, join } from "node:path";
import { apiApp } from "./api/app.ts";
import { childWorker } from "./childWorker.ts";
import type { DoorHost } from "./door.ts";
import { createHost } from "./host.ts";
import { defaultWorkspace } from "./paths.ts";
import { version } from "./version.ts";
import { type Machine, findChromium, hasDisplay, openInBrowser, openWindow, thisMachine } from "./web/browser.ts";
import { startServer } from "./web/server.ts";

export { findChromium, hasDisplay } from "./web/browser.ts";

export interface WebOptions {
  /** 0 or absent: any free port. */
  port?: number;
  /** "127.0.0.1" (default) or "::1". */
  address?: string;
  /** Show the page: an app window, else the default browser, else only the printed address. */
  open?: boolean;
  /** Why this door and not another, as a clause for the printed line: "Electron's program is not here". */
  why?: string;
  workspace?: string;
  /** A host that is already there; the door then does not dispose of it. */
  host?: DoorHost;
  /** The built page; dist/renderer when absent. */
  page?: string;
  /** The local API on the same port: a model's file besides those of the workspace, and the key that it asks for. */
  api?: { model?: string | undefined; key?: string | undefined };
  /** Where the one line goes; stdout when absent. */
  print?: (line: string) => void;
  machine?: Machine;
}

export interface WebDoor {
  /** With the token. */
  url: string;
  /** Ends the server, its windows and the host. Calling it again waits for the same end. */
  close(): Promise<void>;
  /** Resolves when the door has closed: by `close`, or because its app window was closed. */
  closed: Promise<void>;
}

/** Milliseconds that a browser has to show the page before it counts as failed. */
const patience = 8000;

const modelName = (path: string): string => basename(path).replace(/\.(gguf|onnx)$/i, "");

/** Opens the door and prints one line that ends with the address. */
export async function startWeb(options: WebOptions = {}): Promise<WebDoor> {
  const { machine = thisMachine(), print = console.log } = options;
  const workspace = options.workspace ?? defaultWorkspace();
  const own = options.host ? undefined : await createHost({ workspace, door: "browser", version, startWorker: childWorker() });
  const host: DoorHost = options.host ?? own!;
  const api =
    own && options.api
      ? apiApp({
          talking: own.talking,
          predictor: own.predictor,
          key: options.api.key,
          ...(options.api.model === undefined ? {} : { model: { name: modelName(options.api.model), path: options.api.model } }),
        })
      : undefined;
  let windows = 0;
  let everOpen = false;
  let onWindows = () => {};
  const server = await startServer({
    host,
    token: randomBytes(24).toString("base64url"),
    workspace,
    ...(options.port !== undefined && { port: options.port }),
    ...(options.address !== undefined && { address: options.address }),
    ...(options.page !== undefined && { page: options.page }),
    ...(api && { api }),
    onWindows(open) {
      windows = open;
      everOpen ||= open > 0;
      onWindows();
    },
  }).catch(async (thrown: unknown) => {
    await own?.dispose();
    throw thrown;
  });

  let ending: Promise<void> | undefined;
  let ended = () => {};
  let endWindow = () => {};
  const closed = new Promise<void>((resolve) => (ended = resolve));
  const close = () =>
    (ending ??= (async () => {
      onWindows = () => {};
      await server.close();
      endWindow();
      await own?.dispose();
      ended();
    })());

  /** Ends the door when the page is no longer open anywhere. */
  function closeWithLastWindow(grace: number): void {
    let timer: NodeJS.Timeout | undefined;
    onWindows = () => {
      clearTimeout(timer);
      if (windows === 0) timer = setTimeout(() => void close(), everOpen ? grace : patience);
    };
    onWindows();
  }

  /** True when the window's program has started; a program that fails later hands over to the default browser. */
  async function showWindow(program: string): Promise<boolean> {
    const child = openWindow(program, server.ticket(), join(workspace, "cache", "browser"));
    const started = await new Promise<boolean>((resolve) => child.once("spawn", () => resolve(true)).once("error", () => resolve(false)));
    if (!started) return false;
    endWindow = () => void child.kill();
    child.once("exit", (code) => {
      endWindow = () => {};
      if (ending) return;
      // The window was closed, or its program has passed the address on to one that already runs.
      if (everOpen || code === 0) closeWithLastWindow(0);
      else void openInBrowser(server.ticket(), machine);
    });
    // On macOS a program outlives its last window.
    if (machine.platform === "darwin") onWindows = () => everOpen && closeWithLastWindow(3000);
    return true;
  }

  const because = options.why ? `, because ${options.why}` : "";
  let how = "Paddock is ready; open this address in a browser";
  if (options.open) {
    const program = hasDisplay(machine) ? findChromium(machine) : undefined;
    if (program && (await showWindow(program))) how = "Paddock opens in a browser window";
    else if (hasDisplay(machine) && (await openInBrowser(server.ticket(), machine))) how = "Paddock opens in your browser";
    else
      how = hasDisplay(machine)
        ? "Paddock found no browser to open; open this address in one"
        : "There is no display here; open this address in a browser";
  }
  print(`${how}${because}: ${server.url}`);
  return { url: server.url, close, closed };
}

/** Opens the door and stays until it closes; Ctrl-C, a hang-up or a terminate closes it cleanly, a second one at once. */
export async function runWeb(options: WebOptions = {}): Promise<void> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  let door: WebDoor | undefined;
  let asked = false;
  const end = () => {
    if (asked) process.exit(130);
    asked = true;
    void door?.close();
  };
  for (const signal of signals) process.on(signal, end);
  try {
    door = await startWeb(options);
    if (asked) void door.close();
    await door.closed;
  } finally {
    for (const signal of signals) process.off(signal, end);
  }
}
