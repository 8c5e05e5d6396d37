// The main job as a person does it, in a real browser against the real app: a table in, a trained network out.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser, openPage, type Served, serveApp, type Watched } from "./page.ts";

/** y = colour + 2·size + noise: a table of 1,200 rows that any working trainer learns, with a gap and a quoted comma in it. */
function table(): string {
  const lines = ["size,colour,note,price"];
  let state = 7;
  const next = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  for (let i = 0; i < 1200; i++) {
    const size = Math.round(next() * 1000) / 100;
    const colour = ["red", "green", "dark, blue"][Math.floor(next() * 3)]!;
    const price = 2 * size + { red: 1, green: 5, "dark, blue": -4 }[colour]! + (next() - 0.5);
    lines.push(`${i % 50 === 0 ? "" : size},"${colour}",same,${price.toFixed(3)}`);
  }
  return lines.join("\n");
}

describe.skipIf(!chromiumPath)("the main job in a browser", { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-mainjob-"));
  const file = join(folder, "prices.csv");
  let served: Served;
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  const at = (id: string) => page.getByTestId(id);

  beforeAll(async () => {
    writeFileSync(file, table());
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

  test("a dropped file shows its profile and the guessed target", async () => {
    await at("drop-zone").waitFor();
    await at("file-input").setInputFiles(file);
    await at("profile").waitFor();
    expect(await at("profile").innerText()).toContain("colour");
    expect(await at("target-select").inputValue()).toBe("price");
  });

  test("training shows its curve and memory, pauses, resumes and ends with a result", async () => {
    await at("start-training").click();
    await at("loss-chart").waitFor();
    await at("memory-gauge").waitFor();
    await at("pause").click();
    await at("resume").click();
    await at("test-metric").waitFor({ timeout: 120_000 });
    const shown = Number(/0\.\d+/.exec(await at("test-metric").innerText())?.[0]);
    expect(shown).toBeGreaterThan(0.9);
    expect(await at("baseline").first().isVisible()).toBe(true);
  });

  test("the form answers", async () => {
    await at("try-form").scrollIntoViewIfNeeded();
    const form = at("try-form");
    await form.getByLabel("size", { exact: true }).fill("5");
    await form
      .getByLabel("colour", { exact: true })
      .fill("green")
      .catch(() => form.getByLabel("colour", { exact: true }).selectOption("green"));
    await expect
      .poll(async () => Number(/-?\d+(\.\d+)?/.exec(await page.getByTestId("prediction").innerText())?.[0]), { timeout: 15_000 })
      .toSatisfy((value: number) => Math.abs(value - 15) < 2);
  });

  test("the exported model answers in a bare ONNX Runtime", async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), at("export-onnx").click()]);
    const path = join(folder, "model.onnx");
    await download.saveAs(path);
    const session = await InferenceSession.create(readFileSync(path));
    const answer = await session.run({ size: new Tensor("float32", [5, NaN], [2, 1]), colour: new Tensor("string", ["red", ""], [2, 1]) });
    const values = answer["value"]!.data as Float32Array;
    expect(Math.abs(values[0]! - 11)).toBeLessThan(2);
    expect(Number.isFinite(values[1]!)).toBe(true);
  });

  test("everything is still there after a reload, in Chinese too, and the page had no fault", async () => {
    await page.reload();
    await at("test-metric").waitFor();
    await at("language").selectOption("zh");
    await expect.poll(() => page.locator("html").getAttribute("lang")).toMatch(/^zh/);
    await at("test-metric").waitFor();
    expect(watched.faults).toEqual([]);
  });
});
