// Where things lie in the workspace, and which names may become paths. An id is letters, digits and dashes: never a path.
import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** `~/Paddock`, or where PADDOCK_HOME points. */
export function defaultWorkspace(env: NodeJS.ProcessEnv = process.env): string {
  return env["PADDOCK_HOME"] ? resolve(env["PADDOCK_HOME"]) : join(homedir(), "Paddock");
}

export type Paths = ReturnType<typeof workspacePaths>;

export function workspacePaths(root: string, cache: string = join(root, "cache")) {
  const projects = join(root, "projects");
  const models = join(root, "models");
  const chats = join(root, "chats");
  return {
    root,
    cache,
    projects,
    models,
    trash: join(root, "trash"),
    uploads: join(root, "uploads"),
    /** Installers of updates that were found to be right. */
    updates: join(root, "updates"),
    /** Runs of the command line that belong to no project. */
    looseRuns: join(root, "runs"),
    logs: join(root, "logs"),
    chats,
    chat: (id: string) => join(chats, `${id}.json`),
    settings: join(root, "settings.json"),
    /** What plans of memory took when they were tried. */
    memory: join(root, "memory.json"),
    model: (id: string) => join(models, id),
    modelRecord: (id: string) => join(models, id, "model.json"),
    modelFile: (id: string, file: string) => join(models, id, file),
    project: (id: string) => join(projects, id),
    record: (id: string) => join(projects, id, "project.json"),
    profile: (id: string) => join(projects, id, "profile.json"),
    corrections: (id: string) => join(projects, id, "corrections.jsonl"),
    data: (id: string, file: string) => join(projects, id, "data", file),
    runs: (id: string) => join(projects, id, "runs"),
    run: (id: string, run: string) => join(projects, id, "runs", run),
  };
}

/** What an id looks like; nothing else ever becomes part of a path. */
export const idPattern = /^[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?$/;

const random = (letters: number) => [...randomBytes(letters)].map((byte) => "0123456789abcdefghjkmnpqrstvwxyz"[byte % 32]).join("");

/** A project's folder name: what is left of the title in plain letters, and six random ones. */
export function newProjectId(title: string): string {
  const plain = title
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  return `${plain || "table"}-${random(6)}`;
}

/** A run's folder name: its time (UTC), so that names sort, and four random letters. */
export function newRunId(now: Date = new Date()): string {
  const [day, time] = now.toISOString().split("T");
  return `${day!.replaceAll("-", "")}-${time!.slice(0, 8).replaceAll(":", "")}-${random(4)}`;
}

const reserved = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?$/i;

/** A file name that every file system takes, as near to the given one as that allows; the ending is kept. */
export function safeFileName(name: string, limit = 120): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  let safe = last
    .normalize("NFC")
    .replace(/\p{Surrogate}/gu, "_")
    .replace(/[\u0000-\u001f\u007f-\u009f<>:"|?*\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffd]/g, "_")
    .replace(/^[\s.]+|[\s.]+$/g, "");
  if (safe === "") safe = "table";
  if (reserved.test(safe)) safe = `_${safe}`;
  const dot = safe.lastIndexOf(".");
  const ending = dot > 0 && safe.length - dot <= 10 ? safe.slice(dot) : "";
  let stem = ending ? safe.slice(0, dot) : safe;
  while (Buffer.byteLength(stem + ending) > limit) stem = [...stem].slice(0, -1).join("");
  const found = stem.replace(/[\s.]+$/, "") + ending;
  // What was cut may end otherwise than before: a safe name stays as it is when it is asked about again.
  return found === name ? found : safeFileName(found, limit);
}

/** The title a file gives its project: the name without its ending. */
export function titleOf(file: string): string {
  const last = file.split(/[/\\]/).at(-1) ?? file;
  return (
    last
      .replace(
        /\.(?:csv|tsv|txt|tab|xlsx|xlsm|parquet|pq|json|jsonl|ndjson|arrow|feather|sqlite|sqlite3|db|duckdb|zip|tar|tgz|tar\.gz)$/i,
        "",
      )
      .trim()
      .slice(0, 200) ||
    last.slice(0, 200) ||
    "table"
  );
}
