// Nothing long blocks: every call that a page can make is either short (it reads or writes some small files, or answers before the work is
// done) or can be cancelled, and a cancelled one leaves no file behind. A call that is new has to be put in one of the two.
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { HostApi } from "../../ipc/host.ts";
import { memoryPair } from "../../ipc/port.ts";
import type { StartWorker } from "../../main/workers.ts";
import { openHost, scratch, signal, table } from "./setUp.ts";

/** The calls that take a signal, as the interface says it. */
type Cancellable = {
  [K in keyof HostApi]: AbortSignal extends Parameters<HostApi[K]>[number] ? K : never;
}[keyof HostApi];

/** Everything else: a few small files, or the beginning of what goes on by itself (`startRun`, of which `stopRun` is the end). */
const short: Record<Exclude<keyof HostApi, Cancellable>, true> = {
  app: true,
  settings: true,
  changeSettings: true,
  status: true,
  samples: true,
  projects: true,
  project: true,
  renameProject: true,
  removeProject: true, // a rename into the trash, however large
  restoreProject: true,
  changeSpec: true,
  undoCorrection: true,
  startRun: true,
  run: true,
  report: true,
  mistakes: true,
  pauseRun: true,
  resumeRun: true,
  stopRun: true,
  removeRun: true,
  exportOnnx: true, // the file is there
  models: true,
  model: true,
  renameModel: true,
  removeModel: true,
  restoreModel: true,
  chats: true,
  chat: true,
  saveChat: true,
  removeChat: true,
  restoreChat: true,
  serving: true,
  lessonClose: true,
};

interface Ids {
  project: string;
  pictures: string;
  run: string;
  model: string;
  writer: string;
  file: string;
  model2: string;
}

/** What each long call is asked; `elsewhere` names the test that cancels one that this workspace cannot reach. */
const asked: { [K in Cancellable]: ((ids: Ids) => Parameters<HostApi[K]>[0]) | { elsewhere: string } } = {
  devices: () => ({ again: true }),
  createProject: ({ file }) => ({ source: { kind: "path", path: file } }),
  retake: ({ project }) => ({ id: project, kind: "text" }),
  addTitles: { elsewhere: "worker/data/ratings/titles.ts looks at the signal with every page of rows" },
  rows: ({ project }) => ({ id: project, offset: 0, limit: 1 }),
  pictures: ({ pictures }) => ({ id: pictures, offset: 0, limit: 1 }),
  thumbnails: ({ pictures }) => ({ id: pictures, names: ["1.png"], pixels: 64 }),
  health: ({ project }) => ({ id: project, spec: {} }),
  problemRows: ({ project }) => ({ id: project, spec: {}, code: "copies" as never, offset: 0, limit: 1 }),
  plan: ({ project }) => ({ id: project, spec: {} }),
  corrections: { elsewhere: "asks the worker only where there are corrections" },
  correct: { elsewhere: "test/host/corrections.test.ts" },
  importance: ({ project, run }) => ({ project, run, measure: true }),
  form: ({ project, run }) => ({ project, run }),
  predict: ({ project, run }) => ({ project, run, rows: [{ x: "1" }] }),
  readText: ({ project, run }) => ({ project, run, text: "a" }),
  predictFile: ({ project, run, file }) => ({ project, run, source: { kind: "path", path: file } }),
  wherePicture: ({ project, run, file }) => ({ project, run, source: { kind: "path", path: file } }),
  findIds: ({ project, run }) => ({ project, run, of: "users", text: "a", limit: 1 }),
  recommend: ({ project, run }) => ({ project, run, user: "a", top: 1 }),
  similar: ({ project, run }) => ({ project, run, item: "a", top: 1 }),
  generate: ({ project, run }) => ({ project, run, id: "a", prompt: "a", maxTokens: 1, temperature: 0, topK: 1 }) as never,
  exportRun: ({ project, run }) => ({ project, run, to: "onnx-int8" }),
  checkUpdate: { elsewhere: "reads the file itself, a piece at a time, and looks at the signal between them" },
  foundModels: { elsewhere: "looks at the names in some folders, without a worker" },
  importModel: ({ model2 }) => ({ source: { kind: "path", path: model2 } }),
  runModel: ({ model }) => ({ id: model, question: { feeds: {} } }),
  planMemory: ({ model }) => ({ model, method: "inference" }) as never,
  tryMemory: ({ model }) => ({ model, method: "inference" }) as never,
  talkChoices: { elsewhere: "reads the records of models and runs, without a worker" },
  talkFacts: ({ writer }) => ({ model: writer }),
  talk: ({ writer }) => ({ id: "a", model: writer, asked: { text: "a" }, maxTokens: 1 }),
  lessonOpen: () => ({ x: [1, 2], y: [1, 2], optimizer: "sgd", lr: 0.1 }),
  lessonStep: () => ({ count: 1 }),
};

/** A worker that does nothing but wait to be cancelled, as a long piece of work would look from here. */
function waitingWorker(): { start: StartWorker; begun: string[]; cancelled: string[]; working: Promise<undefined>; ended: () => boolean } {
  let began = () => {};
  const working = new Promise<undefined>((resolve) => (began = () => resolve(undefined)));
  let ended = false;
  const begun: string[] = [];
  const cancelled: string[] = [];
  const start: StartWorker = () => {
    const [host, worker] = memoryPair();
    const names = new Map<number, string>();
    worker.onMessage((message) => {
      const { t, id, method } = message as { t: string; id: number; method: string };
      if (t === "call") {
        names.set(id, method);
        begun.push(method);
        began();
        // The beginnings of a copy, as a worker that is interrupted leaves them to who asked.
        const { into } = (message as { input?: { into?: string } }).input ?? {};
        if (into) {
          mkdirSync(into, { recursive: true });
          writeFileSync(join(into, "half"), "half");
        }
      } else if (t === "cancel") {
        cancelled.push(names.get(id)!);
        worker.send({ t: "error", id, error: { code: "cancelled", message: "The work was cancelled.", hint: "", data: {} } });
      }
    });
    let gone = false;
    host.onClose(() => (gone = ended = true));
    return Object.assign(host, {
      pid: undefined,
      kill: () => host.close(),
      get exit() {
        return gone ? { code: 0, signal: null, stderr: "" } : undefined;
      },
    });
  };
  return { start, begun, cancelled, working, ended: () => ended };
}

/** A workspace with a project of a table and one of pictures, a run that is done, and models on the shelf. */
async function prepared(): Promise<{ workspace: string; ids: Ids }> {
  const { host, workspace, until } = await openHost();
  const { handlers } = host;
  const source = (path: string) => ({ source: { kind: "path" as const, path } });
  const folder = scratch();
  const project = (await handlers.createProject(source(table(folder)), signal())).id;
  const pets = join(folder, "pets");
  mkdirSync(pets);
  writeFileSync(join(pets, "1.png"), "picture");
  const pictures = (await handlers.createProject(source(pets), signal())).id;
  const { id: run } = await handlers.startRun({ project, spec: { config: { steps: 2 } } }, signal());
  await until((event) => event.name === "runChanged" && event.value.run?.id === run && event.value.run.state === "done");
  const { model } = await handlers.importModel(source(table(folder, "net.onnx", "a net")), signal());
  const writer = "letters-abcdef";
  mkdirSync(join(workspace, "models", writer), { recursive: true });
  writeFileSync(join(workspace, "models", writer, "letters.gguf"), "GGUF");
  const profile = { kind: "model", format: "gguf", fingerprint: "x", language: { architecture: "llama", known: true } };
  const record = {
    version: 1,
    id: writer,
    name: "letters",
    format: "gguf",
    file: "letters.gguf",
    origin: "letters.gguf",
    imported: 1,
    profile,
  };
  writeFileSync(join(workspace, "models", writer, "model.json"), JSON.stringify(record));
  await host.dispose();
  const file = table(folder, "other.csv", "x,y\n4,5\n");
  const model2 = table(folder, "second.onnx", "another net");
  return { workspace, ids: { project, pictures, run, model: model.id, writer, file, model2 } };
}

const files = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !/^(logs|cache)|paddock\.log/.test(name))
    .sort();

test("a call that takes long ends as cancelled, at the worker too, and leaves every file as it was", { timeout: 60_000 }, async () => {
  const { workspace: made, ids } = await prepared();
  const calls = Object.entries(asked).flatMap(([name, ask]) => (typeof ask === "function" ? [[name as Cancellable, ask] as const] : []));
  const ends = await Promise.all(
    calls.map(async ([name, ask]) => {
      const workspace = scratch();
      cpSync(made, workspace, { recursive: true });
      const worker = waitingWorker();
      const { host } = await openHost({ workspace, startWorker: worker.start });
      const before = files(workspace);
      const control = new AbortController();
      const call = host.handlers[name] as (input: unknown, signal: AbortSignal) => Promise<unknown>;
      const ended = call(ask(ids), control.signal).then(
        () => "answered",
        (thrown: { code?: string; message: string }) => (thrown.code === "cancelled" ? thrown.code : thrown.message),
      );
      const early = await Promise.race([ended, worker.working]);
      control.abort();
      const how = early ?? (await ended);
      // Devices are tried for all who ask: only the wait ends. A model that is being opened to be talked with costs its process.
      const stopped = name === "devices" || (name === "talkFacts" && worker.ended()) ? worker.begun : worker.cancelled;
      await host.dispose();
      return [
        name,
        { how, stopped: stopped.join(), left: files(workspace).filter((file) => !before.includes(file)) },
        worker.begun,
      ] as const;
    }),
  );
  const told = Object.fromEntries(ends.map(([name, end]) => [name, end]));
  const wanted = Object.fromEntries(ends.map(([name, , begun]) => [name, { how: "cancelled", stopped: begun.join(), left: [] }]));
  expect(told).toEqual(wanted);
});

test("no call is said to be both short and long", () => {
  expect(Object.keys(short).filter((name) => name in asked)).toEqual([]);
});
