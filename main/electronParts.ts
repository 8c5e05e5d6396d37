// The parts of electron that this door uses. They are passed in, so that every module of the door runs, and is tested, without the
// Electron program as well; only main.ts and preload.ts import the real ones.
import type * as all from "electron";

export type Electron = Pick<
  typeof all,
  | "app"
  | "BrowserWindow"
  | "dialog"
  | "ipcMain"
  | "Menu"
  | "nativeTheme"
  | "powerSaveBlocker"
  | "protocol"
  | "screen"
  | "session"
  | "shell"
  | "utilityProcess"
>;
