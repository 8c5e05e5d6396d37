// Talking and serving by the host, over a stand-in worker: whose tokens are whose, a process that dies, conversations as files, the switch of the API.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Chat } from "../../ipc/host.ts";
import { openHost, scratch, signal, table } from "./setUp.ts";

const asked = (content: string) => ({ asked: { turns: [{ role: "user" as const, content }] }, maxTokens: 100 });

/** A language model on the shelf: the stand-in copies whatever it is given, and its card says so. */
async function withModel() {
  const opened = await openHost();
  const id = "letters-abcdef";
  const folder = join(opened.workspace, "models", id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "letters.gguf"), "GGUF");
  const language = { architecture: "llama", known: true };
  const profile = { kind: "model", format: "gguf", fingerprint: "x", language };
  const record = { version: 1, id, name: "letters", format: "gguf", file: "letters.gguf", origin: "letters.gguf", imported: 1, profile };
  writeFileSync(join(folder, "model.json"), JSON.stringify(record));
  return { ...opened, model: id };
}

test("an answer comes with its own tokens; one that is stopped keeps what was written", async () => {
  const { host, told, model } = await withModel();
  expect((await host.handlers.talkChoices(undefined, signal())).models).toContainEqual({
    id: model,
    name: "letters",
    from: "shelf",
    takesAdapter: true,
  });
  const ask = (id: string, text: string, by = signal()) => host.handlers.talk({ id, model, ...asked(text) }, by);
  const [a, b] = await Promise.all([ask("a", "one"), ask("b", "two")]);
  expect([a.text, b.text]).toEqual(["ONE", "TWO"]);
  const tokens = (of: string) =>
    told.flatMap((event) => (event.name === "token" && event.value.id === of ? [event.value.text] : [])).join("");
  expect([tokens("a"), tokens("b")]).toEqual(["ONE", "TWO"]);
  const stop = new AbortController();
  const waiting = ask("c", "wait", stop.signal);
  while (tokens("c") !== "WAIT") await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  expect(await waiting).toMatchObject({ text: "WAIT", ended: "stopped" });
  await expect(
    ask("d", "x", signal()).then(() => host.handlers.talk({ id: "e", model: "../etc", ...asked("x") }, signal())),
  ).rejects.toMatchObject({ code: "usage" });
  await expect(host.handlers.talk({ id: "e", model: "gone", ...asked("x") }, signal())).rejects.toMatchObject({ code: "modelMissing" });
});

test("a process that dies of a model is told with its last words; the host and the next answer live", async () => {
  const { host, model } = await withModel();
  const ask = (text: string) => host.handlers.talk({ id: "a", model, ...asked(text) }, signal());
  await expect(ask("die exit 134")).rejects.toMatchObject({
    code: "workerDied",
    message: expect.stringContaining("the last words") as string,
  });
  await expect(ask("die memory")).rejects.toMatchObject({ code: "outOfMemory" });
  expect((await ask("again")).text).toBe("AGAIN");
  expect(await host.handlers.projects(undefined, signal())).toEqual([]);
});

test("conversations are files; a damaged one hides no other", async () => {
  const { host, workspace } = await openHost();
  const { saveChat, chats, chat, removeChat, restoreChat } = host.handlers;
  const turns: Chat["turns"] = [
    { role: "user", content: "What is in it?", file: { name: "a.txt", text: "苹果" } },
    { role: "assistant", content: "Apples.", told: { tokens: 2, tokensPerSecond: 5, ended: "end", dropped: 0 } },
  ];
  const one: Chat = {
    id: "c1",
    title: "Apples",
    created: 1,
    updated: 2,
    model: "m",
    system: "",
    maxTokens: 10,
    sampling: { topK: 3 },
    turns,
  };
  await saveChat({ chat: one }, signal());
  await saveChat({ chat: { ...one, id: "c2", title: "Later", updated: 3, turns: [] } }, signal());
  expect(JSON.parse(readFileSync(join(workspace, "chats", "c1.json"), "utf8"))).toEqual({ version: 1, ...one });
  expect(readdirSync(join(workspace, "chats")).sort()).toEqual(["c1.json", "c2.json"]);
  writeFileSync(join(workspace, "chats", "c3.json"), "{");
  expect((await chats(undefined, signal())).map(({ title }) => title)).toEqual(["Later", "Apples"]);
  expect(await chat({ id: "c1" }, signal())).toEqual(one);
  await expect(chat({ id: "c3" }, signal())).rejects.toMatchObject({ code: "chatInvalid" });
  await removeChat({ id: "c1" }, signal());
  await expect(chat({ id: "c1" }, signal())).rejects.toMatchObject({ code: "chatMissing" });
  expect((await restoreChat({ id: "c1" }, signal())).title).toBe("Apples");
  await expect(saveChat({ chat: { ...one, id: "../x" } }, signal())).rejects.toMatchObject({ code: "usage" });
});

test("the API is off until it is switched on, has a key of its own, predicts rows, and ends with the switch", async () => {
  const { host, told, until, workspace } = await openHost();
  expect(await host.handlers.serving(undefined, signal())).toEqual({ on: false, url: null, error: null });
  // Old settings know nothing of it.
  writeFileSync(
    join(workspace, "settings.json"),
    JSON.stringify({ version: 1, language: "en", theme: "auto", device: "cpu", maxSeconds: 45 }),
  );
  const before = await host.handlers.settings(undefined, signal());
  expect(before.api).toEqual({ on: false, port: 8642, key: "" });
  const port = 20_000 + (process.pid % 30_000);
  const { api } = await host.handlers.changeSettings({ api: { on: true, port, key: "" } }, signal());
  expect(api.key).toMatch(/^pk-.{32}$/);
  const { url, error } = await host.handlers.serving(undefined, signal());
  expect([url, error]).toEqual([`http://127.0.0.1:${port}/v1`, null]);
  expect(told).toContainEqual({ name: "servingChanged", value: { on: true, url, error: null } });

  const project = (await host.handlers.createProject({ source: { kind: "path", path: table(scratch()) } }, signal())).id;
  const run = await host.handlers.startRun({ project, spec: { target: "y", config: { steps: 3 } } }, signal());
  await until((event) => event.name === "runChanged" && event.value.run?.id === run.id && event.value.run.state === "done");
  const ask = (path: string, body?: unknown, key = api.key) =>
    fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
  expect((await ask("/models", undefined, "")).status).toBe(401);
  const { data } = (await (await ask("/models")).json()) as { data: { id: string; kind: string }[] };
  expect(data.map(({ id, kind }) => [id, kind])).toContainEqual([`${project}/${run.id}`, "trained"]);
  const answer = (await (await ask("/predict", { model: `${project}/${run.id}`, rows: [{ x: 4 }, { x: null }] })).json()) as object;
  expect(answer).toMatchObject({ object: "list", predictions: [{ row: 1 }, { row: 2 }] });
  expect((await ask("/predict", { model: "none/none", rows: [{ x: 4 }] })).status).toBe(404);
  await host.handlers.changeSettings({ api: { ...api, on: false } }, signal());
  await expect(ask("/models")).rejects.toThrow();
});
