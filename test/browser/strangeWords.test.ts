// Markup in what strangers write, shown in a real browser: names of files, columns and classes, cells, a model's card, a conversation with an answer in
// Markdown, errors. Nothing of it becomes an element, runs, or asks for anything; all of it is seen as it was written.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeModel } from "../../worker/onnx/proto.ts";
import { Builder } from "../../worker/ops/builder.ts";
import { chromiumPath, openBrowser, openPage, type Served, serveApp, type Watched } from "./page.ts";

const image = `<img src=x onerror="window.hacked='image'">`;
const script = `<script>window.hacked='script'</script>`;
const drawing = `<svg onload="window.hacked='svg'"><a href="javascript:window.hacked=1">x</a></svg>`;
const markdown = `# Title\n\n![x](http://stranger.example/x.png) [click](javascript:window.hacked='link')\n\n${script}${image}\n\n\`\`\`html\n${drawing}\n\`\`\`\n\n<iframe src="http://stranger.example/"></iframe>`;

/** Two classes that markup names, told apart by a number. */
function table(): string {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const rows = Array.from({ length: 120 }, (_, i) => [
    String(i % 2 ? i + 500 : i),
    quoted(i % 3 ? drawing : image),
    quoted(i % 2 ? script : image),
  ]);
  return [["size", quoted(drawing), quoted(`${image} label`)], ...rows].map((row) => row.join(",")).join("\n");
}

function model(): Uint8Array {
  const g = new Builder(script);
  const x = g.input(`x${image}`, "float32", ["n", 2]);
  g.output(g.relu(x), `y${image}`);
  const { graph } = g;
  graph.metadata.set("description", `${drawing}${image}`);
  graph.metadata.set("licence", script);
  graph.metadata.set(image, script);
  return encodeModel(graph);
}

describe.skipIf(!chromiumPath)("what strangers write", { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-strange-"));
  let served: Served;
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  const asked: string[] = [];
  const at = (id: string) => page.getByTestId(id);

  beforeAll(async () => {
    served = await serveApp();
    browser = await openBrowser();
    watched = await openPage(browser, served.url);
    page = watched.page;
    page.on("request", (request) => asked.push(request.url()));
    page.on("dialog", (dialog) => {
      asked.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What of the strangers' markup is in the page as more than text. */
  async function harmless(): Promise<void> {
    const found = await page.evaluate(() => ({
      hacked: (window as { hacked?: unknown }).hacked,
      handlers: [...document.querySelectorAll("*")].flatMap((one) => one.getAttributeNames().filter((name) => /^on/i.test(name))),
      scripts: [...document.querySelectorAll("script")].filter((one) => !one.src).length,
      frames: document.querySelectorAll("iframe, object, embed, base, meta[http-equiv=refresh]").length,
      links: [...document.querySelectorAll("a[href]")]
        .map((one) => one.getAttribute("href")!)
        .filter((href) => /^\s*(javascript|data|vbscript):/i.test(href)),
      images: [...document.querySelectorAll("img")]
        .map((one) => one.getAttribute("src")!)
        .filter((src) => !/^(blob|data):/.test(src) && !src.startsWith("/")),
    }));
    expect(found).toEqual({ hacked: undefined, handlers: [], scripts: 0, frames: 0, links: [], images: [] });
    const own = new URL(served.url).host;
    expect(asked.filter((url) => !url.startsWith("blob:") && !url.startsWith("data:") && new URL(url).host !== own)).toEqual([]);
  }

  test("a table: its file's name, its columns, its cells, what is predicted", async () => {
    const file = join(folder, `${image.replaceAll(/["/]/g, "'")}.csv`);
    writeFileSync(file, table());
    await at("drop-zone").waitFor();
    await at("file-input").setInputFiles(file);
    await at("profile").waitFor();
    expect(await at("profile").innerText()).toContain(drawing);
    await harmless();
    await at("start-training").click();
    await at("test-metric").waitFor({ timeout: 120_000 });
    expect(await page.locator("body").innerText()).toContain(script);
    await at("try-form").scrollIntoViewIfNeeded();
    await at("try-form").getByLabel("size", { exact: true }).fill("700");
    await expect.poll(() => at("prediction").innerText()).toContain("<");
    await harmless();
  });

  test("an error that names a file", async () => {
    const file = join(folder, `${image.replaceAll(/["/]/g, "'")}.parquet`);
    writeFileSync(file, "PAR1 and nothing else");
    await page.goto(`${served.url}#/home`);
    await at("file-input").setInputFiles(file);
    await page.getByRole("alert").first().waitFor();
    expect(await page.getByRole("alert").first().innerText()).toContain("img src=x");
    await harmless();
  });

  test("a model's card", async () => {
    const file = join(folder, "strange.onnx");
    writeFileSync(file, model());
    await at("file-input").setInputFiles(file);
    await at("model-card").waitFor({ timeout: 60_000 });
    expect(await page.locator("body").innerText()).toContain(`x${image}`);
    await harmless();
  });

  test("a conversation, with an answer in Markdown", async () => {
    mkdirSync(join(served.home, "chats"), { recursive: true });
    const turns = [
      { role: "user", content: script, file: { name: image, text: drawing } },
      { role: "assistant", content: markdown },
    ];
    const chat = {
      version: 1,
      id: "strange",
      title: `${image} title`,
      created: 1,
      updated: 2,
      model: "",
      system: script,
      maxTokens: 10,
      sampling: {},
      turns,
    };
    writeFileSync(join(served.home, "chats/strange.json"), JSON.stringify(chat));
    await page.goto(`${served.url}#/chat/strange`);
    await page.reload();
    await at("turn-assistant").first().waitFor();
    expect(await at("turn-assistant").first().innerText()).toContain("window.hacked='script'");
    await harmless();
    await page.goto(`${served.url}#/chat`);
    await harmless();
  });

  test("a project copied from a stranger: its records", async () => {
    // That of the table above, with other words in its records.
    const [first] = readdirSync(join(served.home, "projects"));
    const id = "strange-abc123";
    const folder = join(served.home, "projects", id);
    cpSync(join(served.home, "projects", first!), folder, { recursive: true });
    const change = (name: string, edit: object) =>
      writeFileSync(join(folder, name), JSON.stringify({ ...(JSON.parse(readFileSync(join(folder, name), "utf8")) as object), ...edit }));
    change("project.json", { id, name: `${image} project` });
    const [run] = readdirSync(join(folder, "runs"));
    change(`runs/${run!}/run.json`, { state: "failed", error: { code: "internal", message: `${script} failed`, hint: image, data: {} } });
    await page.goto(`${served.url}#/projects`);
    await page.reload();
    await page.getByText(`${image} project`).first().waitFor();
    await harmless();
    await page.goto(`${served.url}#/project/${id}/${run!}`);
    await at("profile").waitFor();
    await page.getByText(`${script} failed`).first().waitFor();
    await harmless();
  });
});
