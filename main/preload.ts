// The window's only bridge. It hands over a port and otherwise says where a dropped file lies and asks where to save or to show
// one; it never changes when the contract does.
import { contextBridge, ipcRenderer, webUtils } from "electron";

declare const window: { postMessage(message: unknown, target: string, transfer: unknown[]): void };

contextBridge.exposeInMainWorld("paddock", {
  /** Opens a port to the host: it arrives in the page as a `message` event with data { type: "paddock:port" } and the port in `ports`. */
  connect(): void {
    const { port1, port2 } = new MessageChannel();
    ipcRenderer.postMessage("paddock:connect", null, [port1 as never]);
    window.postMessage({ type: "paddock:port" }, "*", [port2]);
  },
  /** Where a dropped or chosen file lies. */
  pathFor: (file: Parameters<typeof webUtils.getPathForFile>[0]): string => webUtils.getPathForFile(file),
  /** Asks the user where to put a file that the host handed out; answers the place, or false when the user changes their mind. */
  save: (handout: { path: string }): Promise<string | false> => ipcRenderer.invoke("paddock:save", handout.path) as Promise<string | false>,
  /** Shows such a file in its folder. It is not opened. */
  show: (handout: { path: string }): Promise<void> => ipcRenderer.invoke("paddock:show", handout.path) as Promise<void>,
});
