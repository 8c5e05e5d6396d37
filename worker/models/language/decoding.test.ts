// Written a token at a time, every family says what it says of the whole text at once.
import { join } from "node:path";
import { expect, test } from "vitest";
import { openEngine } from "../../run/engine.ts";
import { logitsGraph } from "../../run/languageLogits.ts";
import { GraphDecoder } from "../../run/talk/graph.ts";
import { int64 } from "../../tensor.ts";
import { decodingGraph } from "./decoding.ts";
import { openLanguageModel } from "./index.ts";

const fixtures = join(import.meta.dirname, "../../../test/references/language");

test.each(["llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "phi3", "gpt2", "gpt_neox", "bloom"])(
  "%s",
  async (name) => {
    const model = openLanguageModel(join(fixtures, name));
    const engine = await openEngine("cpu", { threads: 1 });
    try {
      const ids = Array.from({ length: 9 }, (_, i) => (i * 7 + 3) % model.config.vocabulary);
      const whole = await (await engine.load(logitsGraph(model, 1, ids.length))).run({ ids: int64([1, ids.length], ids) });
      const expected = whole["logits"]!.data as Float32Array;
      const decoder = new GraphDecoder(await engine.load(decodingGraph(model)), model.config);
      const { vocabulary } = model.config;
      let at = 0;
      for (const count of [4, 1, 3, 1]) {
        const logits = await decoder.next(ids.slice(at, (at += count)));
        const wanted = expected.subarray((at - 1) * vocabulary, at * vocabulary);
        const scale = Math.max(...wanted.map(Math.abs));
        expect(Math.max(...logits.map((x, i) => Math.abs(x - wanted[i]!))) / scale).toBeLessThan(1e-4);
      }
    } finally {
      await engine.dispose();
      model.close();
    }
  },
);
