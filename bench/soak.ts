// A day of use in miniature: short jobs of every kind against the real host and its workers, while what should stay as it is (memory, files held
// open, timers, listeners, processes, files left behind) is counted after each round. `growth` then says what did not stay.
import { execFileSync } from "node:child_process";
import { getEventListeners } from "node:events";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { HostApi, HostEvents } from "../ipc/host.ts";
import { memoryPair } from "../ipc/port.ts";
import { connect } from "../ipc/rpc.ts";
import { childWorker } from "../main/childWorker.ts";
import { letIn } from "../main/door.ts";
import { Handouts } from "../main/handouts.ts";
import { createHost } from "../main/host.ts";

/** What is counted after a round; NaN where the system does not tell. */
export interface Counted {
  /** Bytes of JavaScript values that live in the host, garbage collected before where Node was started with --expose-gc. */
  heap: number;
  /** Resident bytes of the host, and of each kind of worker that stays. */
  host: number;
  warm: number;
  talking: number;
  /** Open files of the host and of the worker for short calls. */
  files: number;
  warmFiles: number;
  /** Timers, sockets and pipes that keep the host's event loop. */
  resources: number;
  /** Listeners of the host's process, of the signal that all calls share, and of the worker that stays. */
  listeners: number;
  children: number;
  /** Files in the folder for temporary ones, and in the workspace but for its trash, cache and log. */
  temporary: number;
  workspace: number;
}

export interface SoakOptions {
  workspace: string;
  /** The built worker. */
  entry: string;
  /** Jobs in all; a round has `jobsPerRound`. */
  jobs: number;
  /** Where everything temporary goes, so that it can be counted. */
  temporary: string;
  /** A GGUF file to talk with; without one nothing is talked. */
  gguf?: string | undefined;
  /** An ONNX file to import; without one nothing is imported. */
  onnx?: string | undefined;
  onRound?: (round: number, done: number, counted: Counted) => void;
}

const resident = (pid: number | undefined): number => {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024;
  } catch {
    return NaN;
  }
};
const openFiles = (pid: number | string | undefined): number => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return NaN;
  }
};
const childrenOf = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return execFileSync("pgrep", ["-P", String(pid)], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map(Number);
  }
};
const count = (folder: string, but: RegExp = /^$/): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !but.test(join(entry.parentPath, entry.name).slice(folder.length + 1)),
  ).length;

/** A table of `rows` rows, another one for each round, so that nothing is answered from what is kept of the last. */
const table = (round: number, rows = 60): string => {
  let state = round * 7919 + 1;
  const next = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const row = (i: number) =>
    [i + round / 1000, next().toFixed(4), ["red", "green", "blue"][i % 3], (next() + (i % 3)).toFixed(3)].join(",");
  return ["a,b,colour,y", ...Array.from({ length: rows }, (_, i) => row(i))].join("\n");
};

/** Runs the jobs; answers what was counted after each round, and how many jobs there were. Throws what a job throws. */
export async function soak(options: SoakOptions): Promise<{ rounds: Counted[]; jobs: number; kinds: Record<string, number> }> {
  const { workspace, temporary } = options;
  for (const folder of [workspace, temporary]) mkdirSync(folder, { recursive: true });
  const env = { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary };
  const host = await createHost({ workspace, door: "cli", version: "0.0.0", startWorker: childWorker(options.entry, { env }) });
  const session = new AbortController();
  // Every call of the whole soak carries this one signal, as those of a page that stays open might: what listens to it has to let go.
  const { signal } = session;
  const handouts = new Handouts();
  const waiting = new Map<string, (state: string) => void>();
  const offEvents = host.onEvent((name, value) => {
    if (name !== "runChanged") return;
    const { run } = value as HostEvents["runChanged"];
    if (run && ["done", "failed", "interrupted"].includes(run.state)) waiting.get(run.id)?.(run.state);
  });
  const { handlers } = host;
  const ended = (id: string): Promise<string> =>
    new Promise((resolve) =>
      waiting.set(id, (state) => {
        waiting.delete(id);
        resolve(state);
      }),
    );
  const kinds: Record<string, number> = {};
  let done = 0;
  const job = async <T>(kind: string, work: () => Promise<T>): Promise<T> => {
    const answer = await work();
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    done++;
    return answer;
  };
  const refused = async (work: Promise<unknown>, code: string): Promise<void> => {
    const thrown = await work.then(
      () => undefined,
      (error: unknown) => error as { code?: string },
    );
    if (thrown?.code !== code) throw new Error(`${code} was due, and came ${thrown ? String(thrown.code ?? thrown) : "nothing"}`);
  };
  const bytes = async function* (text: string, breaks = false) {
    yield await Promise.resolve(Buffer.from(text));
    if (breaks) throw new Error("the page is gone");
  };
  let warmPid: number | undefined;
  const shelf = options.gguf ? (await handlers.importModel({ source: { kind: "path", path: options.gguf } }, signal)).model.id : undefined;

  async function round(number: number): Promise<void> {
    const file = join(temporary, "table.csv");
    writeFileSync(file, table(number));
    const project = await job("import", () => handlers.createProject({ source: { kind: "path", path: file } }, signal));
    const { id } = project;
    const spec = { ...project.spec, target: "y" };
    await job("rows, plan and health", async () => {
      await handlers.rows({ id, offset: 0, limit: 20 }, signal);
      await handlers.plan({ id, spec }, signal);
      await handlers.health({ id, spec }, signal);
    });
    await job("upload", async () => {
      const { id: upload } = await host.receiveUpload("up.csv", bytes(table(number + 0.5)));
      const made = await handlers.createProject({ source: { kind: "upload", id: upload } }, signal);
      await handlers.removeProject({ id: made.id }, signal);
    });
    await job("broken upload and broken file", async () => {
      await host.receiveUpload("cut.csv", bytes("a,b\n", true)).catch(() => {});
      writeFileSync(join(temporary, "bad.csv"), Buffer.from([0, 1, 2, 3, 0, 255, number % 256]));
      await refused(handlers.createProject({ source: { kind: "path", path: join(temporary, "bad.csv") } }, signal), "fileNotText");
    });
    await job("cancelled import", async () => {
      const control = new AbortController();
      writeFileSync(file, table(number + 0.25, 4000));
      const made = handlers.createProject({ source: { kind: "path", path: file } }, control.signal);
      await sleep((number * 37) % 120);
      control.abort();
      const late = await made.catch((thrown: unknown) => {
        if ((thrown as { code?: string }).code !== "cancelled" && (thrown as Error).name !== "AbortError") throw thrown;
      });
      if (late) await handlers.removeProject({ id: late.id }, signal);
    });
    const run = await job("training", async () => {
      const started = await handlers.startRun({ project: id, spec: { ...spec, seed: 1, steps: 12, device: "cpu" } }, signal);
      const state = await ended(started.id);
      if (state !== "done") throw new Error(`A training ended as ${state}`);
      return started.id;
    });
    await job("training that is stopped", async () => {
      const started = await handlers.startRun({ project: id, spec: { ...spec, seed: 2, steps: 100_000, device: "cpu" } }, signal);
      const end = ended(started.id);
      for (let i = 0; i < 400; i++) {
        const now = await handlers.run({ project: id, run: started.id }, signal);
        if (now.state === "running" && now.curve.length > 0) break;
        await sleep(25);
      }
      await handlers.stopRun({ project: id, run: started.id }, signal);
      await end;
      await handlers.removeRun({ project: id, run: started.id }, signal);
    });
    await job("prediction", async () => {
      await handlers.form({ project: id, run }, signal);
      await handlers.predict({ project: id, run, rows: [{ a: "1", b: "0.5", colour: "red" }] }, signal);
    });
    await job("prediction of a file", () => handlers.predictFile({ project: id, run, source: { kind: "path", path: file } }, signal));
    await job("export", async () => {
      await handlers.exportOnnx({ project: id, run }, signal);
      await handlers.exportRun({ project: id, run, to: number % 2 ? "onnx-int8" : "safetensors" }, signal);
    });
    await job("report", async () => {
      await handlers.report({ project: id, run }, signal);
      await handlers.mistakes({ project: id, run, split: "test" }, signal);
      await handlers.importance({ project: id, run, measure: true }, signal);
    });
    await job("a page that comes and goes", async () => {
      const [page, door] = memoryPair();
      letIn(door, host, handouts);
      const client = connect<HostApi, HostEvents>(page);
      const off = client.listen("status", () => {});
      await client.call.projects();
      await client.call.status();
      off();
      page.close();
      await sleep(0);
    });
    await job("lesson", async () => {
      await handlers.lessonOpen({ x: [1, 2, 3], y: [6, 10, 14], optimizer: "sgd", lr: 0.05 }, signal);
      await handlers.lessonStep({ count: 20 }, signal);
      await handlers.lessonClose(undefined, signal);
    });
    if (shelf)
      await job("chat", async () => {
        await handlers.talkFacts({ model: shelf }, signal);
        const answer = { asked: { text: "Once upon a time" }, maxTokens: 8, sampling: { temperature: 0 } };
        await handlers.talk({ id: `t${number}`, model: shelf, ...answer }, signal);
        const control = new AbortController();
        const cut = handlers.talk({ id: `c${number}`, model: shelf, ...answer, maxTokens: 200 }, control.signal);
        setTimeout(() => control.abort(), 30);
        await cut.catch(() => {});
      });
    if (options.onnx)
      await job("model of others", async () => {
        const { model } = await handlers.importModel({ source: { kind: "path", path: options.onnx! } }, signal);
        await handlers.removeModel({ id: model.id }, signal);
      });
    await job("removed, restored and removed", async () => {
      await handlers.renameProject({ id, name: `Round ${number}` }, signal);
      await handlers.removeProject({ id }, signal);
      await handlers.restoreProject({ id }, signal);
      await handlers.removeProject({ id }, signal);
    });
  }

  /** The pid of the worker for short calls: the oldest child that is not the one for talking. */
  async function counted(): Promise<Counted> {
    await sleep(50);
    (globalThis as { gc?: () => void }).gc?.();
    const children = childrenOf(process.pid);
    warmPid = children.find((pid) => pid !== host.talking.pid);
    const { heapUsed, rss } = process.memoryUsage();
    const names = process.eventNames();
    return {
      heap: heapUsed,
      host: rss,
      warm: resident(warmPid),
      talking: host.talking.pid === undefined ? NaN : resident(host.talking.pid),
      files: openFiles("self"),
      warmFiles: openFiles(warmPid),
      resources: process.getActiveResourcesInfo().length,
      listeners: names.reduce((sum, name) => sum + process.listenerCount(name), getEventListeners(signal, "abort").length) + waiting.size,
      children: children.length,
      temporary: count(temporary),
      workspace: count(workspace, /^(trash|cache|logs)[/\\]/),
    };
  }

  const rounds: Counted[] = [];
  try {
    for (let number = 1; done < options.jobs; number++) {
      await round(number);
      rounds.push(await counted());
      options.onRound?.(number, done, rounds.at(-1)!);
    }
  } finally {
    offEvents();
    session.abort();
    await host.dispose();
  }
  return { rounds, jobs: done, kinds };
}

/** What a quantity may grow by from the first to the last round that counts: bytes as a share of what it is, the others as a number. */
export const allowed: Record<keyof Counted, { share: number } | { more: number }> = {
  heap: { share: 0.1 },
  host: { share: 0.15 },
  warm: { share: 0.2 },
  talking: { share: 0.2 },
  files: { more: 1 },
  warmFiles: { more: 1 },
  resources: { more: 1 },
  listeners: { more: 0 },
  children: { more: 0 },
  temporary: { more: 0 },
  workspace: { more: 0 },
};

export interface Growth {
  what: keyof Counted;
  /** At the beginning and the end of the line through the rounds that count. */
  from: number;
  to: number;
  limit: number;
}

/**
 * The line through what was counted after warming up (Theil and Sen: the median of all slopes, which single outliers do not move), for each
 * quantity that the system tells.
 */
export function growth(rounds: Counted[], warmUp = Math.ceil(rounds.length / 5)): Growth[] {
  const counting = rounds.slice(warmUp);
  const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return (Object.keys(allowed) as (keyof Counted)[]).flatMap((what) => {
    const y = counting.map((one) => one[what]);
    if (y.length < 2 || y.some(Number.isNaN)) return [];
    const slopes = y.flatMap((value, i) => y.slice(i + 1).map((later, j) => (later - value) / (j + 1)));
    const slope = middle(slopes);
    const from = middle(y.map((value, i) => value - slope * i));
    const rule = allowed[what];
    return [{ what, from, to: from + slope * (y.length - 1), limit: "share" in rule ? from * rule.share : rule.more }];
  });
}

export const grown = (all: Growth[]): Growth[] => all.filter(({ from, to, limit }) => to - from > limit + 1e-9);
