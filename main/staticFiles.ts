// Files of the built page, for both doors. Only what lies inside the folder is given out, and only under known endings.
import { readFile, realpath } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { packageRoot } from "./version.ts";

/** The built page. */
export const pageFolder = join(packageRoot, "dist", "renderer");

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
  ".csv": "text/csv; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
};

export interface StaticFile {
  bytes: Uint8Array<ArrayBuffer>;
  type: string;
}

/**
 * The file at a URL's path ("/" is index.html), or undefined where there is none to give: outside the folder, through a link that
 * leaves it, hidden, of an unknown kind, or not there.
 */
export async function staticFile(folder: string, pathname: string): Promise<StaticFile | undefined> {
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
  if (path === "/") path = "/index.html";
  const parts = path.split("/").slice(1);
  // Windows' separators, drive letters and streams, empty and hidden parts, and "..": none is ever in a built page.
  if (!path.startsWith("/") || parts.some((part) => part === "" || part.startsWith(".") || /[\\:\0]/.test(part))) return undefined;
  const type = types[extname(path)];
  if (!type) return undefined;
  try {
    const root = await realpath(folder);
    const full = await realpath(join(root, ...parts));
    if (!full.startsWith(root + sep)) return undefined;
    return { bytes: await readFile(full), type };
  } catch {
    return undefined;
  }
}
