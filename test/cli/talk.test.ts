// inspect and chat with a language model as a person would: what is said, and what is refused with which exit code.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { shared } from "../shared.ts";
import { paddock } from "./setUp.ts";

const gguf = shared("models/gguf/stories260K/stories260K-Q8_0.gguf");
const folder = mkdtempSync(join(tmpdir(), "paddock-cli-talk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!gguf)("a GGUF model (../shared)", { timeout: 120_000 }, () => {
  test("is inspected and talked with; a damaged one is bad input", async () => {
    const card = await paddock(["inspect", gguf!, "--json"]);
    expect(JSON.parse(card.stdout)).toMatchObject({
      kind: "model",
      family: "Llama",
      format: "gguf",
      bits: 8,
      context: 512,
      template: false,
    });
    const said = await paddock(["chat", gguf!, "--prompt", "Once upon a time", "--temperature", "0", "--max-tokens", "12", "--json"]);
    expect([said.code, said.stderr]).toEqual([0, ""]);
    expect(JSON.parse(said.stdout)).toMatchObject({ text: expect.stringMatching(/^, there was a little girl/) as string, tokens: 12 });
    expect(Object.keys(JSON.parse(said.stdout) as object)).toEqual(expect.arrayContaining(["tokensPerSecond", "firstTokenMs"]));
    const talked = await paddock(["chat", gguf!, "--temperature", "0", "--max-tokens", "8"], {
      input: "Once upon a time\n/new\nOne day\n/bye\n",
    });
    expect(talked.stdout).toContain(", there was a little");
    expect(talked.stdout.match(/8 tokens/g)).toHaveLength(2);
    const cut = join(folder, "cut.gguf");
    writeFileSync(cut, readFileSync(gguf!).subarray(0, 200_000));
    const refused = await paddock(["chat", cut, "--prompt", "x", "--json"]);
    expect([refused.code, (JSON.parse(refused.stdout) as { error: { code: string } }).error.code]).toEqual([3, "modelInvalid"]);
  });
});
