// Fine-tuning in the real app: a chosen language model goes to the shelf, dropped conversations are taught to it, the user's own prompt is answered before
// and after (blind, if they like), and what was learned is taken away.
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shared } from "../shared.ts";
import { meetings } from "./meetings.mjs";
import { chromiumPath, openBrowser, openPage, type Served, serveApp, type Watched } from "./page.ts";

const stories = shared("models/gguf/stories260K/stories260K-Q8_0.gguf");
describe.skipIf(!chromiumPath || !stories)("fine-tuning in a browser", { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-tune-"));
  let served: Served;
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  const at = (id: string) => page.getByTestId(id);

  beforeAll(async () => {
    served = await serveApp();
    browser = await openBrowser();
    watched = await openPage(browser, served.url);
    page = watched.page;
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("conversations are shown to be leafed through; how a language model gets in is said until one is there", async () => {
    const path = join(folder, "meetings.jsonl");
    writeFileSync(path, meetings());
    await at("drop-zone").waitFor();
    await at("file-input").setInputFiles(path);
    await at("conversation").waitFor({ timeout: 60_000 });
    expect(await at("language-found").innerText()).toMatch(/^60 conversations/);
    const first = await at("conversation").innerText();
    await at("conversation-next").click();
    expect(await at("conversation").innerText()).not.toBe(first);
    expect(await at("tune-none").innerText()).toContain("GGUF");
  });

  test("with a model on the shelf the plan says what of it learns", async () => {
    const project = page.url();
    await at("file-input").setInputFiles(stories!);
    await at("model-card").waitFor({ timeout: 60_000 });
    await page.goto(project);
    await at("tune-model").waitFor({ timeout: 60_000 });
    await at("tune-model").selectOption({ label: "stories260K-Q8_0" });
    await expect.poll(() => page.locator("#section-train .facts").innerText(), { timeout: 60_000 }).toMatch(/QLoRA, rank 8/);
    await at("tune-prompts").fill("Tell me of the cat and the dog.\n\nTell me of the bird and the tree.");
    await at("tune-prompts").blur();
  });

  test("it learns; perplexity falls, and the prompts are answered before and after, blind until a side is chosen", async () => {
    await page.locator("#section-train summary").first().click();
    await at("adjust-open").click();
    await page.getByLabel("Passes at most").fill("2");
    await page.keyboard.press("Escape");
    await at("start-training").click();
    await at("test-metric").waitFor({ timeout: 180_000 });
    const [before, after] = (await at("baseline").locator("dd.number").allInnerTexts()).map((text) => Number(text.replaceAll(",", "")));
    expect(after).toBeLessThan(before!);
    const answers = page.locator("#section-result").getByTestId("answers");
    expect(await answers.getByTestId("answer-after").count()).toBe(2);
    await answers.getByTestId("blind").check();
    expect([await answers.getByTestId("answer-after").count(), await answers.getByTestId("answer-hidden").count()]).toEqual([0, 4]);
    for (let left = 2; left > 0; left--) await answers.getByTestId("choose-left").first().click();
    expect(await answers.getByTestId("answer-after").count()).toBe(2);
    expect(await answers.getByTestId("blind-tally").innerText()).toMatch(/You chose/);
  });

  test("the whole model, and the adapter, are saved; Try asks the model that was taught", async () => {
    const saved = async (form: string) => {
      const [download] = await Promise.all([page.waitForEvent("download"), at(`export-${form}`).click()]);
      await at(`exported-${form}`).waitFor({ timeout: 60_000 });
      return { name: download.suggestedFilename(), bytes: statSync(await download.path()).size };
    };
    const whole = await saved("gguf");
    expect([whole.name, whole.bytes > statSync(stories!).size / 2]).toEqual(["meetings.gguf", true]);
    await at("other-forms").click();
    expect((await saved("gguf-lora")).name).toBe("meetings-lora.gguf");
    expect((await saved("peft")).name).toBe("meetings-peft.zip");
    await at("try-writing").locator("textarea").fill("Tell me of the cat and the dog.");
    await at("write").click();
    await expect.poll(() => page.locator("#section-try").innerText(), { timeout: 60_000 }).toMatch(/\d+ tokens?.*second/);
    expect(watched.faults).toEqual([]);
  });
});
