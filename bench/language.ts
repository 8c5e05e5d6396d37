// The language model that a text would get, its steps timed and its losses beside PyTorch's: the same first weights, the same batches, the same
// settings, in turns. Run with: node bench/language.mjs TEXT [--peer PYTHON] [--steps 30] [--optimizer adamw|muon] [--threads 2]
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { batches } from "../worker/data/batches.ts";
import { openCorpus } from "../worker/data/text/corpus.ts";
import { encodeCorpus, learnVocabulary, suitableVocabulary, survey, windowsOf } from "../worker/data/text/encodeCorpus.ts";
import { WindowSamples } from "../worker/data/text/windows.ts";
import { gptTraining } from "../worker/models/gpt.ts";
import { openEngine } from "../worker/run/engine.ts";
import type { Tensor } from "../worker/tensor.ts";
import { feedsOf } from "../worker/train/answers.ts";
import { writeAtomic } from "../worker/train/files.ts";
import { languageNet, makeLanguagePlan } from "../worker/train/kinds/languagePlan.ts";
import { runOptions } from "../worker/train/runOptions.ts";
import { safetensors } from "../worker/train/safetensors.ts";
import { trainingPlan } from "../worker/train/step.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peer: { type: "string" },
    steps: { type: "string", default: "30" },
    optimizer: { type: "string", default: "adamw" },
    threads: { type: "string", default: "2" },
  },
});
const [text] = positionals;
if (!text || !["adamw", "muon"].includes(values.optimizer)) throw new Error("Say which text: node bench/language.mjs TEXT");
const optimizer = values.optimizer as "adamw" | "muon";
const [steps, threads] = [Number(values.steps), Number(values.threads)];
const folder = await mkdtemp(join(tmpdir(), "paddock-bench-"));

const corpus = await openCorpus(resolve(text), { cache: join(folder, "cache") });
const found = await survey(corpus, { seed: 1, split: true });
const bpe = await learnVocabulary(corpus, found, { size: suitableVocabulary(found.bytes[0], found.han) });
const encoded = await encodeCorpus(corpus, found, bpe, { scratch: folder });
const [train, validation, test] = encoded.parts;
const tokens = { train: train.store.length, validation: validation.store.length, test: test.store.length };
const facts = { tokens, vocabulary: bpe.size };
const spec = { data: text, optimizer, steps, lr: 1e-3, config: { dropout: 0 } };
const net = languageNet(facts, spec);
const windows = await windowsOf(train, net.context);
const samples = new WindowSamples(train.store, { context: net.context, windows, piece: 1 });
const full = makeLanguagePlan(facts, net, { train: samples.rows, validation: 1, test: 1 }, spec);
const { batch } = full.course;
const feeds: Record<string, Tensor>[] = [];
for (const positions of batches(samples.rows, batch, { seed: 1, epoch: 0, shuffle: true, from: 0 })) {
  if (feeds.length === steps) break;
  feeds.push(feedsOf(await samples.read(positions)));
}
const training = gptTraining(net);
const weights = new Map(training.parameters.map((name) => [name, training.initializers.get(name)!]));
const engine = await openEngine("cpu", { threads });
const session = await engine.train(trainingPlan(training, runOptions(full, "cpu")), undefined);

interface Turn {
  losses: number[];
  times: number[];
  /** Milliseconds of processor time. */
  cpu: number;
}

async function own(from: number, count: number): Promise<Turn> {
  const turn: Turn = { losses: [], times: [], cpu: 0 };
  const used = process.cpuUsage();
  for (const each of feeds.slice(from, from + count)) {
    const began = performance.now();
    turn.losses.push(Number((await session.step(each, full.course.lr))["loss"]!.data[0]));
    turn.times.push(performance.now() - began);
  }
  const { user, system } = process.cpuUsage(used);
  return { ...turn, cpu: (user + system) / 1000 };
}

async function openPeer(python: string): Promise<{ turn(from: number, count: number): Promise<Turn>; close(): void }> {
  const all = new Map<string, Tensor>(weights);
  for (const [i, { input_ids, labels }] of feeds.entries()) all.set(`ids.${i}`, input_ids!).set(`labels.${i}`, labels!);
  await writeAtomic(join(folder, "net.safetensors"), ...safetensors(all));
  const { weightDecay, lr } = full.plan.settings;
  await writeFile(join(folder, "net.json"), JSON.stringify({ ...net, ...full.step, optimizer, weightDecay, lr, threads, steps }));
  const env = { ...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
  const child = spawn(python, [process.env["PADDOCK_PEER_PROGRAM"]!, folder], { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("PyTorch's side ended.");
    return value;
  };
  console.log(`torch ${await line()}`);
  return {
    async turn(from, count) {
      child.stdin.write(`${from} ${count}\n`);
      return JSON.parse(await line()) as Turn;
    },
    close: () => child.kill(),
  };
}

const peer = values.peer ? await openPeer(values.peer) : undefined;
const sides: { ours: Turn[]; theirs: Turn[] } = { ours: [], theirs: [] };
const stretch = 5;
for (let from = 0; from < steps; from += stretch) {
  const count = Math.min(stretch, steps - from);
  const turns = [async () => sides.ours.push(await own(from, count)), async () => peer && sides.theirs.push(await peer.turn(from, count))];
  for (const turn of (from / stretch) % 2 ? turns.reverse() : turns) await turn();
}
peer?.close();
await engine.dispose();
await encoded.close();
await corpus.close();
await rm(folder, { recursive: true, force: true });

// The first stretch lays out memory.
const told = (turns: Turn[]) => {
  const counted = turns.slice(turns.length > 1 ? 1 : 0);
  const times = counted.flatMap(({ times }) => times).sort((a, b) => a - b);
  return { median: times[times.length >> 1]!, cpu: counted.reduce((sum, { cpu }) => sum + cpu, 0) / times.length };
};
const losses = (turns: Turn[]) => turns.flatMap((turn) => turn.losses);
const ours = told(sides.ours);
const { layers, width, context, tokens: vocabulary } = net;
console.log(`GPT ${layers}×${width}, context ${context}, ${vocabulary} tokens, batch ${batch}, ${optimizer}, ${threads} threads`);
console.log(
  `ours    median ${ours.median.toFixed(1)} ms, processor ${ours.cpu.toFixed(1)} ms a step, loss ${losses(sides.ours).at(-1)!.toFixed(5)}`,
);
if (peer) {
  const theirs = told(sides.theirs);
  const other = losses(sides.theirs);
  const apart = Math.max(...losses(sides.ours).map((loss, i) => Math.abs(loss - other[i]!)));
  console.log(
    `PyTorch median ${theirs.median.toFixed(1)} ms, processor ${theirs.cpu.toFixed(1)} ms a step, loss ${other.at(-1)!.toFixed(5)}`,
  );
  console.log(
    `ratio   median ${(ours.median / theirs.median).toFixed(2)}, processor ${(ours.cpu / theirs.cpu).toFixed(2)}; losses at most ${apart.toExponential(1)} apart`,
  );
}
