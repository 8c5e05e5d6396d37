// What comes in at the doors: requests to the local API, calls of the page, frames of its socket, names of uploads.
import { Listeners, type Port } from "../../../ipc/port.ts";
import { serve } from "../../../ipc/rpc.ts";
import {
  chatRequest,
  chatSpecs,
  completionRequest,
  completionSpecs,
  embeddingRequest,
  parsed,
  predictRequest,
} from "../../../main/api/requests.ts";
import { ApiError } from "../../../main/api/errors.ts";
import { checked, inputs } from "../../../main/inputs.ts";
import { safeFileName, titleOf, newProjectId, idPattern } from "../../../main/paths.ts";
import { fromFrame, toFrame } from "../../../main/portSocket.ts";
import type { Input, Target } from "../target.ts";

const json = (value: object): Input => [Buffer.from(JSON.stringify(value))];

export const api: Target = {
  parts: ["request.json"],
  seeds: () => [
    json({ model: "m", messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }], stream: true, stop: ["a"], temperature: 1, response_format: { type: "json_schema", json_schema: { schema: { type: "object" } } } }), // prettier-ignore
    json({ model: "m", prompt: ["a", "b"], max_tokens: 3, seed: -1 }),
    json({ model: "m", input: ["a"], encoding_format: "base64" }),
    json({ model: "m", rows: [{ x: 1, y: null }], top: 3 }),
  ],
  read([text]) {
    let value: unknown;
    try {
      value = JSON.parse(text!.toString("utf8"));
    } catch {
      return;
    }
    for (const work of [
      () => chatSpecs(parsed(chatRequest, value), 2048),
      () => completionSpecs(parsed(completionRequest, value)),
      () => parsed(embeddingRequest, value),
      () => parsed(predictRequest, value),
    ])
      try {
        work();
      } catch (thrown) {
        if (!(thrown instanceof ApiError) || thrown.status !== 400) throw thrown;
      }
  },
  code: /\/main\/api\/requests/,
  most: 2 ** 14,
};

const names = Object.keys(inputs) as (keyof typeof inputs)[];
/** A call as the page makes it: its name, and what it asks. */
export const calls: Target = {
  parts: ["call.json"],
  seeds: () => [
    json(["startRun", { project: "iris-abc123", spec: { target: "y", epochs: 3, lr: 0.1 } }]),
    json(["generate", { project: "a", run: "b", id: "c", prompt: "x", maxTokens: 3, temperature: 1 }]),
    json([
      "saveChat",
      { chat: { id: "c1", title: "t", created: 1, updated: 2, model: "", system: "", maxTokens: 10, sampling: {}, turns: [] } },
    ]),
    json(["predict", { project: "a", run: "b", rows: [{ x: "1" }] }]),
    json(["planMemory", { model: "6B", method: "lora" }]),
    json(["changeSettings", { language: "en", api: { on: true, port: 4000, key: "k" } }]),
  ],
  also: ["usage"],
  read([text]) {
    let value: unknown;
    try {
      value = JSON.parse(text!.toString("utf8"));
    } catch {
      return;
    }
    const [name, asked] = Array.isArray(value) ? (value as unknown[]) : [undefined, value];
    const known = names.find((one) => one === name) ?? names[text!.length % names.length]!;
    checked(inputs[known] as never, asked, known);
  },
  words: names,
  code: /\/main\/inputs/,
  most: 2 ** 14,
};

/** A port that says what comes in, and keeps what goes out. */
function portOf(): { port: Port; tell: (message: unknown) => void; sent: unknown[] } {
  const messages = new Listeners<[unknown]>();
  const sent: unknown[] = [];
  return {
    port: {
      send: (message) => void sent.push(toFrame(message)),
      onMessage: (listener) => messages.add(listener),
      onClose: () => () => {},
      close: () => {},
    },
    tell: (message) => messages.tell(message),
    sent,
  };
}

/** Frames of the page's socket, down to the call that they make. */
export const frames: Target = {
  parts: ["frame.bin"],
  seeds: () =>
    [
      { t: "call", id: 1, method: "echo", input: { id: "a", rows: [1, "a", null] } },
      { t: "call", id: 2, method: { name: "echo" }, input: Float32Array.of(1, 2) },
      { t: "cancel", id: 1 },
      { t: "error", id: 1, error: { code: "usage", message: "m", hint: "h", data: {} } },
      { t: "event", name: "x", value: BigInt64Array.of(1n) },
    ].map((message): Input => [Buffer.from(toFrame(message))]),
  async read([bytes]) {
    let message: unknown;
    try {
      message = fromFrame(bytes!);
    } catch {
      return; // ends the connection
    }
    const { port, tell, sent } = portOf();
    serve<{ echo(input: unknown): Promise<unknown> }, object>(port, {
      echo: (input) => Promise.resolve(checked(inputs.model as never, input, "model")),
    });
    tell(message);
    await new Promise((resolve) => setImmediate(resolve));
    if ((message as { t?: unknown } | null)?.t === "call" && typeof (message as { id?: unknown }).id === "number" && sent.length !== 1)
      throw new Error("a call without an answer");
  },
  words: ["call", "cancel", "toString", "valueOf", "__proto__", "method", "constructor"],
  code: /\/ipc\/(frames|rpc)/,
  most: 2 ** 14,
};

export const fileNames: Target = {
  parts: ["name.txt"],
  seeds: () =>
    ["table.csv", "C:\\con.txt", "../../etc/passwd", "größe 表.tar.gz", "a".repeat(300)].map((text): Input => [Buffer.from(text)]),
  read([text]) {
    const name = text!.toString("utf8");
    const safe = safeFileName(name);
    if (safe === "" || /[/\\]|^\.\.?$/.test(safe) || safeFileName(safe, 255) !== safe)
      throw new Error(`the file name ${JSON.stringify(safe)}`);
    if (Buffer.byteLength(safe) > 120) throw new Error("a longer name than asked for");
    if (!idPattern.test(newProjectId(titleOf(name)))) throw new Error("an id that is none");
  },
  words: ["\u202e", "\u0000", "con", "nul.", "..", "\ud800", "😀", "é"],
  code: /\/main\/paths/,
  most: 2 ** 10,
};
