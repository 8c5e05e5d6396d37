// inspect and chat with a language model as a person would: what is said, and what is refused with which exit code.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { shared } from "../shared.ts";
import { paddock, start } from "./setUp.ts";

const gguf = shared("models/gguf/stories260K/stories260K-Q8_0.gguf");
const folder = mkdtempSync(join(tmpdir(), "paddock-cli-talk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!gguf)("a GGUF model (../shared)", { timeout: 120_000 }, () => {
  test("is served with a key to who has it, on the port of the app", async () => {
    const { child, ended } = start(["serve", "--no-open", "--model", gguf!, "--api-key", "pk-cli", "--json"]);
    const line = await new Promise<string>((resolve) => child.stdout!.once("data", (data: Buffer) => resolve(data.toString())));
    const { api, url } = JSON.parse(line) as { api: { url: string; key: boolean }; url: string };
    expect(api).toMatchObject({ url: `${new URL(url).origin}/v1`, key: true });
    expect((await fetch(`${api.url}/models`)).status).toBe(401);
    const headers = { authorization: "Bearer pk-cli" };
    const { data } = (await (await fetch(`${api.url}/models`, { headers })).json()) as { data: { id: string }[] };
    expect(data[0]!.id).toBe("stories260K-Q8_0");
    expect((await fetch(url)).status).toBe(200);
    child.kill("SIGTERM");
    await ended;
    const wrong = await paddock(["serve", "--no-open", "--model", join(folder, "none.gguf"), "--json"]);
    expect(wrong.code).toBe(3);
  });

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
