// Without a mouse: Tab reaches everything that can be pressed or filled in, each has a name, and where one is can be seen.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser, openPage, type Served, serveApp } from "./page.ts";

interface Walk {
  /** Controls that can be seen and that Tab never came to. */
  missed: string[];
  nameless: string[];
  /** Stops that do not show that they have the focus. */
  unseen: string[];
  stops: number;
}

/** Tabs once around the page, or around the open dialog. */
async function walk(page: Page): Promise<Walk> {
  const wanted = await page.evaluate(() => {
    const ground = document.querySelector("dialog[open]") ?? document.body;
    const all = [...ground.querySelectorAll<HTMLElement>("a[href], button, input, select, textarea, summary, [tabindex='0']")];
    const groups = new Set<string>();
    let count = 0;
    for (const element of all) {
      const box = element.getBoundingClientRect();
      if (element.matches(":disabled, [tabindex='-1']") || !element.checkVisibility() || box.width < 2) continue;
      // Tab goes to one radio of a group; the arrows do the rest.
      if (element instanceof HTMLInputElement && element.type === "radio" && (groups.has(element.name) || !groups.add(element.name)))
        continue;
      element.dataset["wanted"] = String(count++);
    }
    (document.activeElement as HTMLElement | null)?.blur();
    return count;
  });
  const found: Walk = { missed: [], nameless: [], unseen: [], stops: 0 };
  for (let i = 0; i < wanted + 12; i++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement | null;
      if (!element || element === document.body) return null;
      const again = element.dataset["reached"] !== undefined;
      element.dataset["reached"] = "";
      const labelled = element.getAttribute("aria-labelledby");
      const labels = [...((element as HTMLInputElement).labels ?? [])].map((label) => label.textContent).join("");
      const name = [
        element.getAttribute("aria-label"),
        labelled && document.getElementById(labelled)?.textContent,
        labels,
        element.title,
        ["INPUT", "SELECT"].includes(element.tagName) ? "" : element.textContent,
      ].find((text) => text?.trim());
      const ring = (one: Element | null) => {
        const style = one && getComputedStyle(one);
        return !!style && ((style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none");
      };
      /** What is drawn in a picture shows it by a ring of its own. */
      const circled = (one: Element) => {
        const circle = one.querySelector(".ring");
        return circle !== null && getComputedStyle(circle).stroke !== "none";
      };
      return {
        again,
        what: element.outerHTML.slice(0, 140),
        named: !!name,
        seen: ring(element) || ring(element.closest("label")) || circled(element),
      };
    });
    if (!stop || stop.again) continue;
    found.stops++;
    if (!stop.named) found.nameless.push(stop.what);
    if (!stop.seen) found.unseen.push(stop.what);
  }
  found.missed = await page.evaluate(() => {
    const missed = [...document.querySelectorAll<HTMLElement>("[data-wanted]:not([data-reached])")].map((one) =>
      one.outerHTML.slice(0, 140),
    );
    for (const one of document.querySelectorAll<HTMLElement>("[data-wanted], [data-reached]")) {
      delete one.dataset["wanted"];
      delete one.dataset["reached"];
    }
    return missed;
  });
  return found;
}

describe.skipIf(!chromiumPath)("the app by keyboard", { timeout: 180_000 }, () => {
  let served: Served;
  let browser: Browser;
  let page: Page;
  const at = (id: string) => page.getByTestId(id);
  const fine = { missed: [], nameless: [], unseen: [] };

  beforeAll(async () => {
    served = await serveApp();
    browser = await openBrowser();
    ({ page } = await openPage(browser, served.url));
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
  });

  test("home, the lesson and the settings", async () => {
    await at("sample-penguins").waitFor();
    expect(await walk(page)).toMatchObject(fine);
    await page.evaluate(() => (location.hash = "#/learn"));
    await at("lesson-line").waitFor();
    await at("lesson-own").waitFor();
    expect(await walk(page)).toMatchObject(fine);
    await page.getByRole("button", { name: "Settings" }).focus();
    await page.keyboard.press("Enter");
    await at("settings").waitFor();
    expect(await walk(page)).toMatchObject(fine);
    await page.keyboard.press("Escape");
    await at("settings").waitFor({ state: "detached" });
  });

  test("a whole project, from the sample to the answer, without a mouse", async () => {
    await page.evaluate(() => (location.hash = "#/home"));
    await at("sample-penguins").focus();
    await page.keyboard.press("Enter");
    await at("profile").waitFor();
    await page.getByText("Settings in force").focus();
    await page.keyboard.press("Enter");
    await at("adjust-open").focus();
    await page.keyboard.press("Enter");
    await at("adjust").waitFor();
    await page.getByLabel("Passes at most").focus();
    await page.keyboard.type("3");
    expect(await walk(page)).toMatchObject(fine);
    await page.keyboard.press("Escape");
    await page.getByText("· 1 changed").waitFor();
    await at("start-training").focus();
    await page.keyboard.press("Enter");
    await at("test-metric").waitFor({ timeout: 90_000 });
    await at("try-form").waitFor();
    expect(await walk(page)).toMatchObject(fine);
  });
});
