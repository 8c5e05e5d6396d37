// The data flywheel as a person turns it, in the real app: a wrong answer is corrected where it is seen, Improve learns from it, Undo takes it back.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunRecord } from "../../ipc/types.ts";
import { chromiumPath, openBrowser, openPage, type Served, serveApp, type Watched } from "./page.ts";

/** Two classes that overlap, so that there are mistakes to correct. */
function table(): string {
  let state = 11;
  const next = () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const lines = ["size,shop,kind"];
  for (let i = 0; i < 400; i++) {
    const kind = i % 2;
    lines.push(
      `${(kind * 2 + (next() + next() - 1) * 3 + i * 1e-4).toFixed(4)},${next() < 0.5 ? "north" : "south"},${["small", "large"][kind]!}`,
    );
  }
  return lines.join("\n");
}

describe.skipIf(!chromiumPath)("the data flywheel", { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "paddock-flywheel-"));
  let served: Served;
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  const at = (id: string) => page.getByTestId(id);
  const runs = (): RunRecord[] => {
    const projects = join(served.home, "projects");
    const all = join(projects, readdirSync(projects)[0]!, "runs");
    return readdirSync(all).sort().map((id) => JSON.parse(readFileSync(join(all, id, "run.json"), "utf8")) as RunRecord); // prettier-ignore
  };

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

  test("a mistake is corrected where it is seen, and given back", async () => {
    await at("mistake").first().waitFor();
    expect(await at("corrections").count()).toBe(0);
    const row = at("mistake").first();
    await row.getByTestId("correct").click();
    // What the network said is offered first: it is often right.
    const said = (await row.locator(".said").innerText()).trim();
    expect(await row.getByTestId("correct-to").inputValue()).toBe(said);
    await row.getByTestId("save-correction").click();
    await row.getByTestId("corrected").waitFor();
    expect(await row.getByTestId("corrected").innerText()).toContain(said);
    expect(await at("corrections-count").innerText()).toBe("1 correction");
    await row.getByTestId("undo-correction").click();
    await row.getByTestId("correct").waitFor();
    await expect.poll(() => at("corrections").count()).toBe(0);
  });

  test("Improve trains on from the weights that are shown, and the two stand side by side", async () => {
    for (const i of [0, 1]) {
      const row = at("mistake").nth(i);
      await row.getByTestId("correct").click();
      await row.getByTestId("save-correction").click();
      await row.getByTestId("corrected").waitFor();
    }
    expect(await at("corrections-count").innerText()).toBe("2 corrections");
    await page.reload();
    await expect.poll(() => at("corrected").count(), { timeout: 30_000 }).toBe(2);
    await at("improve").click();
    await at("improved-from").waitFor({ timeout: 180_000 });
    expect(await at("improved-from").innerText()).toMatch(/Accuracy on the same test rows, with the corrections: .+ → .+\./);
    await at("compare").waitFor();
    const [first, second] = runs();
    expect(second).toMatchObject({ state: "done", from: { run: first!.id }, result: { corrections: { rows: 2, lost: 0 } } });
    expect(second!.plan!.rows).toEqual(first!.plan!.rows);
  });

  test("what was corrected is listed with where it comes from, and each can be withdrawn", async () => {
    await at("list-corrections").click();
    await expect.poll(() => at("correction").count()).toBe(2);
    expect(await at("correction").first().innerText()).toMatch(/(small|large) →\s(large|small)[\s\S]*result of/);
    await at("correction").first().getByRole("button").click();
    await expect.poll(() => at("corrections-count").innerText()).toBe("1 correction");
    await at("correction").first().getByRole("button").click();
    await expect.poll(() => at("corrections-count").innerText()).toBe("No corrections");
    expect(watched.faults).toEqual([]);
  });
});
