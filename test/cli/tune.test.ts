// Fine-tuning as the app does it, host and real worker: a Hugging Face folder on the shelf, conversations as a project, and every form that is taken away.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { childWorker } from "../../main/childWorker.ts";
import { createHost } from "../../main/host.ts";
import { meetings } from "../browser/meetings.mjs";
import { root, shared } from "../shared.ts";
import { paddock } from "./setUp.ts";

const workspace = mkdtempSync(join(tmpdir(), "paddock-tune-host-"));
afterAll(() => rmSync(workspace, { recursive: true, force: true }));
const stories = shared("models/safetensors/stories260K");

test.skipIf(!stories)("a folder of the shelf learns from conversations; its forms are one file each", { timeout: 180_000 }, async () => {
  const host = await createHost({
    workspace,
    door: "electron",
    version: "0.0.0",
    startWorker: childWorker(join(root, "dist/worker/main.js")),
  });
  const { signal } = new AbortController();
  const { importModel, createProject, changeSpec, plan, startRun, run, report, exportRun, generate } = host.handlers;
  try {
    const { model } = await importModel({ source: { kind: "path", path: stories! } }, signal);
    const data = join(workspace, "meetings.jsonl");
    writeFileSync(data, meetings());
    const project = await createProject({ source: { kind: "path", path: data } }, signal);
    expect(project.profile).toMatchObject({ kind: "language", form: "chats", chats: { form: "prompt/completion", messages: 120 } });
    expect(project.profile.kind === "language" && project.profile.chats?.preview.length).toBe(20);
    const { id } = project;
    const spec = { shelf: model.id, prompts: ["Tell me of the cat."], epochs: 1, method: "lora" as const };
    expect((await changeSpec({ id, spec }, signal)).spec).toMatchObject(spec);
    expect(await plan({ id, spec }, signal)).toMatchObject({
      start: { name: "stories260K", chosen: "asked" },
      tune: { method: "lora", rank: 8, base: "huggingface", form: "chats" },
    });
    expect((await plan({ id, spec: {} }, signal)).tune).toBeUndefined();
    const started = await startRun({ project: id, spec }, signal);
    expect((await host.finished(id, started.id))?.state).toBe("done");
    const key = { project: id, run: started.id };
    const done = await run(key, signal);
    expect([done.tuned, done.samples?.length]).toEqual([true, 2]);
    expect(done.progress!.tokensPerSecond).toBeGreaterThan(done.progress!.rowsPerSecond);
    const { tune, verdict } = await report(key, signal);
    expect(tune?.answers.map(({ prompt, before }) => [prompt, before])).toEqual([[spec.prompts[0], done.samples![0]!.answers![0]!.text]]);
    expect(verdict.network).toBeLessThan(verdict.constant);
    for (const [to, name] of [
      ["peft", "meetings-peft.zip"],
      ["gguf-lora", "meetings-lora.gguf"],
      ["safetensors", "meetings-weights.zip"],
      ["gguf", "meetings.gguf"],
    ] as const) {
      const { handout, result } = await exportRun({ ...key, to }, signal);
      expect([handout.name, result.format, statSync(handout.path).size > 1000]).toEqual([name, to, true]);
    }
    await expect(exportRun({ ...key, to: "onnx" }, signal)).rejects.toMatchObject({ code: "usage" });
    const written = await generate({ ...key, id: "w1", prompt: spec.prompts[0]!, maxTokens: 8, temperature: 0 }, signal);
    const { id: full } = await startRun({ project: id, spec: { shelf: model.id, steps: 2, method: "full" } }, signal);
    expect((await host.finished(id, full))?.state).toBe("done");
    const { adapters } = await host.talking.choices();
    expect(adapters.map((one) => one.id).sort()).toEqual([`${id}/${started.id}`, `${id}/${full}`].sort());
    const { folder } = await host.talking.run(`${id}/${full}`);
    const asked = { asked: { text: "Tell me" }, maxTokens: 4, sampling: { temperature: 0 } };
    expect((await host.talking.talk({ model: folder }, asked, undefined, signal)).tokens).toBe(4);
    expect([written.tokens, written.text]).toEqual([8, tune!.answers[0]!.text.slice(0, written.text.length)]);
  } finally {
    await host.dispose();
  }
});

test.skipIf(!stories)(
  "the settings of fine-tuning on the command line are kept in the run, prompts with their answers",
  { timeout: 180_000 },
  async () => {
    const data = join(workspace, "rows.jsonl");
    writeFileSync(data, meetings());
    const out = join(workspace, "run");
    const flags = [
      "--rank",
      "2",
      "--alpha",
      "6",
      "--context",
      "48",
      "--accumulate",
      "2",
      "--prompt",
      "Tell me of the cat.",
      "--prompt",
      "One day",
    ];
    const { code, json } = await paddock([
      "train",
      data,
      "--model",
      stories!,
      "--steps",
      "3",
      "--batch",
      "4",
      "--out",
      out,
      ...flags,
      "--json",
    ]);
    expect([code, json["error"]]).toEqual([0, undefined]);
    const { spec } = JSON.parse(readFileSync(join(out, "run.json"), "utf8")) as { spec: object };
    expect(spec).toMatchObject({ rank: 2, alpha: 6, accumulate: 2, config: { context: 48 }, prompts: ["Tell me of the cat.", "One day"] });
    const adapter = JSON.parse(readFileSync(join(out, "adapter/adapter_config.json"), "utf8")) as object;
    expect(adapter).toMatchObject({ r: 2, lora_alpha: 6 });
    const samples = readFileSync(join(out, "samples.jsonl"), "utf8").trim().split("\n");
    expect(samples.length).toBe(2);
    expect(samples[0]).toContain("One day");
    const wrong = await paddock(["train", data, "--prompt", "Hello", "--json"]);
    expect([wrong.code, JSON.stringify(wrong.json)]).toEqual([2, expect.stringContaining("--prompt") as string]);
  },
);
