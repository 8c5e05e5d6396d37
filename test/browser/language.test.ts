// A language model in the real app: a dropped text is learned, what it writes is shown while it learns, and Try goes on with a text.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser, openPage, type Served, serveApp, type Watched } from "./page.ts";
import { tale } from "./tale.mjs";

describe.skipIf(!chromiumPath)("a language model in a browser", { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-tale-"));
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

  test("a text is taken as one, with its tokens shown", async () => {
    const path = join(folder, "tale.txt");
    writeFileSync(path, tale());
    await at("file-input").setInputFiles(path);
    await at("language-found").waitFor({ timeout: 60_000 });
    expect(await page.locator("#section-data").innerText()).toContain("The");
    expect(await page.locator("#section-train .facts").innerText()).toMatch(/GPT · .*reads/is);
  });

  test("it learns for a few passes; what it writes stands there, with the loss at which it wrote it", async () => {
    await page.locator("#section-train summary").first().click();
    await at("adjust-open").click();
    await page.getByLabel("Passes at most").fill("2");
    await page.keyboard.press("Escape");
    await at("start-training").click();
    await at("samples").first().waitFor({ timeout: 60_000 });
    await at("test-metric").waitFor({ timeout: 180_000 });
    expect(Number((await at("test-metric").innerText()).replace(",", ""))).toBeGreaterThan(1);
    expect((await at("samples").first().innerText()).length).toBeGreaterThan(40);
    expect(await at("baseline").innerText()).not.toBe("");
  });

  test("Try goes on with a text, and tells which tokens it read", async () => {
    const panel = at("try-writing");
    await panel.locator("textarea").fill("The king has");
    await panel.locator("input[type=number]").fill("24");
    await at("write").click();
    await expect.poll(() => page.locator("#section-try").innerText(), { timeout: 60_000 }).toMatch(/\d+ tokens?.*second/);
    const written = await at("written").innerText();
    expect(written.startsWith("The king has")).toBe(true);
    expect(written.length).toBeGreaterThan("The king has".length);
    expect(watched.faults).toEqual([]);
  });
});
