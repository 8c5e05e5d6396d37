// The only file that touches the window: the door this page came through (Electron's preload, or the browser door's WebSocket and
// uploads), the address bar, the system's languages and theme.
import { decode, encode, ExtensionCodec } from "@msgpack/msgpack";
import { AppError, type ErrorRecord, isErrorCode } from "../ipc/error.ts";
import { arrayExtensions } from "../ipc/frames.ts";
import type { Handout, Source } from "../ipc/host.ts";
import { type Dispose, Listeners, type Port } from "../ipc/port.ts";
import { type Dropped, type Folder, isFolder } from "./state/dropped.ts";
import { type TarFile, tarOf } from "./state/tar.ts";

/** What the app needs from the door it came through. */
export interface Door {
  kind: "electron" | "browser";
  /** A new connection to the host; rejects with `connectionLost` when there is none to be had. */
  open(): Promise<Port>;
  /** Makes a dropped file or folder known to the host: by its path, or by uploading it, a folder as one archive (progress 0…1). */
  take(dropped: Dropped, onProgress: (fraction: number) => void, signal?: AbortSignal): Promise<Source>;
  /** Gives a file to the user: a save dialog, or a download. Answers false when the user changed their mind. */
  save(handout: Handout): Promise<boolean>;
  /** Shows a file where it lies; only the desktop app can. */
  show?(handout: Handout): Promise<void>;
}

/** The address bar, the system's wishes, the document's own attributes. */
export interface Page {
  hash(): string;
  goto(hash: string): void;
  onHash(listener: () => void): Dispose;
  languages(): readonly string[];
  onLanguages(listener: () => void): Dispose;
  dark(): boolean;
  onDark(listener: () => void): Dispose;
  /** The wish for little motion. */
  calm(): boolean;
  dress(look: { language: string; theme: "light" | "dark"; title: string }): void;
}

/** What the preload script puts on the window; nothing of it sends or invokes. */
interface Bridge {
  connect(): unknown;
  pathFor(file: File): string;
  save(handout: Handout): Promise<unknown>;
  show(handout: Handout): Promise<unknown>;
}

const lost = (why: string) => new AppError("connectionLost", why, "Start Paddock again; what was saved is kept.", {});

/** The one place that looks at `window.paddock`. */
function bridge(): Bridge | undefined {
  return (window as { paddock?: Bridge }).paddock;
}

export function findDoor(): Door {
  const found = bridge();
  return found ? electronDoor(found) : browserDoor(new URL(location.href));
}

// ------------------------------------------------------------------------------------------------------------- Electron

function electronDoor(paddock: Bridge): Door {
  return {
    kind: "electron",
    open: () =>
      new Promise((resolve) => {
        const take = (event: MessageEvent<unknown>) => {
          const port = event.ports[0];
          if (event.source !== window || (event.data as { type?: unknown } | null)?.type !== "paddock:port" || !port) return;
          window.removeEventListener("message", take);
          resolve(channelPort(port));
        };
        window.addEventListener("message", take);
        void paddock.connect();
      }),
    async take(dropped) {
      const path = pathOf(paddock, dropped);
      if (!path)
        throw new AppError("fileMissing", `'${dropped.name}' is not a file on this machine.`, "Save it to a folder first, then drop it.", {
          file: dropped.name,
        });
      return { kind: "path", path };
    },
    save: async (handout) => (await paddock.save(handout)) !== false,
    show: async (handout) => void (await paddock.show(handout)),
  };
}

/** Where a dropped file or folder lies; of a chosen folder only its files are known, so their way down is taken off again. */
function pathOf(paddock: Bridge, dropped: Dropped): string {
  if (!isFolder(dropped)) return paddock.pathFor(dropped);
  const path = paddock.pathFor(dropped.handle);
  if (dropped.within === undefined || !path) return path;
  const below = dropped.within.split("/").length;
  return path
    .split(/(?<=[\\/])/)
    .slice(0, -below)
    .join("")
    .replace(/[\\/]$/, "");
}

/** A MessagePort as a Port. */
export function channelPort(channel: MessagePort): Port {
  const messages = new Listeners<[unknown]>();
  const closes = new Listeners<[string?]>();
  let open = true;
  const end = (reason?: string) => {
    if (!open) return;
    open = false;
    closes.tell(reason);
  };
  channel.onmessage = (event: MessageEvent<unknown>) => messages.tell(event.data);
  channel.addEventListener("close", () => end());
  channel.start();
  return {
    send: (message) => open && channel.postMessage(message),
    onMessage: (listener) => messages.add(listener),
    onClose: (listener) => closes.add(listener),
    close(reason) {
      channel.close();
      end(reason);
    },
  };
}

// -------------------------------------------------------------------------------------------------------------- browser

const extensionCodec = new ExtensionCodec();
for (const { type, encode, decode } of arrayExtensions) extensionCodec.register({ type, encode, decode });

function browserDoor(address: URL): Door {
  const token = address.searchParams.get("token") ?? "";
  return {
    kind: "browser",
    open() {
      const url = new URL(`./rpc?token=${encodeURIComponent(token)}`, address);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      return socketPort(new WebSocket(url));
    },
    async take(dropped, onProgress, signal) {
      const file = isFolder(dropped) ? tarOf(`${dropped.name}.tar`, await filesOf(dropped)) : dropped;
      return upload(new URL(`./upload?name=${encodeURIComponent(file.name)}`, address), token, file, onProgress, signal);
    },
    async save(handout) {
      if (!handout.url)
        throw new AppError("fileMissing", `'${handout.name}' lies at ${handout.path}.`, "Copy it from there.", { file: handout.path });
      const url = new URL(handout.url, address);
      if (!url.searchParams.has("token")) url.searchParams.set("token", token);
      const link = document.createElement("a");
      link.href = url.href;
      link.download = handout.name;
      document.body.append(link);
      link.click();
      link.remove();
      return true;
    },
  };
}

async function filesOf(folder: Folder): Promise<TarFile[]> {
  const files = await folder.files();
  if (files.length) return files;
  throw new AppError("fileEmpty", `The folder '${folder.name}' is empty.`, "Choose one with files in it.", { file: folder.name });
}

/** Resolves when the socket is open. */
function socketPort(socket: WebSocket): Promise<Port> {
  socket.binaryType = "arraybuffer";
  const messages = new Listeners<[unknown]>();
  const closes = new Listeners<[string?]>();
  const port: Port = {
    send: (message) => socket.readyState === WebSocket.OPEN && socket.send(encode(message, { extensionCodec, ignoreUndefined: true })),
    onMessage: (listener) => messages.add(listener),
    onClose: (listener) => closes.add(listener),
    close: (reason) => socket.close(1000, reason),
  };
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (event.data instanceof ArrayBuffer) messages.tell(decode(new Uint8Array(event.data), { extensionCodec }));
  };
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(port);
    socket.onclose = (event) => {
      reject(lost("Paddock does not answer."));
      closes.tell(event.reason || undefined);
    };
  });
}

/** Streams the file to the host. XMLHttpRequest, since fetch does not tell how much has been sent. */
function upload(url: URL, token: string, file: File, onProgress: (fraction: number) => void, signal?: AbortSignal): Promise<Source> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const cancel = () => request.abort();
    signal?.addEventListener("abort", cancel, { once: true });
    const end = (settle: () => void) => {
      signal?.removeEventListener("abort", cancel);
      settle();
    };
    request.upload.onprogress = (event) => onProgress(file.size > 0 ? event.loaded / file.size : 1);
    request.onload = () =>
      end(() =>
        request.status === 200
          ? resolve({ kind: "upload", id: readAnswer<{ id: string }>(request.responseText).id })
          : reject(readError(request)),
      );
    request.onerror = () =>
      end(() =>
        reject(
          new AppError("fileChanged", `'${file.name}' could not be read to its end.`, "Drop it again; it may have changed meanwhile.", {
            file: file.name,
          }),
        ),
      );
    request.onabort = () => end(() => reject(new AppError("cancelled", "The work was cancelled.", "Start it again when you like.")));
    request.open("POST", url);
    request.setRequestHeader("x-paddock-token", token);
    request.send(file);
  });
}

/** The one cast at this wire: the host of the same version answers. */
const readAnswer = <T>(text: string) => JSON.parse(text) as T;

function readError(request: XMLHttpRequest): AppError {
  try {
    const record = readAnswer<ErrorRecord>(request.responseText);
    if (isErrorCode(record.code)) return AppError.fromRecord(record);
  } catch (thrown) {
    return AppError.from(thrown);
  }
  return lost(`The upload was answered with ${request.status}.`);
}

// ----------------------------------------------------------------------------------------------------------------- page

export const page: Page = {
  hash: () => location.hash,
  goto: (hash) => (location.hash = hash),
  onHash: (listener) => on(window, "hashchange", listener),
  languages: () => navigator.languages,
  onLanguages: (listener) => on(window, "languagechange", listener),
  dark: () => matchMedia("(prefers-color-scheme: dark)").matches,
  onDark: (listener) => on(matchMedia("(prefers-color-scheme: dark)"), "change", listener),
  calm: () => matchMedia("(prefers-reduced-motion: reduce)").matches,
  dress({ language, theme, title }) {
    document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
    document.documentElement.dataset["theme"] = theme;
    document.title = title;
  },
};

function on(target: EventTarget, name: string, listener: () => void): Dispose {
  target.addEventListener(name, listener);
  return () => target.removeEventListener(name, listener);
}
