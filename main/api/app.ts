// The local API: OpenAI's calls for language models, and /v1/predict for every model that was trained here. Every request is looked at by guard.ts and
// for its key before anything else; a client that hangs up ends its answer.
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { Talked, TalkModel, TalkSpec, TokenChance } from "../../ipc/types.ts";
import type { Talking } from "../talking.ts";
import { sameToken } from "../web/guard.ts";
import { ApiError, apiError } from "./errors.ts";
import { type Predictor } from "./predict.ts";
import { chatRequest, chatSpecs, completionRequest, completionSpecs, embeddingRequest, parsed, predictRequest } from "./requests.ts";

export interface ApiOptions {
  talking: Talking;
  predictor: Predictor;
  /** Asked for as a bearer token; absent: any program of this machine may ask. */
  key?: string | undefined;
  /** A model besides those of the workspace: the first in the list, with this name. */
  model?: { name: string; path: string } | undefined;
}

/** Bytes of a request, at most. */
const limit = 16 * 2 ** 20;
/** Requests that may wait or be answered at once. */
const most = 256;

interface Listed {
  id: string;
  created: number;
  kind: "language" | "trained";
  open: () => Promise<TalkModel>;
}

export function apiApp(options: ApiOptions): Hono<{ Bindings: HttpBindings }> {
  const { talking, predictor, key } = options;
  let busy = 0;
  const app = new Hono<{ Bindings: HttpBindings }>();
  const failed = (thrown: unknown) => {
    const error = apiError(thrown);
    const headers: Record<string, string> = { "content-type": "application/json" };
    // The rest of a body that was not read would be taken for the next request.
    if (error.status === 413) headers["connection"] = "close";
    return new Response(JSON.stringify(error.body), { status: error.status === 499 ? 408 : error.status, headers });
  };
  app.onError(failed);
  app.use(async (c, next) => {
    if (key !== undefined) {
      const given = /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
      if (!sameToken(given, key)) throw new ApiError(401, "Incorrect API key provided.", { code: "invalid_api_key" });
    }
    if (busy >= most) throw new ApiError(429, "Too many requests at once. Try again in a moment.", { code: "rate_limit_exceeded" });
    await next();
  });

  /** Counts a request until its answer has ended. */
  async function counted<T>(work: () => Promise<T>): Promise<T> {
    busy++;
    try {
      return await work();
    } finally {
      busy--;
    }
  }

  async function models(): Promise<Listed[]> {
    const listed: Listed[] = [];
    const names = new Set<string>();
    const add = (name: string, one: Omit<Listed, "id">) => {
      let id = name;
      for (let n = 2; names.has(id); n++) id = `${name}-${n}`;
      names.add(id);
      listed.push({ id, ...one });
    };
    const own = options.model;
    if (own) add(own.name, { created: 0, kind: "language", open: async () => ({ model: own.path }) });
    const { models: choices, adapters } = await talking.choices();
    for (const { id, name } of choices) add(name, { created: 0, kind: "language", open: () => talking.resolve({ model: id }) });
    for (const { id } of adapters) add(id, { created: 0, kind: "language", open: async () => ({ model: (await talking.run(id)).folder }) });
    for (const { id, created, folder } of await predictor.runs())
      if (!names.has(id)) add(id, { created: Math.floor(created / 1000), kind: "trained", open: async () => ({ model: folder }) });
    return listed;
  }

  async function find(name: string, kind: Listed["kind"]): Promise<TalkModel> {
    const found = (await models()).find((one) => one.id === name && one.kind === kind);
    if (found) return found.open();
    throw new ApiError(404, `The model '${name}' does not exist.`, { param: "model", code: "model_not_found" });
  }

  const shown = ({ id, created, kind }: Listed) => ({ id, object: "model", created, owned_by: "paddock", kind });
  app.get("/models", async (c) => c.json({ object: "list", data: (await models()).map(shown) }));
  app.get("/models/:id{.+}", async (c) => {
    const found = (await models()).find(({ id }) => id === c.req.param("id"));
    if (!found) throw new ApiError(404, `The model '${c.req.param("id")}' does not exist.`, { param: "model", code: "model_not_found" });
    return c.json(shown(found));
  });

  app.post("/chat/completions", async (c) => {
    const asked = parsed(chatRequest, await bodyOf(c.env.incoming));
    const model = await find(asked.model, "language");
    const signal = hangUp(c);
    const { context } = await talking.facts(model, signal);
    const specs = chatSpecs(asked, context);
    const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: asked.model };
    if (asked.stream) {
      const chunk = (index: number, delta: object, finish: string | null, logprobs: object | null = null) => ({
        ...head,
        object: "chat.completion.chunk",
        choices: [{ index, delta, logprobs, finish_reason: finish }],
      });
      return streamed(
        c,
        model,
        specs,
        Boolean(asked.stream_options?.include_usage),
        {
          first: (index) => chunk(index, { role: "assistant", content: "" }, null),
          more: (content, index) => chunk(index, { content }, null),
          last: (index, said) => chunk(index, {}, finishOf(said), chatChances(said)),
          empty: { ...head, object: "chat.completion.chunk", choices: [] },
        },
        asked.n,
      );
    }
    const all = await counted(() => Promise.all(specs.map((spec) => talking.talk(model, spec, undefined, signal))));
    const choices = all.map((said, index) => ({
      index,
      message: { role: "assistant", content: said.text, refusal: null },
      logprobs: chatChances(said),
      finish_reason: finishOf(said),
    }));
    return c.json({ ...head, object: "chat.completion", choices, usage: usageOf(all, asked.n) });
  });

  app.post("/completions", async (c) => {
    const asked = parsed(completionRequest, await bodyOf(c.env.incoming));
    const specs = completionSpecs(asked);
    const model = await find(asked.model, "language");
    const signal = hangUp(c);
    const head = { id: `cmpl-${randomUUID()}`, object: "text_completion", created: Math.floor(Date.now() / 1000), model: asked.model };
    const choice = (index: number, text: string, finish: string | null, logprobs: object | null = null) => ({
      index,
      text,
      logprobs,
      finish_reason: finish,
    });
    if (asked.stream)
      return streamed(
        c,
        model,
        specs,
        Boolean(asked.stream_options?.include_usage),
        {
          more: (text, index) => ({ ...head, choices: [choice(index, text, null)] }),
          last: (index, said) => ({ ...head, choices: [choice(index, "", finishOf(said), textChances(said))] }),
          empty: { ...head, choices: [] },
        },
        asked.n,
      );
    const all = await counted(() => Promise.all(specs.map((spec) => talking.talk(model, spec, undefined, signal))));
    return c.json({
      ...head,
      choices: all.map((said, i) => choice(i, said.text, finishOf(said), textChances(said))),
      usage: usageOf(all, asked.n),
    });
  });

  app.post("/embeddings", async (c) => {
    const asked = parsed(embeddingRequest, await bodyOf(c.env.incoming));
    if (asked.dimensions !== undefined && asked.dimensions !== null)
      throw new ApiError(400, "'dimensions' is not supported by this server.", { param: "dimensions", code: "unsupported_parameter" });
    const { model } = await find(asked.model, "language");
    const texts = typeof asked.input === "string" ? [asked.input] : asked.input;
    const { vectors, tokens } = await counted(() => talking.embed(model, texts, hangUp(c)));
    const form = (vector: number[]) =>
      asked.encoding_format === "base64" ? Buffer.from(Float32Array.from(vector).buffer).toString("base64") : vector;
    const data = vectors.map((vector, index) => ({ object: "embedding", index, embedding: form(vector) }));
    return c.json({ object: "list", data, model: asked.model, usage: { prompt_tokens: tokens, total_tokens: tokens } });
  });

  app.post("/predict", async (c) => {
    const asked = parsed(predictRequest, await bodyOf(c.env.incoming));
    await find(asked.model, "trained");
    return c.json({
      object: "list",
      model: asked.model,
      predictions: await counted(() => predictor.predict(asked.model, asked.rows, asked.top, hangUp(c))),
    });
  });

  app.all("*", (c) => {
    throw new ApiError(404, `Unknown request URL: ${c.req.method} ${c.req.path}.`, { code: "unknown_url" });
  });

  interface Chunks {
    first?: (index: number) => object;
    more: (text: string, index: number) => object;
    last: (index: number, said: Talked) => object;
    /** For the usage, which has no choices. */
    empty: object;
  }

  /** Server-sent events: the answer as it is written. An error on the way is told in the stream, as its status has gone out. */
  function streamed(c: ApiContext, model: TalkModel, specs: TalkSpec[], usage: boolean, chunks: Chunks, n?: number | null): Response {
    const signal = hangUp(c);
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        let open = true;
        const send = (data: string) => open && controller.enqueue(encoder.encode(`data: ${data}\n\n`));
        signal.addEventListener("abort", () => (open = false), { once: true });
        const told = (value: object) => send(JSON.stringify(usage ? { ...value, usage: null } : value));
        try {
          if (chunks.first) for (const i of specs.keys()) told(chunks.first(i));
          const all = await counted(() =>
            Promise.all(
              specs.map(async (spec, i) => {
                const said = await talking.talk(model, spec, (text) => told(chunks.more(text, i)), signal);
                told(chunks.last(i, said));
                return said;
              }),
            ),
          );
          if (usage) send(JSON.stringify({ ...chunks.empty, usage: usageOf(all, n) }));
          send("[DONE]");
        } catch (thrown) {
          send(JSON.stringify(apiError(thrown).body));
        }
        if (open) controller.close();
      },
    });
    const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "x-accel-buffering": "no" };
    return new Response(body, { headers });
  }

  return app;
}

type ApiContext = Context<{ Bindings: HttpBindings }>;

const finishOf = ({ ended }: Talked): string => (ended === "length" ? "length" : "stop");

/** @param n answers a prompt, which counts once */
function usageOf(all: readonly Talked[], n?: number | null) {
  const sum = (of: (said: Talked) => number) => all.reduce((total, said) => total + of(said), 0);
  const [prompt, completion] = [sum((said) => said.promptTokens) / (n ?? 1), sum((said) => said.tokens)];
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

/** How likely the tokens of a chat's answer were. In a stream they come with its last part. */
function chatChances({ chances }: Talked): object | null {
  if (!chances) return null;
  const one = ({ text, logprob }: TokenChance) => ({
    token: text,
    logprob: shownLog(logprob),
    // Of a letter that several tokens make up, no token has bytes that could be told as text.
    bytes: text.includes("\ufffd") ? null : [...Buffer.from(text)],
  });
  return { content: chances.map((chance) => ({ ...one(chance), top_logprobs: chance.top.map(one) })), refusal: null };
}

/** The same in the older form of completions. */
function textChances({ chances }: Talked): object | null {
  if (!chances) return null;
  let at = 0;
  const offsets = chances.map(({ text }) => (at += text.length) - text.length);
  return {
    tokens: chances.map(({ text }) => text),
    token_logprobs: chances.map(({ logprob }) => shownLog(logprob)),
    top_logprobs: chances.map(({ top }) => Object.fromEntries(top.map(({ text, logprob }) => [text, shownLog(logprob)]))),
    text_offset: offsets,
  };
}

/** JSON knows no infinity; OpenAI's least is this. */
const shownLog = (logprob: number): number => Math.max(-9999, logprob);

/** Aborted when the client is gone before its answer was. */
function hangUp(c: ApiContext): AbortSignal {
  const { outgoing } = c.env;
  const gone = new AbortController();
  outgoing.once("close", () => !outgoing.writableFinished && gone.abort());
  return gone.signal;
}

/** The body as JSON, read up to a limit. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limit) throw new ApiError(413, `The request is larger than ${limit / 2 ** 20} MiB.`, { code: "request_too_large" });
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8")) as unknown;
  } catch {
    throw new ApiError(400, "The request is not JSON.", { code: "invalid_json" });
  }
}
