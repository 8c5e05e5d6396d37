// The Electron door's entry: real parts in, errors told to the person, nothing else.
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  nativeTheme,
  powerSaveBlocker,
  protocol,
  screen,
  session,
  utilityProcess,
} from "electron";
import { AppError } from "../ipc/error.ts";
import type { Electron } from "./electronParts.ts";
import { startElectron } from "./electronDoor.ts";
import { createHost } from "./host.ts";
import { refuseNetwork } from "./offline.ts";
import { defaultWorkspace } from "./paths.ts";
import { workspaceOf } from "./portable.ts";
import { utilityWorker } from "./utilityWorker.ts";
import { version } from "./version.ts";

const electron: Electron = {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  nativeTheme,
  powerSaveBlocker,
  protocol,
  screen,
  session,
  utilityProcess,
};

function fail(thrown: unknown): void {
  const error = AppError.from(thrown);
  console.error(thrown);
  dialog.showErrorBox("Paddock", `${error.message}\n${error.hint}`);
  app.exit(1);
}

async function start(): Promise<void> {
  // A checkout's program is Electron's own, in node_modules: what lies beside that means nothing.
  const workspace = app.isPackaged ? workspaceOf(process) : defaultWorkspace();
  await startElectron(electron, {
    workspace,
    createHost: () => createHost({ workspace, door: "electron", version, startWorker: utilityWorker(electron) }),
  });
}

refuseNetwork();
start().catch(fail);
