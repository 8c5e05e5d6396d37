// An imported model in the real app: a chosen .onnx file goes to the shelf, shows its card, is run, renamed away and brought back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classifier, negative } from "../smallModels.ts";
import { chromiumPath, openBrowser, openPage, type Served, serveApp, type Watched } from "./page.ts";

describe.skipIf(!chromiumPath)("imported models in a browser", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-shelf-"));
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

  test("a model goes where data go in, and shows its card", async () => {
    await at("drop-zone").waitFor();
    await at("file-input").setInputFiles(classifier(folder));
    await at("model-card").waitFor({ timeout: 60_000 });
    const card = await at("model-card").innerText();
    for (const text of ["51, 32 bits", "MIT", "3 classes"]) expect(card).toContain(text);
  });

  test("numbers are answered with classes", async () => {
    await page.getByLabel("x 1").fill("1.5");
    await at("run-model").click();
    await at("model-answer").waitFor({ timeout: 60_000 });
    expect(await at("model-answer").innerText()).toMatch(/(low|mid|high)[\s\S]+%/);
  });

  test("a picture is answered with a picture", async () => {
    const red = join(folder, "red.png");
    await sharp({ create: { width: 24, height: 16, channels: 3, background: "#ff0000" } })
      .png()
      .toFile(red);
    await at("model-input").setInputFiles(negative(folder));
    await page.locator("h1", { hasText: "negative" }).waitFor({ timeout: 60_000 });
    await at("model-picture").setInputFiles(red);
    await at("model-answer").locator("img").waitFor({ timeout: 60_000 });
    expect(await at("model-answer").locator("img").getAttribute("src")).toMatch(/^data:image\/png;base64,/);
  });

  test("it is removed and brought back", async () => {
    await page.getByRole("button", { name: "Remove negative" }).click();
    await at("imported").first().waitFor();
    expect(await at("imported").count()).toBe(1);
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("link", { name: "negative" }).waitFor();
    expect(await at("imported").count()).toBe(2);
    expect(watched.faults).toEqual([]);
  });
});
