// What the host adds to a step: the same training in a bare process (nobody listens) and through the built app (host, worker process,
// live progress over the socket's contract), in turn. Prints the ratio of the times that training itself took.
//   node bench/overhead.mjs [--pairs 3] [--steps 1500]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const flag = (name, fallback) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1] || fallback);
const pairs = process.argv.includes("--pairs") ? flag("pairs", 3) : 3;
const steps = process.argv.includes("--steps") ? flag("steps", 1500) : 1500;
const home = mkdtempSync(join(tmpdir(), "paddock-overhead-"));
const data = join(home, "table.csv");

let state = 1;
const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
const lines = ["a,b,c,d,y"];
for (let i = 0; i < 20_000; i++) {
  const [a, b, c, d] = [next(), next(), next(), next()];
  lines.push([a, b, c, d, a * b + Math.sin(5 * c) - d + 0.1 * next()].map((v) => v.toFixed(5)).join());
}
writeFileSync(data, lines.join("\n"));
const spec = { data, target: "y", steps, seconds: 600 };
const env = { ...process.env, PADDOCK_HOME: join(home, "workspace") };

/** The worker alone: a parent that says what to do and then only waits. */
function bare(run) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, "dist/worker/main.js")], {
      env,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
    child.on("message", (message) => {
      if (message.t === "ok") {
        child.disconnect();
        resolve(message.value.seconds);
      } else if (message.t === "error") reject(new Error(message.error.message));
    });
    child.send({ t: "call", id: 1, method: "train", input: { run, spec, cache: join(home, "cache") } });
  });
}

/** The app: the browser door's host with a window that listens to everything. */
async function app() {
  const { WebSocket } = await import("ws");
  const { decode, encode } = await import("@msgpack/msgpack");
  const server = spawn(process.execPath, [join(root, "dist/main/cli.js"), "serve", "--no-open"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise((resolve) => server.stdout.on("data", (text) => resolve(/http:\S+/.exec(String(text))?.[0])));
  const address = new URL(url);
  const socket = new WebSocket(`ws://${address.host}/rpc?token=${address.searchParams.get("token")}`, { origin: address.origin });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  let id = 0;
  const waiting = new Map();
  let ended = () => {};
  socket.on("message", (frame) => {
    const message = decode(frame);
    if (message.t === "ok") waiting.get(message.id)?.resolve(message.value);
    if (message.t === "error") waiting.get(message.id)?.reject(new Error(message.error.message));
    if (message.t === "event" && message.name === "run" && message.value.progress.state === "done") ended();
  });
  const call = (method, input) =>
    new Promise((resolve, reject) => {
      waiting.set(++id, { resolve, reject });
      socket.send(encode({ t: "call", id, method, input }));
    });
  try {
    const project = await call("createProject", { source: { kind: "path", path: data } }).catch(async () => {
      const upload = await fetch(`${address.origin}/upload?name=table.csv`, {
        method: "POST",
        headers: { "x-paddock-token": address.searchParams.get("token"), origin: address.origin },
        body: lines.join("\n"),
      });
      return call("createProject", { source: await upload.json() });
    });
    const done = new Promise((resolve) => (ended = resolve));
    const { data: _, ...rest } = spec;
    const run = await call("startRun", { project: project.id, spec: rest });
    await done;
    for (;;) {
      const { result } = await call("run", { project: project.id, run: run.id });
      if (result) return result.seconds;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    socket.terminate();
    server.kill();
  }
}

const ratios = [];
try {
  for (let pair = 0; pair < pairs; pair++) {
    const alone = await bare(join(home, `bare${pair}`));
    const through = await app();
    ratios.push(through / alone);
    console.log(
      `pair ${pair + 1}: bare ${alone.toFixed(2)} s, through the app ${through.toFixed(2)} s, ratio ${(through / alone).toFixed(3)}`,
    );
  }
  ratios.sort((a, b) => a - b);
  console.log(`median ratio ${ratios[Math.floor(ratios.length / 2)].toFixed(3)} over ${steps} steps`);
} finally {
  rmSync(home, { recursive: true, force: true });
}
