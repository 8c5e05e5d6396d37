// Stock llama.cpp as a witness: what it finds likely after some tokens, and how it parts texts.
import { type Llama, LlamaLogLevel, type LlamaOptions, type Token } from "node-llama-cpp";
import { languageLogits } from "../worker/run/languageLogits.ts";

export const quietLlama: LlamaOptions = { build: "never", skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.disabled };

/** Logarithms of what it finds likely after the tokens, its keys and values in 32 bits, and texts as tokens with what stands at the beginning. */
export async function likely(
  llama: Llama,
  path: string,
  ids: readonly number[],
  texts: readonly string[] = [],
): Promise<{ logs: Map<number, number>; tokens: number[][] }> {
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: 64,
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
  });
  const last = { generateNext: { probabilities: true, options: { temperature: 1, topK: 0, topP: 1, minP: 0 } } } as const;
  const asked = ids.map((id, i) => (i === ids.length - 1 ? ([id as Token, last] as [Token, typeof last]) : (id as Token)));
  const said = await context.getSequence().controlledEvaluate(asked);
  const logs = new Map([...said.at(-1)!.next.probabilities!].map(([token, p]) => [token as number, Math.log(p)]));
  const { bos, shouldPrependBosToken } = model.tokens;
  const tokens = texts.map((text) => [...(shouldPrependBosToken && bos !== null ? [bos] : []), ...model.tokenize(text, true)] as number[]);
  await model.dispose();
  return { logs, tokens };
}

/** The largest gap of such logarithms from our own logits' of the model at the path, by the largest logit: a softmax does not tell where all begin. */
export async function gapOf(path: string, ids: readonly number[], logs: ReadonlyMap<number, number>): Promise<number> {
  const { dims, logits } = await languageLogits(path, [ids]);
  const last = [...logits.subarray(logits.length - dims[2])];
  const top = Math.max(...last);
  const sum = Math.log(last.reduce((all, v) => all + Math.exp(v - top), 0));
  return Math.max(...[...logs].map(([token, log]) => Math.abs(log - (last[token]! - top - sum)))) / Math.max(...last.map(Math.abs));
}
