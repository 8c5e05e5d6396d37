// Pictures in the real app: a chosen folder of class folders becomes a project, is learned, and a picture is asked about.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser, openPage, type Served, serveApp, type Watched } from "./page.ts";
import { writeShapes } from "./shapes.mjs";

describe.skipIf(!chromiumPath)("pictures in a browser", { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-shapes-"));
  let served: Served;
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  let unseen: string;
  const at = (id: string) => page.getByTestId(id);

  beforeAll(async () => {
    unseen = await writeShapes(join(folder, "shapes"));
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

  test("a chosen folder shows its classes", async () => {
    await at("drop-zone").waitFor();
    await at("folder-input").setInputFiles(join(folder, "shapes"));
    await at("pictures-found").waitFor({ timeout: 60_000 });
    expect(await at("pictures-found").innerText()).toContain("60");
    expect(await page.locator("#section-data").innerText()).toContain("crosses");
    // Each is drawn small, out of the archive that the folder came as; a page holds 24 of the 60.
    const drawn = at("picture-grid").locator("img");
    await drawn.nth(23).waitFor({ timeout: 30_000 });
    expect(await drawn.evaluateAll((all) => all.every((one) => (one as HTMLImageElement).naturalWidth === 64))).toBe(true);
    await page.locator("#section-data select").selectOption("1");
    await expect.poll(() => at("picture-grid").innerText()).not.toContain("crosses");
  });

  test("it is learned, and a picture that it never saw is told", async () => {
    await at("start-training").click();
    await at("test-metric").waitFor({ timeout: 180_000 });
    await at("predict-file-input").setInputFiles(unseen);
    await at("prediction").waitFor({ timeout: 60_000 });
    expect(await at("prediction").innerText()).toContain("discs");
    expect(await at("prediction").locator("img").count()).toBe(1);
    await at("where-looked").check();
    await at("where-map").locator("img").waitFor({ timeout: 60_000 });
    // What is covered without a loss is dark, where it looked is bright: both are there.
    const shades = await at("where-map")
      .locator("canvas")
      .evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        return [...data].filter((_, i) => i % 4 === 3);
      });
    expect(shades.length).toBe(64);
    expect(Math.min(...shades)).toBe(0);
    expect(Math.max(...shades)).toBeGreaterThan(150);
    expect(watched.faults).toEqual([]);
  });
});
