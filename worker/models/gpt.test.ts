// The four graphs of a GPT agree: what is trained, judged, kept and written with.
import { expect, test } from "vitest";
import { CachedDecoder, write } from "../run/generate.ts";
import { openEngine } from "../run/engine.ts";
import { int64 } from "../tensor.ts";
import { gptAnswering, gptDecoding, gptInference, type GptNet, gptTraining } from "./gpt.ts";

const net: GptNet = { tokens: 40, context: 12, width: 16, layers: 2, heads: 2, dropout: 0, seed: 3 };
const ids = [5, 9, 1, 30, 30, 7, 2, 39, 0, 11, 12, 13];

test("the cache, a prompt at once or token by token, and the whole file give the same logits; the judge the same loss", async () => {
  const engine = await openEngine("cpu", { threads: 1 });
  const training = gptTraining(net);
  const weights = training.initializers;
  const whole = await engine.load(gptInference(net, weights));
  const { logits } = await whole.run({ input_ids: int64([1, 12], ids) });
  expect(logits!.dims).toEqual([1, 12, 40]);
  const all = logits!.data as Float32Array;
  const decoder = new CachedDecoder(await engine.load(gptDecoding(net, weights)), net);
  const close = (found: Float32Array, at: number) => {
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(all[at * 40 + i]!, 4);
  };
  for (const [at, id] of ids.entries()) close(await decoder.next([id]), at);
  decoder.reset();
  close(await decoder.next(ids.slice(0, 5)), 4);
  close(await decoder.next(ids.slice(5)), 11);

  const labels = [...ids.slice(1), -100];
  const feeds = { input_ids: int64([1, 12], ids), labels: int64([1, 12], labels) };
  const { loss } = await (await engine.load(training)).run(feeds);
  const { answer } = await (await engine.load(gptAnswering(net))).run(feeds);
  expect(Number(answer!.data[0]) / 11).toBeCloseTo(Number(loss!.data[0]), 4);
  await engine.dispose();
});

test("writing goes on beyond the context, the same by the same seed, and stops when it is told to", async () => {
  const engine = await openEngine("cpu", { threads: 1 });
  const decoder = new CachedDecoder(await engine.load(gptDecoding(net, gptTraining(net).initializers)), net);
  const take = async (more: object = {}) => {
    const written: number[] = [];
    const writing = write(decoder, { ids: [1, 2, 3], maxTokens: 40, seed: 7, temperature: 1, ...more });
    for (;;) {
      const { done, value } = await writing.next();
      if (done) return { written, ended: value };
      written.push(value);
    }
  };
  const first = await take();
  expect(first).toMatchObject({ ended: "length" });
  expect(first.written).toHaveLength(40);
  expect(await take()).toEqual(first);
  expect((await take({ seed: 8 })).written).not.toEqual(first.written);
  expect(await take({ ends: new Set([first.written[4]!]) })).toMatchObject({
    ended: "end",
    written: first.written.slice(0, first.written.indexOf(first.written[4]!)),
  });
  expect((await take({ signal: AbortSignal.abort() })).ended).toBe("stopped");
  const greedy = await take({ temperature: 0 });
  expect((await take({ temperature: 0, seed: 99 })).written).toEqual(greedy.written);
  expect((await take({ temperature: 1, topK: 1 })).written).toEqual(greedy.written);
  expect((await take({ temperature: 1, topP: 1e-9 })).written).toEqual(greedy.written);
  await engine.dispose();
});
