// Every family on random tiny configurations: our logits beside transformers', the model turned into GGUF and asked through llama.cpp (tokens of texts, and
// what it finds likely), and turned back into a folder, which bench/peer/families.py then checks with transformers.
//   PYTHON bench/peer/families.py make FOLDER 20; node bench/families.mjs FOLDER; PYTHON bench/peer/families.py check FOLDER
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLlama, LlamaLogLevel, type Token } from "node-llama-cpp";
import { exportRun } from "../worker/train/exports/index.ts";
import { languageLogits } from "../worker/run/languageLogits.ts";

const folder = process.argv[2];
if (!folder) throw new Error("Say which folder: node bench/families.mjs FOLDER");
const { signal } = new AbortController();
const options = { cache: join(tmpdir(), "paddock-families"), signal };
const llama = await getLlama({ build: "never", skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.disabled });
const worst = new Map<string, Map<string, number>>();
const note = (family: string, what: string, value: number) => {
  const of = worst.get(family) ?? new Map<string, number>();
  worst.set(family, of.set(what, Math.max(of.get(what) ?? 0, value)));
};

/** Largest gap of logarithms of probabilities, by the largest logit: a softmax does not tell logits apart that all moved as far. */
function gapOf(ours: Float32Array, probabilities: ReadonlyMap<Token, number>, vocabulary: number): number {
  const last = ours.subarray(ours.length - vocabulary);
  const top = Math.max(...last);
  const sum = last.reduce((all, v) => all + Math.exp(v - top), 0);
  let gap = 0;
  for (const [token, p] of probabilities) if (p > 1e-20) gap = Math.max(gap, Math.abs(Math.log(p) - (last[token]! - top - Math.log(sum))));
  return gap / last.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
}

for (const name of readdirSync(folder).sort()) {
  const path = join(folder, name);
  if (name.endsWith("-back") || !existsSync(join(path, "reference.json"))) continue;
  const family = name.slice(0, name.lastIndexOf("-"));
  const { ids, logits, texts } = JSON.parse(readFileSync(join(path, "reference.json"), "utf8")) as {
    ids: number[];
    logits: number[][];
    texts: [string, number[]][];
  };
  const scale = Math.max(...logits.flat().map(Math.abs));
  const vocabulary = logits[0]!.length;
  try {
    const ours = (await languageLogits(path, [ids])).logits;
    const gap = Math.max(...logits.flat().map((v, i) => Math.abs(v - ours[i]!))) / scale;
    note(family, "transformers", gap);
    if (gap > 1e-3) console.log(`${name}: ${gap.toExponential(1)} from transformers`);
    const gguf = join(folder, `${name}.gguf`);
    const { notes = [] } = await exportRun(path, "gguf", gguf, options);
    for (const one of notes) note(family, `(${one})`, 1);
    const model = await llama.loadModel({ modelPath: gguf });
    const context = await model.createContext({
      contextSize: 64,
      threads: 1,
      flashAttention: false,
      experimentalKvCacheKeyType: "F32",
      experimentalKvCacheValueType: "F32",
    });
    const sequence = context.getSequence();
    const few = ids.slice(0, model.trainContextSize);
    const mine = few.length < ids.length ? (await languageLogits(path, [few])).logits : ours;
    const asked: (
      Token | [Token, { generateNext: { probabilities: true; options: { temperature: number; topK: number; topP: number; minP: number } } }]
    )[] = few.map((id) => id as Token);
    asked[few.length - 1] = [
      few.at(-1) as Token,
      { generateNext: { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } } },
    ];
    const said = await sequence.controlledEvaluate(asked);
    const likely = gapOf(mine, said.at(-1)!.next.probabilities!, vocabulary);
    note(family, "llama.cpp", likely);
    if (likely > 1e-3) console.log(`${name}: ${likely.toExponential(1)} from llama.cpp ${notes.join()}`);
    for (const [text, expected] of texts) {
      const { bos, shouldPrependBosToken } = model.tokens;
      const theirs: number[] = [...(shouldPrependBosToken && bos !== null ? [bos] : []), ...model.tokenize(text, true)];
      const sparing = notes.includes("spaces") && (/^\s/.test(text) || text.includes("<s>"));
      if (text && !sparing && theirs.join() !== expected.join()) {
        note(family, "other tokens", 1);
        console.log(`${name}: ${JSON.stringify(text)} is ${theirs.join()} by llama.cpp, not ${expected.join()}`);
      }
    }
    await context.dispose();
    await model.dispose();
    rmSync(`${path}-back`, { recursive: true, force: true });
    await exportRun(gguf, "safetensors", `${path}-back`, options);
    note(family, "models", (worst.get(family)?.get("models") ?? 0) + 1);
  } catch (thrown) {
    const { code, message } = thrown as { code?: string; message: string };
    console.log(`${name}: ${code ?? ""} ${message}`);
    note(family, `refused or failed`, (worst.get(family)?.get("refused or failed") ?? 0) + 1);
  }
}
for (const [family, of] of worst)
  console.log(family.padEnd(10), [...of].map(([what, value]) => `${what} ${value < 1 ? value.toExponential(1) : value}`).join("  "));
await llama.dispose();
