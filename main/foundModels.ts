// Models that the user's other programs keep: found by name in the folders where those programs put them, offered, and used where they lie. Nothing
// is moved, linked or written there, and no file is opened until it is chosen.
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import type { FoundModel } from "../ipc/host.ts";

export interface Machine {
  home: string;
  env: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
}

/** PADDOCK_APPS_HOME stands for the user's folder in tests. */
export const thisHome = (): Machine => {
  const other = process.env["PADDOCK_APPS_HOME"];
  return { home: other ?? homedir(), env: other === undefined ? process.env : {}, platform: process.platform };
};

/** Entries that are looked at in one place, and levels below it. */
const limits = { entries: 20_000, depth: 6, manifest: 1 << 20 };

/** Every language model of the other programs on this machine, by program and name. */
export async function findModels(machine: Machine = thisHome()): Promise<FoundModel[]> {
  const found = await Promise.all([
    ...lmStudio(machine).map((folder) => ggufBelow(folder, "LM Studio")),
    ...jan(machine).map((folder) => ggufBelow(folder, "Jan")),
    ...ollama(machine).map((folder) => manifestsBelow(folder)),
    ...huggingface(machine).map((folder) => snapshotsBelow(folder)),
  ]);
  const all = new Map(found.flat().map((model) => [model.path, model]));
  return [...all.values()].sort((a, b) => (a.app + a.name < b.app + b.name ? -1 : 1));
}

/** The one with that id, looked for anew, so that an id never becomes a path by itself. */
export async function foundModel(id: string, machine?: Machine): Promise<FoundModel | undefined> {
  return (await findModels(machine)).find((model) => model.id === id);
}

const lmStudio = ({ home }: Machine) => [join(home, ".lmstudio", "models"), join(home, ".cache", "lm-studio", "models")];

function jan({ home, env, platform }: Machine): string[] {
  const data =
    platform === "darwin"
      ? join(home, "Library", "Application Support")
      : platform === "win32"
        ? (env["APPDATA"] ?? join(home, "AppData", "Roaming"))
        : (env["XDG_DATA_HOME"] ?? join(home, ".local", "share"));
  const config = platform === "linux" ? [join(home, ".config", "Jan", "data")] : [];
  return [join(home, "jan"), join(data, "Jan", "data"), ...config].flatMap((at) => [join(at, "models"), join(at, "llamacpp", "models")]);
}

function ollama({ home, env, platform }: Machine): string[] {
  const system = platform === "linux" && home === homedir() ? ["/usr/share/ollama/.ollama/models"] : [];
  return [env["OLLAMA_MODELS"] ?? join(home, ".ollama", "models"), ...system];
}

function huggingface({ home, env }: Machine): string[] {
  const root = env["HF_HOME"] ?? join(env["XDG_CACHE_HOME"] ?? join(home, ".cache"), "huggingface");
  return [env["HF_HUB_CACHE"] ?? join(root, "hub")];
}

const model = (app: FoundModel["app"], path: string, name: string, format: FoundModel["format"], bytes: number): FoundModel => ({
  id: `found-${createHash("sha256").update(path).digest("hex").slice(0, 24)}`,
  app,
  name,
  path,
  format,
  bytes,
});

/** Pictures' projectors, and parts of a model after its first, are no models of their own. */
const isModel = (name: string) => /\.gguf$/i.test(name) && !/mmproj/i.test(name) && !/-of-\d{5}\.gguf$/i.test(name);

async function entriesOf(folder: string) {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

async function ggufBelow(root: string, app: FoundModel["app"]): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  let seen = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await entriesOf(folder)) {
      if (++seen > limits.entries) return;
      const path = join(folder, entry.name);
      if (entry.isDirectory() && depth < limits.depth) await walk(path, depth + 1);
      else if (isModel(entry.name) && (entry.isFile() || entry.isSymbolicLink())) {
        const facts = await stat(path).catch(() => undefined);
        if (!facts?.isFile()) continue;
        // Jan calls every file model.gguf, and the folder by the model's name.
        const name = /^model\.gguf$/i.test(entry.name) ? basename(folder) : entry.name.replace(/\.gguf$/i, "");
        found.push(model(app, path, name, "gguf", facts.size));
      }
    }
  };
  await walk(root, 0);
  return found;
}

/** Ollama: a manifest a tag names the layers; that of the kind `image.model` is a GGUF file in blobs/. */
async function manifestsBelow(root: string): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  const start = join(root, "manifests");
  let seen = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await entriesOf(folder)) {
      if (++seen > limits.entries) return;
      const path = join(folder, entry.name);
      if (entry.isDirectory() && depth < limits.depth) await walk(path, depth + 1);
      if (!entry.isFile()) continue;
      const digest = await modelLayer(path);
      const blob = digest && join(root, "blobs", `sha256-${digest}`);
      const facts = blob ? await stat(blob).catch(() => undefined) : undefined;
      if (!blob || !facts?.isFile()) continue;
      const [, ...parts] = path.slice(start.length + 1).split(/[/\\]/); // without the registry
      const name = parts
        .slice(0, -1)
        .join("/")
        .replace(/^library\//, "");
      found.push(model("Ollama", blob, `${name}:${entry.name}`, "gguf", facts.size));
    }
  };
  await walk(start, 0);
  return found;
}

async function modelLayer(manifest: string): Promise<string | undefined> {
  try {
    if ((await stat(manifest)).size > limits.manifest) return undefined;
    const { layers } = JSON.parse(await readFile(manifest, "utf8")) as { layers?: { mediaType?: unknown; digest?: unknown }[] };
    const layer = layers?.find(({ mediaType }) => mediaType === "application/vnd.ollama.image.model");
    return typeof layer?.digest === "string" ? /^sha256:([0-9a-f]{64})$/.exec(layer.digest)?.[1] : undefined;
  } catch {
    return undefined; // no manifest
  }
}

/** The Hugging Face cache: models--owner--name/snapshots/<commit>/, whose files are links into blobs/ beside them. */
async function snapshotsBelow(root: string): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  for (const entry of await entriesOf(root)) {
    const owner = /^models--(.+)$/.exec(entry.name)?.[1];
    if (!owner || !entry.isDirectory()) continue;
    const name = owner.replaceAll("--", "/");
    const snapshots = join(root, entry.name, "snapshots");
    for (const commit of await entriesOf(snapshots)) {
      const folder = join(snapshots, commit.name);
      const names = (await entriesOf(folder)).map((one) => one.name);
      const weights = names.filter((one) => /\.safetensors$/.test(one));
      if (names.includes("config.json") && weights.some((one) => one.startsWith("model"))) {
        const sizes = await Promise.all(weights.map((one) => stat(join(folder, one)).then(({ size }) => size, () => 0))); // prettier-ignore
        found.push(
          model(
            "Hugging Face",
            folder,
            name,
            "huggingface",
            sizes.reduce((sum, size) => sum + size, 0),
          ),
        );
      }
      for (const gguf of await ggufBelow(folder, "Hugging Face")) found.push({ ...gguf, name: `${name} ${gguf.name}` });
    }
  }
  return found;
}
