// Eight clients at once on the local API for five minutes: nothing may be lost, and memory may not grow. After a build:
//   node bench/serve.mjs [model.gguf] [--seconds 300] [--clients 8]
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string" }, clients: { type: "string" } },
});
const path = resolve(positionals[0] ?? join(root, "../shared/models/gguf/stories260K/stories260K-Q8_0.gguf"));
const seconds = Number(values.seconds ?? 300);
const clients = Number(values.clients ?? 8);

const home = mkdtempSync(join(tmpdir(), "paddock-bench-serve-"));
const server = spawn(
  process.execPath,
  [join(root, "dist/main/cli.js"), "serve", "--no-open", "--model", path, "--api-key", "pk-bench", "--json"],
  {
    env: { ...process.env, PADDOCK_HOME: home, PADDOCK_APPS_HOME: home },
    stdio: ["ignore", "pipe", "inherit"],
  },
);
const { api } = await new Promise((found) => server.stdout.once("data", (line) => found(JSON.parse(line.toString()))));
const headers = { authorization: "Bearer pk-bench", "content-type": "application/json" };
const { data } = await (await fetch(`${api.url}/models`, { headers })).json();
const model = data[0].id;

/** Bytes of the server and the processes below it (Linux). */
function memory() {
  const parents = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      parents.set(Number(pid), Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))[1]));
    } catch {
      // it has ended
    }
  const own = (pid) => pid === server.pid || (parents.has(pid) && own(parents.get(pid)));
  let bytes = 0;
  for (const pid of parents.keys())
    if (own(pid)) bytes += 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
  return bytes;
}

const prompts = ["Once upon a time", "One day", "Tom had a red ball", "The dog"];
const expected = new Map();
let requests = 0;
let lost = 0;
/** Texts that are not the first one of their prompt: what is computed together is rounded otherwise, and equal tokens may change places. */
let different = 0;
async function ask(prompt, stream) {
  requests++;
  try {
    const body = { model, prompt, max_tokens: 40, temperature: 0, stream };
    const answer = await fetch(`${api.url}/completions`, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    let text;
    if (stream) {
      const events = (await answer.text()).split("\n\n").filter(Boolean);
      if (events.at(-1) !== "data: [DONE]") throw new Error("cut off");
      text = events
        .slice(0, -1)
        .map((event) => JSON.parse(event.slice(6)).choices[0].text)
        .join("");
    } else text = (await answer.json()).choices[0].text;
    if (!expected.has(prompt)) expected.set(prompt, text);
    if (expected.get(prompt) !== text) different++;
  } catch (thrown) {
    lost++;
    console.error(thrown.message);
  }
}

for (const prompt of prompts) await ask(prompt, false);
const until = performance.now() + seconds * 1000;
// The first tenth warms up: caches and heaps are filled then. What follows is told tenth by tenth, so that growth is told from a heap's breathing.
const readings = [];
const reading = setInterval(() => readings.push(memory()), seconds * 100);
await Promise.all(
  Array.from({ length: clients }, async (_, client) => {
    for (let i = client; performance.now() < until; i++) await ask(prompts[i % prompts.length], i % 2 === 0);
  }),
);
clearInterval(reading);
const [start] = readings;
const end = memory();
const mb = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
console.log(`${clients} clients for ${seconds} s: requests=${requests} lost=${lost} different=${different}`);
console.log(`memory by tenths, MB: ${readings.map((bytes) => (bytes / 1e6).toFixed(0)).join(" ")}`);
console.log(`memory: ${mb(start)} after a tenth of the time, ${mb(end)} at the end (${((end / start - 1) * 100).toFixed(1)} %)`);
server.kill("SIGTERM");
await new Promise((resolve) => server.once("exit", resolve));
rmSync(home, { recursive: true, force: true });
process.exit(lost ? 1 : 0);
