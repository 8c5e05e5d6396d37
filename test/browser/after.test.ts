// What is seen after training, in the real app: every panel of the result, what the model leans on, a row in Try, trainings side by side.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser, openPage, type Served, serveApp, type Watched } from "./page.ts";

/** Three classes that overlap, so that there are mistakes to look at; `noise` says nothing of them. */
function table(): string {
  let state = 5;
  const next = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const lines = ["size,noise,shop,kind"];
  for (let i = 0; i < 900; i++) {
    const kind = Math.floor(next() * 3);
    const size = kind * 2 + (next() + next() + next() - 1.5) * 2;
    lines.push(`${size.toFixed(2)},${next().toFixed(3)},${next() < 0.5 ? "north" : "south"},${["small", "middle", "large"][kind]!}`);
  }
  return lines.join("\n");
}

describe.skipIf(!chromiumPath)("after training", { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-after-"));
  let served: Served;
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  const at = (id: string) => page.getByTestId(id);

  beforeAll(async () => {
    writeFileSync(join(folder, "kinds.csv"), table());
    served = await serveApp();
    browser = await openBrowser();
    watched = await openPage(browser, served.url);
    page = watched.page;
    await at("drop-zone").waitFor();
    await at("file-input").setInputFiles(join(folder, "kinds.csv"));
    await at("start-training").waitFor();
    await at("start-training").click();
    await at("test-metric").waitFor({ timeout: 180_000 });
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("curves, calibration and classes of each split", async () => {
    for (const id of ["roc", "pr", "reliability", "class-scores"]) await at(id).waitFor();
    expect(await at("roc").innerText()).toMatch(/AUC 0\.\d{3}/);
    await at("curves-of").selectOption({ label: "large" });
    const rows = await page.locator(".splits").innerText();
    await at("splits").getByText("Training", { exact: true }).click();
    await expect.poll(() => page.locator(".splits").innerText()).not.toBe(rows);
  });

  test("a cell of the confusion matrix shows its rows; one of them opens in Try", async () => {
    const wrong = page.locator(".confusion td:not(.right) button:not([aria-disabled=true])").first();
    const count = Number((await wrong.innerText()).replace(",", ""));
    await wrong.click();
    await expect.poll(() => at("mistake").count()).toBe(Math.min(20, count));
    await at("open-in-try").first().click();
    await expect.poll(() => at("try-row").locator("input").inputValue()).toMatch(/^\d+$/);
    expect(await at("try-row").innerText()).toMatch(/small|middle|large/);
  });

  test("a slider changes the answer while it moves, and the curve along its column is drawn", async () => {
    const slider = at("slider").first();
    await slider.fill("-2");
    await expect.poll(() => at("prediction").innerText()).toContain("small");
    await slider.fill("5");
    await expect.poll(async () => (await at("prediction").locator(".value").innerText()).trim()).toBe("large");
    await at("along").locator("svg path.line").waitFor();
  });

  test("what the model leans on is measured, and kept", async () => {
    await at("measure-importance").click();
    await at("importance").locator("dl").waitFor({ timeout: 60_000 });
    expect(await at("importance").locator("dt").first().innerText()).toBe("size");
    await page.reload();
    await at("importance").locator("dl").waitFor();
  });

  test("two trainings stand side by side", async () => {
    await at("start-training").click();
    await expect.poll(() => at("compare-run").count(), { timeout: 60_000 }).toBe(2);
    await page.locator("[data-testid=compare-run]:enabled").nth(1).check();
    await page.locator("[data-testid=compare-run]:enabled").nth(0).check();
    await at("compare").waitFor();
    await at("test-metric").waitFor({ timeout: 180_000 });
    expect(watched.faults).toEqual([]);
  });
});
