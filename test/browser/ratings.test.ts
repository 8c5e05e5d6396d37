// Ratings in the real app: a dropped table is taken as ratings, learned, named by a second table, and asked.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser, openPage, type Served, serveApp, type Watched } from "./page.ts";
import { filmRatings, filmTitles } from "./films.mjs";

describe.skipIf(!chromiumPath)("ratings in a browser", { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-films-"));
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

  test("a table without a header is taken as ratings; its columns can be chosen", async () => {
    const path = join(folder, "u.data");
    writeFileSync(path, filmRatings());
    await at("file-input").setInputFiles(path);
    await at("ratings-found").waitFor({ timeout: 60_000 });
    expect(await at("ratings-found").innerText()).toMatch(/by 200 users of 40 items/);
    const time = at("ratings-time");
    const before = await time.inputValue();
    await time.selectOption("none");
    await expect.poll(() => time.inputValue(), { timeout: 30_000 }).toBe("none");
    await expect.poll(() => time.isEnabled(), { timeout: 30_000 }).toBe(true);
    await time.selectOption(before);
    await expect.poll(() => page.locator("#section-data .facts").innerText(), { timeout: 30_000 }).toContain("From when to when");
  });

  test("a second table gives the items titles; one that names none is refused", async () => {
    const [good, bad] = [join(folder, "films.csv"), join(folder, "bad.csv")];
    writeFileSync(good, filmTitles());
    writeFileSync(bad, "id,title\n9001,Nothing\n9002,Nobody\n");
    await at("titles-input").setInputFiles(bad);
    await page.getByRole("alert").first().waitFor({ timeout: 30_000 });
    await at("titles-input").setInputFiles(good);
    await expect.poll(() => at("ratings-titles").innerText(), { timeout: 30_000 }).toBe("40 of 40 items have a title.");
  });

  test("it is learned, recommends what a user lacks, and finds what is similar", async () => {
    await at("start-training").click();
    await at("recall").waitFor({ timeout: 180_000 });
    expect(await at("recommend-result").innerText()).toMatch(/times as often/);
    expect(Number(await at("test-metric").innerText())).toBeLessThan(1);
    await at("rating-search").fill("11");
    await at("rating-found").locator('[title="11"]').click();
    await page.getByRole("heading", { name: "What fits user 11" }).waitFor();
    const first = at("recommended").locator("td button").first();
    // User 11 is one of those who like the odd films.
    expect(await first.innerText()).toMatch(/^Film \d*[13579] /);
    await first.click();
    await page.getByRole("heading", { name: /^Like Film/ }).waitFor();
    const like = await at("recommended").locator("td button").allInnerTexts();
    expect(like.filter((name) => /^Film \d*[13579] /.test(name)).length).toBeGreaterThan(like.length * 0.7);
    expect(watched.faults).toEqual([]);
  });
});
