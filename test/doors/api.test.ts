// The local API over a real worker and a small real model: OpenAI's shapes, by fetch and by OpenAI's own Python client; who may ask; clients at once, and
// those that hang up.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { childWorker } from "../../main/childWorker.ts";
import { createHost, type Host } from "../../main/host.ts";
import { startApi, type ApiServer } from "../../main/api/server.ts";
import { shared } from "../shared.ts";

const gguf = shared("models/gguf/stories260K/stories260K-Q8_0.gguf");
const python = shared("tools/peer-python");
const hasClient = await promisify(execFile)(python ?? "none", ["-c", "import openai"]).then(
  () => true,
  () => false,
);
const model = "stories260K-Q8_0";
const key = "pk-test";

describe.skipIf(!gguf)("the local API (../shared)", { timeout: 120_000 }, () => {
  const workspace = mkdtempSync(join(tmpdir(), "paddock-api-"));
  let host: Host;
  let api: ApiServer;

  beforeAll(async () => {
    host = await createHost({ workspace, door: "browser", version: "0.0.0", startWorker: childWorker() });
    const source = { kind: "path" as const, path: gguf! };
    await host.handlers.importModel({ source }, new AbortController().signal);
    api = await startApi({ talking: host.talking, predictor: host.predictor, key, port: 0 });
  });
  afterAll(async () => {
    await api?.close();
    await host?.dispose();
    rmSync(workspace, { recursive: true, force: true });
  });

  const ask = (path: string, body?: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch(`${api.url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  const json = async (answer: Response) =>
    (await answer.json()) as Record<string, never> & { error: { code: string; type: string; param: string } };
  const once = { model, prompt: "Once upon a time", temperature: 0, max_tokens: 12 };

  test("lists models, completes, counts", async () => {
    expect(await json(await ask("/models"))).toMatchObject({ object: "list", data: [{ id: model, object: "model", owned_by: "paddock" }] });
    const said = await json(await ask("/completions", once));
    expect(said).toMatchObject({
      object: "text_completion",
      choices: [{ index: 0, text: expect.stringMatching(/^, there was a little girl/) as string, finish_reason: "length" }],
      usage: { completion_tokens: 12, prompt_tokens: expect.any(Number) as number },
    });
    const two = await json(await ask("/completions", { ...once, prompt: ["Once upon a time", "One day"], stop: "." }));
    expect((two["choices"] as unknown as { index: number }[]).map(({ index }) => index)).toEqual([0, 1]);
  });

  test("streams chunks that end with the usage and [DONE]", async () => {
    const answer = await ask("/chat/completions", {
      model,
      messages: [{ role: "user", content: [{ type: "text", text: "Tell me of a dog." }] }],
      max_tokens: 10,
      seed: 3,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(answer.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const events = (await answer.text())
      .split("\n\n")
      .filter(Boolean)
      .map((line) => line.replace(/^data: /, ""));
    expect(events.at(-1)).toBe("[DONE]");
    const chunks = events
      .slice(0, -1)
      .map((event) => JSON.parse(event) as { choices: { delta: { role?: string }; finish_reason: string | null }[]; usage?: object });
    expect(chunks[0]!.choices[0]!.delta.role).toBe("assistant");
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toMatch(/length|stop/);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) as number } });
  });

  test("refuses without the key, from other sites and names, and says what is wrong in OpenAI's shape", async () => {
    expect((await ask("/models", undefined, { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await ask("/models", undefined, { origin: "https://evil.example" })).status).toBe(403);
    const status = await new Promise<number>((resolve, reject) =>
      request(
        { port: api.port, path: "/v1/models", headers: { host: `evil.example:${api.port}`, authorization: `Bearer ${key}` } },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode!);
        },
      )
        .on("error", reject)
        .end(),
    );
    expect(status).toBe(403);
    const refused = async (path: string, body: unknown) => {
      const answer = await ask(path, body);
      const { error } = await json(answer);
      return [answer.status, error.code, error.param];
    };
    expect(await refused("/completions", { ...once, model: "none" })).toEqual([404, "model_not_found", "model"]);
    expect(await refused("/completions", { ...once, temperature: 9 })).toEqual([400, null, "temperature"]);
    expect(await refused("/completions", { ...once, n: 17 })).toEqual([400, null, "n"]);
    expect(await refused("/completions", { ...once, logprobs: true })).toEqual([400, null, "logprobs"]);
    const chat = { model, messages: [{ role: "user", content: "Hi" }] };
    for (const more of [
      { tools: [{ type: "function" }] },
      { functions: [{}] },
      { tool_choice: "required" },
      { logit_bias: { 5: 1 } },
      { frequency_penalty: 0.5 },
      { modalities: ["text", "audio"] },
      { reasoning_effort: "high" },
      { web_search_options: {} },
    ])
      expect(await refused("/chat/completions", { ...chat, ...more })).toEqual([400, "unsupported_parameter", Object.keys(more)[0]]);
    expect(await refused("/chat/completions", { ...chat, top_logprobs: 2 })).toEqual([400, null, "top_logprobs"]);
    expect(await refused("/chat/completions", { ...chat, logprobs: true, response_format: { type: "json_object" } })).toEqual([
      400,
      "usage",
      null,
    ]);
    expect(await refused("/chat/completions", { model, messages: [{ role: "tool", content: "x" }] })).toEqual([
      400,
      null,
      "messages.0.role",
    ]);
    expect(await refused("/chat/completions", "{")).toEqual([400, "invalid_json", null]);
    expect(await refused("/nothing", {})).toEqual([404, "unknown_url", null]);
    expect(await refused("/embeddings", `{"model":"${model}","input":"${"a".repeat(17 * 2 ** 20)}"}`)).toEqual([
      413,
      "request_too_large",
      null,
    ]);
  });

  test("says how likely each token was, in both shapes and in a stream; several answers, each with its own seed", async () => {
    interface Told {
      choices: {
        text: string;
        index: number;
        logprobs: { tokens: string[]; token_logprobs: number[]; top_logprobs: object[]; text_offset: number[] };
      }[];
      usage: { prompt_tokens: number; completion_tokens: number };
    }
    const plain = (await json(await ask("/completions", once))) as unknown as Told;
    const told = (await json(await ask("/completions", { ...once, logprobs: 3, n: 2 }))) as unknown as Told;
    expect(told.choices.map(({ index }) => index)).toEqual([0, 1]);
    const [{ text, logprobs }] = told.choices as [Told["choices"][0]];
    expect(text).toBe(plain.choices[0]!.text);
    expect(logprobs.tokens.join("")).toBe(text);
    expect(logprobs.text_offset.map((at, i) => text.slice(at, at + logprobs.tokens[i]!.length))).toEqual(logprobs.tokens);
    expect(logprobs.top_logprobs.every((top) => Object.keys(top).length === 3)).toBe(true);
    // The likeliest each time.
    expect(logprobs.top_logprobs.map((top) => Math.max(...(Object.values(top) as number[])))).toEqual(logprobs.token_logprobs);
    expect(told.usage).toMatchObject({ prompt_tokens: plain.usage.prompt_tokens, completion_tokens: 24 });
    const chat = {
      model,
      messages: [{ role: "user", content: "Once upon a time" }],
      max_tokens: 6,
      seed: 5,
      logprobs: true,
      top_logprobs: 2,
      n: 2,
    };
    interface Said {
      choices: {
        index: number;
        message: { content: string };
        logprobs: { content: { token: string; logprob: number; bytes: number[]; top_logprobs: object[] }[] };
      }[];
    }
    const { choices } = (await json(await ask("/chat/completions", chat))) as unknown as Said;
    for (const { message, logprobs } of choices) {
      expect(Buffer.from(logprobs.content.flatMap(({ bytes }) => bytes)).toString()).toBe(message.content);
      expect(logprobs.content.every((one) => one.logprob <= 0 && one.top_logprobs.length === 2)).toBe(true);
    }
    expect(choices[0]!.message.content).not.toBe(choices[1]!.message.content);
    const events = (await (await ask("/chat/completions", { ...chat, stream: true })).text()).split("\n\n").filter((e) => e.includes("{"));
    const chunks = events.map(
      (event) => JSON.parse(event.replace(/^data: /, "")) as { choices: (Said["choices"][0] & { delta: { content?: string } })[] },
    );
    for (const { index, message, logprobs } of choices) {
      const own = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.index === index);
      expect(own.map(({ delta }) => delta.content ?? "").join("")).toBe(message.content);
      expect(own.at(-1)!.logprobs.content.map(({ token }) => token)).toEqual(logprobs.content.map(({ token }) => token));
    }
  });

  test("embeds as floats and as base64, the same", async () => {
    const floats = await json(await ask("/embeddings", { model, input: ["A dog.", "A cat."] }));
    const packed = await json(await ask("/embeddings", { model, input: "A dog.", encoding_format: "base64" }));
    const first = (floats["data"] as unknown as { embedding: number[] }[])[0]!.embedding;
    const bytes = Buffer.from((packed["data"] as unknown as { embedding: string }[])[0]!.embedding, "base64");
    expect(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)[5]).toBeCloseTo(first[5]!, 6);
  });

  test("eight clients at once lose nothing; one that hangs up gives its place back", async () => {
    const alone = (await json(await ask("/completions", once)))["choices"];
    const leave = new AbortController();
    const long = Array.from({ length: 6 }, () =>
      ask("/completions", { ...once, prompt: "Once", max_tokens: 100_000, stream: true }, {}, leave.signal),
    );
    const readers = (await Promise.all(long)).map((answer) => answer.body!.getReader());
    await Promise.all(readers.slice(0, 4).map((reader) => reader.read()));
    leave.abort();
    await Promise.all(readers.map((reader) => reader.read().catch(() => undefined)));
    const all = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const texts = [];
        for (let i = 0; i < 3; i++) texts.push((await json(await ask("/completions", once)))["choices"]);
        return texts;
      }),
    );
    // What is computed together is rounded otherwise, so a late token may be another one.
    const begin = (choices: unknown) => (choices as { text: string }[])[0]!.text.slice(0, 20);
    expect(all.flat().map(begin)).toEqual(Array.from({ length: 24 }, () => begin(alone)));
  });

  test("a process that ends is told, and the next question is answered", async () => {
    const answer = ask("/completions", { ...once, prompt: "Once", max_tokens: 100_000 });
    while (host.talking.pid === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(host.talking.pid, "SIGSEGV");
    const died = await answer;
    expect([died.status, (await json(died)).error]).toMatchObject([500, { type: "server_error", code: "workerDied" }]);
    expect((await ask("/completions", once)).status).toBe(200);
  });

  test.skipIf(!hasClient)("OpenAI's Python client: models, chat, streaming, errors, embeddings, structured output", async () => {
    const script = join(workspace, "client.py");
    writeFileSync(script, client);
    const { stdout } = await promisify(execFile)(python!, [script, api.url, key, model], { timeout: 100_000 });
    expect(JSON.parse(stdout)).toEqual({
      models: [model],
      chat: true,
      streamed: true,
      async_streamed: true,
      completion: true,
      errors: ["NotFoundError", "AuthenticationError", "BadRequestError"],
      embeddings: [2, 64],
      structured: ["age", "name"],
      parsed: true,
      logprobs: [true, 2, "BadRequestError"],
    });
  });
});

const client = `
import asyncio, json, sys
import openai
from openai import AsyncOpenAI, OpenAI
url, key, model = sys.argv[1:]
client = OpenAI(base_url=url, api_key=key, max_retries=0)
out = {"models": [m.id for m in client.models.list()]}
messages = [{"role": "system", "content": "You tell stories."}, {"role": "user", "content": "Once upon a time"}]
said = client.chat.completions.create(model=model, messages=messages, max_tokens=16, temperature=0, seed=1)
out["chat"] = len(said.choices[0].message.content) > 5 and said.usage.completion_tokens <= 16 and said.choices[0].finish_reason in ("length", "stop")
stream = client.chat.completions.create(model=model, messages=messages, max_tokens=16, temperature=0, seed=1, stream=True, stream_options={"include_usage": True})
text, usage = "", None
for chunk in stream:
    usage = chunk.usage or usage
    for choice in chunk.choices: text += choice.delta.content or ""
out["streamed"] = text == said.choices[0].message.content and usage.completion_tokens == said.usage.completion_tokens
async def later():
    text = ""
    async for chunk in await AsyncOpenAI(base_url=url, api_key=key).chat.completions.create(model=model, messages=messages, max_tokens=16, temperature=0, stream=True):
        text += chunk.choices[0].delta.content or ""
    return text
out["async_streamed"] = asyncio.run(later()) == said.choices[0].message.content
out["completion"] = client.completions.create(model=model, prompt="Once upon a time", max_tokens=8, temperature=0).choices[0].text.startswith(", there was")
errors = []
for call in (
    lambda: client.chat.completions.create(model="none", messages=messages),
    lambda: OpenAI(base_url=url, api_key="wrong", max_retries=0).models.list(),
    lambda: client.chat.completions.create(model=model, messages=messages, temperature=9),
):
    try: call()
    except openai.APIStatusError as error: errors.append(type(error).__name__)
out["errors"] = errors
vectors = client.embeddings.create(model=model, input=["A dog.", "A cat."])
out["embeddings"] = [len(vectors.data), len(vectors.data[0].embedding)]
schema = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}}, "required": ["name", "age"], "additionalProperties": False}
answer = client.chat.completions.create(model=model, messages=messages, max_tokens=300, temperature=0, response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema, "strict": True}})
out["structured"] = sorted(json.loads(answer.choices[0].message.content))
from pydantic import BaseModel
class Pet(BaseModel):
    big: bool
    kind: str
try:
    pet = client.chat.completions.parse(model=model, messages=messages, max_tokens=400, temperature=0.5, seed=4, response_format=Pet)
    out["parsed"] = isinstance(pet.choices[0].message.parsed, Pet)
except openai.LengthFinishReasonError: out["parsed"] = True
told = client.chat.completions.create(model=model, messages=messages, max_tokens=4, temperature=0, logprobs=True, top_logprobs=2)
content = told.choices[0].logprobs.content
out["logprobs"] = ["".join(t.token for t in content) == told.choices[0].message.content, len(content[0].top_logprobs)]
try: client.chat.completions.create(model=model, messages=messages, tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}])
except openai.APIStatusError as error: out["logprobs"].append(type(error).__name__)
print(json.dumps(out))
`;
