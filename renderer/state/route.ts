// Where the app is, as the address bar writes it: #/home, #/projects, #/project/<id>/<run>/<section>, #/model/<id>, #/chat/<id> or #/chat/-/<model>,
// #/plan or #/plan/<model>.

export const sections = ["data", "train", "result", "try"] as const;
export type Section = (typeof sections)[number];

export type Route =
  | { screen: "home" | "projects" | "models" | "learn" }
  | { screen: "model"; id: string }
  | { screen: "plan"; id?: string }
  /** A conversation that is kept, or a new one, with a model where that was chosen elsewhere. */
  | { screen: "chat"; id?: string; model?: string }
  | { screen: "project"; id: string; run?: string; section?: Section };

export type ScreenId = Route["screen"];

const plain: readonly string[] = ["home", "projects", "models", "learn"] satisfies ScreenId[];
const isPlain = (word: string | undefined): word is "home" | "projects" | "models" | "learn" => word !== undefined && plain.includes(word);
const isSection = (word: string | undefined): word is Section => sections.includes(word as Section);

export function readRoute(hash: string): Route {
  const [, screen, id, run, section] = hash.split("/").map((part) => decode(part));
  if (screen === "project" && id) {
    return { screen, id, ...(run && run !== "-" ? { run } : {}), ...(isSection(section) ? { section } : {}) };
  }
  if (screen === "model" && id) return { screen, id };
  if (screen === "plan") return { screen, ...(id ? { id } : {}) };
  if (screen === "chat") return { screen, ...(id && id !== "-" ? { id } : {}), ...(run ? { model: run } : {}) };
  return { screen: isPlain(screen) ? screen : "home" };
}

export function writeRoute(route: Route): string {
  if (route.screen === "model") return `#/model/${encodeURIComponent(route.id)}`;
  if (route.screen === "plan") return route.id === undefined ? "#/plan" : `#/plan/${encodeURIComponent(route.id)}`;
  if (route.screen === "chat") return ["#/chat", route.id ?? (route.model ? "-" : ""), route.model ?? ""].filter(Boolean).map((part, i) => (i ? encodeURIComponent(part) : part)).join("/"); // prettier-ignore
  if (route.screen !== "project") return `#/${route.screen}`;
  const tail = route.section ? [route.run ?? "-", route.section] : route.run ? [route.run] : [];
  return ["#", "project", route.id, ...tail].map((part) => (part === "#" ? part : encodeURIComponent(part))).join("/");
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A broken escape in a hand-written address is taken as it stands.
    return part;
  }
}
