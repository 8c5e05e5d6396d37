// The USB-stick edition: where a folder `paddock-workspace` lies beside the program, it is the workspace, and nothing is kept elsewhere. That
// folder alone makes an edition portable; the zip that `npm run dist` makes comes with it.
import { accessSync, constants, mkdirSync, rmdirSync, statSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { AppError } from "../ipc/error.ts";
import { defaultWorkspace } from "./paths.ts";

export const portableFolder = "paddock-workspace";

export interface Program {
  platform: NodeJS.Platform;
  /** The executable that runs. */
  execPath: string;
  env: NodeJS.ProcessEnv;
}

/**
 * The folder in which a person sees the program: of an executable its own, of a bundle (macOS) the one that holds the .app, of an AppImage
 * the one with the file. Its runtime names the file in APPIMAGE and where it is mounted in APPDIR; both are inherited by whatever an AppImage
 * starts, so they count only for a program that runs from there.
 */
export function programFolder({ platform, execPath, env }: Program): string {
  if (platform === "darwin") {
    const bundle = /^(.*)\/[^/]+\.app\/Contents\/MacOS\/[^/]+$/.exec(execPath);
    if (bundle) return bundle[1] || "/";
  }
  const { APPIMAGE: image, APPDIR: mounted } = env;
  if (platform === "linux" && image && mounted && execPath.startsWith(`${posix.normalize(mounted).replace(/\/$/, "")}/`))
    return dirname(image);
  return dirname(execPath);
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/**
 * The workspace of the packed program: where PADDOCK_HOME points, else the one beside the program, else `~/Paddock`. A portable edition never
 * falls back to the machine's own: where its folder cannot be written to, or macOS hides the place, it throws `folderNotWritable`.
 */
export function workspaceOf(program: Program): string {
  if (program.env["PADDOCK_HOME"]) return defaultWorkspace(program.env);
  // What was downloaded and not moved since runs from a copy in a hidden place, from which the folder beside it cannot be seen.
  if (program.platform === "darwin" && /\/AppTranslocation\/.*portable[^/]*\.app\//i.test(program.execPath))
    throw new AppError(
      "folderNotWritable",
      "macOS runs this downloaded app from a hidden copy, so that it cannot reach the workspace beside it.",
      `Drag 'Paddock Portable.app' out of its folder and back with the Finder (or onto the stick, then '${portableFolder}' beside it), and open it again.`,
      { file: portableFolder },
    );
  const folder = join(programFolder(program), portableFolder);
  if (!isFolder(folder)) return defaultWorkspace(program.env);
  if (!isWritable(folder))
    throw new AppError(
      "folderNotWritable",
      `This portable Paddock keeps its work in '${folder}', which cannot be written to.`,
      "Unlock the stick or change the folder's permissions, or copy the whole program to a place that can be written to.",
      { file: portableFolder, path: folder },
    );
  return folder;
}

/** Tried, not asked: a locked stick says only when it is written to. */
function isWritable(folder: string): boolean {
  const probe = join(folder, `.writable-${process.pid}`);
  try {
    accessSync(folder, constants.W_OK);
    mkdirSync(probe);
    rmdirSync(probe);
    return true;
  } catch {
    return false;
  }
}
