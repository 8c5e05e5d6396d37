// app://paddock: the window's page comes from disk under an origin of its own, with its policy, and nothing else is ever loaded. No
// server, no port, no file: addresses.
import type { Session } from "electron";
import { securityHeaders } from "./contentPolicy.ts";
import type { Electron } from "./electronParts.ts";
import { countRefused } from "./offline.ts";
import { pageFolder, staticFile } from "./staticFiles.ts";

export const origin = "app://paddock";
export const pageUrl = `${origin}/index.html`;

/** Before the app is ready: app: is a scheme with an origin, secure, and without exceptions from CSP. */
export function claimScheme(electron: Pick<Electron, "protocol">): void {
  electron.protocol.registerSchemesAsPrivileged([{ scheme: "app", privileges: { standard: true, secure: true, supportFetchAPI: true } }]);
}

/** Answers one request of the page. */
export async function answerPage(request: { url: string; method: string }, folder: string = pageFolder): Promise<Response> {
  const headers = securityHeaders();
  const say = (status: number, text: string) =>
    new Response(`${text}\n`, { status, headers: { ...headers, "content-type": "text/plain; charset=utf-8" } });
  if (request.method !== "GET") return say(405, "This method is not for here.");
  const url = URL.canParse(request.url) ? new URL(request.url) : undefined;
  if (url?.protocol !== "app:" || url.host !== "paddock") return say(404, "There is nothing here.");
  const file = await staticFile(folder, url.pathname);
  return file ? new Response(file.bytes, { headers: { ...headers, "content-type": file.type } }) : say(404, "There is nothing here.");
}

/** Schemes that stay inside the program. */
const inside = new Set(["app:", "devtools:", "data:", "blob:", "about:"]);

/** True for an address whose loading touches no network; app: only under our own name. */
export function staysInside(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, host } = new URL(url);
  return protocol === "app:" ? host === "paddock" : inside.has(protocol);
}

/** Serves the page to the session, refuses and counts every other load, and every permission that a page can ask for. */
export function confineSession(session: Session, folder?: string): void {
  session.protocol.handle("app", (request) => answerPage(request, folder));
  session.webRequest.onBeforeRequest((details, callback) => {
    const cancel = !staysInside(details.url);
    if (cancel) countRefused();
    callback({ cancel });
  });
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler(null);
  session.on("will-download", (event) => event.preventDefault());
  // Dictionaries would be fetched from a server.
  session.setSpellCheckerEnabled(false);
}
