// Tokens a second and the time to the first one: Paddock's road (a worker process, tokens as events) beside node-llama-cpp used bare in this process, in
// turn, on the same model, threads, context and prompt. After a build:
//   node bench/chat.mjs model.gguf [--rounds 9] [--tokens 200] [--prompt TEXT]
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundle } from "../scripts/bundle.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string" }, tokens: { type: "string" }, prompt: { type: "string" } },
});
const path = resolve(positionals[0] ?? join(root, "../shared/models/gguf/stories260K/stories260K-F32.gguf"));
const rounds = Number(values.rounds ?? 9);
const tokens = Number(values.tokens ?? 200);
const prompt = values.prompt ?? "Once upon a time";

const { getLlama } = await import("node-llama-cpp");
const { childWorker } = await import(await bundle("main/childWorker.ts"));
const { Worker } = await import(await bundle("main/workers.ts"));

const worker = new Worker(childWorker(join(root, "dist/worker/main.js"))());
const { context } = await worker.use((api) => api.talkFacts({ model: path }));

const llama = await getLlama({ build: "never", skipDownload: true, progressLogs: false, logLevel: "error" });
const model = await llama.loadModel({ modelPath: path });
// The number of threads that Paddock takes: one for models below 64 MB, else the cores that are good for it.
const threads = model.size < 64e6 ? 1 : llama.cpuMathCores;
llama.maxThreads = threads;
const sequence = (await model.createContext({ contextSize: context, threads })).getSequence();
const ids = model.tokenize(prompt, true);
if (model.tokens.shouldPrependBosToken) ids.unshift(model.tokens.bos);

/** Processor seconds of this process and, of Paddock, its worker (Linux: ticks of a hundredth). */
function cpu(pid) {
  const { user, system } = process.cpuUsage();
  const ticks = pid === undefined ? [0, 0] : readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ").slice(11, 13).map(Number);
  return (user + system) / 1e6 + (ticks[0] + ticks[1]) / 100;
}

async function bare() {
  await sequence.clearHistory();
  const spent = cpu();
  const began = performance.now();
  const out = [];
  let first = 0;
  let text = "";
  for await (const token of sequence.evaluate(ids, { temperature: 0, topK: 40, topP: 0.95, minP: 0.05, yieldEogToken: true })) {
    if (!first) first = performance.now() - began;
    if (model.isEogToken(token)) break;
    text += model.detokenize([token], false, out);
    out.push(token);
    if (out.length >= tokens) break;
  }
  return { speed: (out.length - 1) / ((performance.now() - began - first) / 1000), first, text, cpu: cpu() - spent };
}

let turn = 0;
async function ours() {
  // Another prompt between, so that nothing of this one is kept, as above.
  for (let i = 0; i < 4; i++) await worker.use((api) => api.talk({ model: path, id: "x", asked: { text: `${i} other` }, maxTokens: 1 }));
  const id = `t${turn++}`;
  const spent = cpu(worker.pid);
  const began = performance.now();
  let first = 0;
  let last = 0;
  const off = worker.listen("token", (token) => {
    if (token.id !== id) return;
    last = performance.now() - began;
    first ||= last;
  });
  const said = await worker.use((api) =>
    api.talk({ model: path, id, asked: { text: prompt }, maxTokens: tokens, sampling: { temperature: 0 } }),
  );
  off();
  return { speed: (said.tokens - 1) / ((last - first) / 1000), first, text: said.text, cpu: cpu(worker.pid) - spent };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
await bare();
await ours();
const pairs = [];
for (let i = 0; i < rounds; i++) {
  const [a, b] = i % 2 ? [await bare(), await ours()] : [await ours(), await bare()].reverse();
  pairs.push({ bare: a, ours: b });
}
const same = pairs.every((pair) => pair.bare.text.startsWith(pair.ours.text.slice(0, 40)));
console.log(
  `${path.split("/").at(-1)}, ${cpus().length} cores, ${threads} thread(s), context ${context}, ${tokens} tokens, ${rounds} rounds in turn`,
);
console.log(
  `bare  ${median(pairs.map((p) => p.bare.speed)).toFixed(1)} tokens/s, first after ${median(pairs.map((p) => p.bare.first)).toFixed(1)} ms`,
);
console.log(
  `ours  ${median(pairs.map((p) => p.ours.speed)).toFixed(1)} tokens/s, first after ${median(pairs.map((p) => p.ours.first)).toFixed(1)} ms`,
);
console.log(
  `speed ours/bare ${median(pairs.map((p) => p.ours.speed / p.bare.speed)).toFixed(3)} (0.95 is wanted), first token +${median(pairs.map((p) => p.ours.first - p.bare.first)).toFixed(1)} ms (50 at most), same text: ${same}`,
);
const sum = (of) => pairs.reduce((total, pair) => total + of(pair), 0);
console.log(
  `processor time bare/ours ${(sum((p) => p.bare.cpu) / sum((p) => p.ours.cpu)).toFixed(3)} (both processes counted; where others share the cores, this is what says)`,
);
await worker.stop();
await llama.dispose();
