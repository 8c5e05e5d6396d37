// Every family of language models against transformers: tiny random models as transformers saves them and as llama.cpp keeps them, and the
// logits that transformers gives. How they were made: test/references/language.py, gguf.py.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toFloat32 } from "../../worker/formats/language/levels.ts";
import { openGguf } from "../../worker/formats/language/gguf.ts";
import { languageLogits } from "../../worker/run/languageLogits.ts";
import { root, shared } from "../shared.ts";

const folder = join(root, "test/references/language");
const read = <T>(name: string): T => JSON.parse(readFileSync(join(folder, name), "utf8")) as T;
const { models } = read<{ models: Record<string, { ids: number[][]; last: number[][]; sum: number }> }>("logits.json");

describe.each(Object.entries(models))("%s", (name, { ids, last, sum }) => {
  const forms = [name, `${name}.gguf`].filter((form) => existsSync(join(folder, form)));
  test.each(forms)("%s: logits as transformers has them", async (form) => {
    const { dims, logits } = await languageLogits(join(folder, form), ids);
    const [batch, length, vocabulary] = dims;
    const at = (b: number) => [...logits.subarray((b * length + length - 1) * vocabulary, (b + 1) * length * vocabulary)];
    const scale = Math.max(...last.flat().map(Math.abs));
    const worst = Math.max(...last.flatMap((row, b) => at(b).map((v, i) => Math.abs(v - row[i]!))));
    expect(batch).toBe(last.length);
    expect(worst / scale).toBeLessThan(1e-4);
    const total = logits.reduce((all, v) => all + Math.abs(v), 0); // of all positions, not the last alone
    expect(Math.abs(total - sum) / sum).toBeLessThan(1e-4);
  });
});

test("every type of blocks has the values that gguf's own reader gives", () => {
  const { values } = read<{ values: Record<string, number[]> }>("blocks.json");
  const file = openGguf(join(folder, "blocks.gguf"));
  for (const [type, expected] of Object.entries(values)) {
    const info = file.infos.get(type)!;
    expect(info.type).toBe(type);
    const ours = toFloat32(info, file.bytes(type));
    const worst = Math.max(...expected.map((v, i) => Math.abs(v - ours[i]!)));
    expect(worst, type).toBeLessThan(1e-6 * Math.max(...expected.map(Math.abs)));
  }
  file.close();
});

const stories = shared("models/gguf/stories260K/stories260K-F32.gguf");
test.skipIf(!stories)("a real model says the same from GGUF in float32, float16 and 8 bits, and from its Hugging Face folder", async () => {
  const tokens = [[1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421]];
  const forms = ["gguf/stories260K/stories260K-F16.gguf", "gguf/stories260K/stories260K-Q8_0.gguf", "safetensors/stories260K"];
  const whole = await languageLogits(stories!, tokens);
  const scale = Math.max(...whole.logits.map(Math.abs));
  for (const [i, form] of forms.entries()) {
    const { logits } = await languageLogits(shared(`models/${form}`)!, tokens);
    const worst = Math.max(...logits.map((v, n) => Math.abs(v - whole.logits[n]!)));
    expect(worst / scale, form).toBeLessThan([2e-3, 2e-2, 1e-5][i]!);
  }
});
