// npm run fuzz -- [reader…] [--inputs N] [--seconds S] [--seed N] [--fresh] [--list] [--input FILE]
// Coverage-guided fuzzing of every reader (test/fuzz/): each in a process of its own, which is watched for its end, its silence, its memory and
// its handles. Inputs that reached something are kept in .fuzz/corpus/, findings in .fuzz/findings/ (--input FILE reads one again).
import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Seconds without an answer before an input counts as one that hangs: far more than a loaded machine needs. */
const patience = Number(process.env["FUZZ_PATIENCE"] ?? 90);
/** Growth of memory between the second tenth of a run and the last that is more than chance, in MiB; and of open handles. */
const flat = { memory: 256, handles: 24 };

const counted = /\/(worker|main|ipc)\/(?!.*\/gen\/).*\.ts$|\/@huggingface\/(tokenizers|jinja)\//;

/** Compiles the readers with counters into a folder under node_modules, where packages are found. */
export async function bundleReaders(entry = join(root, "test/fuzz/child.ts")) {
  const { build } = await import("vite");
  const { instrument } = await import("../test/fuzz/instrument.mjs");
  const outDir = mkdtempSync(join(root, "node_modules/.fuzz-"));
  process.on("exit", () => rmSync(outDir, { recursive: true, force: true }));
  await build({
    configFile: false,
    root,
    logLevel: "error",
    publicDir: false,
    plugins: [instrument(counted)],
    ssr: { noExternal: [/^@huggingface\//] },
    define: { __PADDOCK_VERSION__: '"fuzz"' },
    build: {
      ssr: entry,
      outDir,
      target: "node20",
      minify: false,
      rollupOptions: {
        external: (id) => !/^[./\0]|^[A-Za-z]:[\\/]|^@huggingface\//.test(id),
        output: { entryFileNames: "child.mjs", chunkFileNames: "[name]-[hash].mjs" },
      },
    },
  });
  return outDir;
}

const signature = ({ kind, what }) =>
  createHash("sha256").update(`${kind} ${what.split("\n").filter((line) => /^\s+at /.test(line)).slice(0, 3).join() || what.replace(/[\d.]+/g, "#").slice(0, 80)}`).digest("hex").slice(0, 10); // prettier-ignore

/** Fuzzes one reader, going on after each end of its process. */
export async function fuzzReader(bundle, reader, { inputs, seconds, seed, home, fresh }) {
  const place = mkdtempSync(join(tmpdir(), `paddock-fuzz-${reader}-`));
  const corpus = join(home, "corpus", reader);
  const findings = join(home, "findings", reader);
  if (fresh) rmSync(corpus, { recursive: true, force: true });
  for (const folder of [corpus, findings]) mkdirSync(folder, { recursive: true });
  const total = {
    reader,
    inputs: 0,
    read: 0,
    refused: 0,
    kept: 0,
    reached: 0,
    findings: new Map(),
    restarts: 0,
    memory: [],
    handles: [],
    seconds: 0,
  };
  const began = performance.now();
  const found = (finding, bytes, at) => {
    const name = `${finding.kind}-${signature(finding)}`;
    const times = total.findings.get(name) ?? 0;
    total.findings.set(name, times + 1);
    if (times > 0 || !bytes) return;
    writeFileSync(join(findings, name), bytes);
    writeFileSync(join(findings, `${name}.txt`), `${reader}, seed ${at.seed}, input ${at.done}\n${finding.what}\n`);
    console.log(`  ${reader}: ${name}: ${finding.what.split("\n")[0].slice(0, 160)}`);
  };
  while (total.inputs < inputs && performance.now() - began < seconds * 1000) {
    const at = { seed: seed + total.restarts, done: 0 };
    const current = join(place, "current");
    const left = { inputs: inputs - total.inputs, seconds: seconds - (performance.now() - began) / 1000 };
    const last = await new Promise((done) => {
      const asked = { reader, ...left, seed: at.seed, folder: join(place, "files"), current, corpus };
      const child = fork(join(bundle, "child.mjs"), [JSON.stringify(asked)], {
        env: { ...process.env, PADDOCK_FUZZ_ROOT: root },
        execArgv: ["--expose-gc", "--max-old-space-size=3072", "--stack-trace-limit=20"],
        stdio: ["ignore", "inherit", "pipe", "ipc"],
      });
      let words = "";
      child.stderr.on("data", (chunk) => (words = (words + chunk).slice(-4000)));
      let outcome;
      let stray;
      let silent = false;
      const silence = () => {
        silent = true;
        child.kill("SIGKILL");
      };
      let timer = setTimeout(silence, patience * 1000 * 2);
      child.on("message", (message) => {
        clearTimeout(timer);
        timer = setTimeout(silence, patience * 1000);
        if (message.finding) found(message.finding, Buffer.from(message.input, "base64"), at);
        if (message.stray) stray = message.stray;
        if (message.outcome) outcome = message.outcome;
        if (message.done !== undefined) {
          at.done = message.done;
          total.memory.push(message.rss);
          if (message.handles !== undefined) total.handles.push(message.handles);
        }
      });
      child.on("close", (code, signal) => {
        clearTimeout(timer);
        done({ outcome, stray, silent, code, signal, words });
      });
    });
    if (last.outcome) {
      for (const key of ["inputs", "read", "refused"]) total[key] += last.outcome[key];
      total.kept = last.outcome.kept;
      total.reached = last.outcome.reached;
      continue;
    }
    // The process ended, or had to be ended, on the input that it wrote down.
    total.inputs += at.done;
    total.restarts++;
    const bytes = existsSync(current) ? readFileSync(current) : Buffer.alloc(4);
    const input = bytes.subarray(4, 4 + (bytes.length >= 4 ? bytes.readUInt32LE(0) : 0));
    const kind = last.silent ? "hang" : last.stray ? "stray" : "crash";
    found({ kind, what: last.stray ?? `${kind}: exit code ${last.code}, signal ${last.signal}\n${last.words}` }, input, at);
    if (at.done === 0 && total.restarts > 20) break;
  }
  rmSync(place, { recursive: true, force: true });
  total.seconds = (performance.now() - began) / 1000;
  return { ...total, growth: growthOf(total) };
}

/** By how much memory (MiB) and handles grew from the second tenth of a run to its last. */
function growthOf({ memory, handles }) {
  const middle = (list) => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0;
  const grown = (list) => (list.length < 20 ? 0 : middle(list.slice(-Math.ceil(list.length / 10))) - middle(list.slice(Math.floor(list.length / 10), Math.floor(list.length / 5) + 1))); // prettier-ignore
  return { memory: Math.round(grown(memory) / 2 ** 20), handles: grown(handles) };
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      inputs: { type: "string", default: "1000" },
      seconds: { type: "string", default: "86400" },
      seed: { type: "string", default: "1" },
      fresh: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      input: { type: "string" },
      home: { type: "string", default: join(root, ".fuzz") },
    },
  });
  const names = readFileSync(join(root, "test/fuzz/targets/index.ts"), "utf8");
  const known = [...names.matchAll(/^ {2}"?([\w.-]+)"?: (?:async )?\(\) =>/gm)].map(([, name]) => name);
  if (values.list) return void console.log(known.join("\n"));
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length || (values.input !== undefined && positionals.length !== 1)) {
    console.error(
      unknown.length
        ? `There is no reader called ${unknown.join(", ")}. Known: ${known.join(", ")}.`
        : "Name the one reader that --input is for.",
    );
    return void (process.exitCode = 2);
  }
  const bundle = await bundleReaders();
  if (values.input !== undefined) {
    const place = mkdtempSync(join(tmpdir(), "paddock-fuzz-"));
    const asked = { reader: positionals[0], folder: join(place, "files"), input: resolve(values.input) };
    const child = fork(join(bundle, "child.mjs"), [JSON.stringify(asked)], {
      env: { ...process.env, PADDOCK_FUZZ_ROOT: root },
      execArgv: ["--stack-trace-limit=40"],
    });
    await new Promise((done) => child.on("close", (code, signal) => done((process.exitCode = code ?? (signal ? 1 : 0)))));
    return rmSync(place, { recursive: true, force: true });
  }
  const numbers = { inputs: Number(values.inputs), seconds: Number(values.seconds), seed: Number(values.seed) };
  let bad = 0;
  for (const reader of positionals.length ? positionals : known) {
    const told = await fuzzReader(bundle, reader, { ...numbers, home: values.home, fresh: values.fresh });
    const grows = told.growth.memory > flat.memory || told.growth.handles > flat.handles;
    const found = [...told.findings].map(([name, times]) => `${name} × ${times}`);
    if (found.length || grows) bad++;
    console.log(
      `${found.length || grows ? "FAIL" : "ok  "} ${reader}: ${told.inputs} inputs in ${Math.round(told.seconds)} s, ${told.read} read, ${told.refused} refused, ${told.kept} kept, ${told.reached} reached; memory ${told.growth.memory >= 0 ? "+" : ""}${told.growth.memory} MiB, handles ${told.growth.handles}${found.length ? `; ${found.join(", ")}` : ""}`,
    );
  }
  process.exitCode = bad ? 1 : 0;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
