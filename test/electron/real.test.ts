// The Electron door as a person sees it, on the real program where it is installed and there is a display: a file in, a network
// trained, its result on the screen, and nothing left running.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { _electron } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { hasDisplay } from "../../main/web/browser.ts";
import { root } from "../shared.ts";
import { alive } from "../doors/process.ts";

const { electronProgram } = (await import(pathToFileURL(join(root, "scripts/electron.mjs")).href)) as {
  electronProgram(): string | undefined;
};
const program = electronProgram();
const home = mkdtempSync(join(tmpdir(), "paddock-window-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const why = !program
  ? "Electron's program is not installed"
  : !hasDisplay()
    ? "there is no display"
    : !existsSync(join(root, "dist/main/main.js"))
      ? "not built"
      : "";

describe.skipIf(why !== "")(`the real window${why && ` (skipped: ${why})`}`, () => {
  test("takes a file, trains, shows the result, and leaves nothing running", { timeout: 120_000 }, async () => {
    const app = await _electron.launch({
      executablePath: program!,
      args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), root],
      env: { ...(process.env as Record<string, string>), PADDOCK_HOME: home },
    });
    const pid = app.process().pid!;
    const page = await app.firstWindow();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    expect(page.url()).toBe("app://paddock/index.html");
    expect(await page.evaluate(() => typeof (globalThis as { require?: unknown }).require)).toBe("undefined");

    await page.getByTestId("file-input").setInputFiles(join(root, "assets/samples/penguins.csv"));
    await page.getByTestId("profile").waitFor();
    await page.getByTestId("start-training").click();
    await page.getByTestId("test-metric").waitFor({ timeout: 90_000 });
    expect(await page.getByTestId("test-metric").textContent()).toMatch(/\d/);
    expect(faults).toEqual([]);

    const workers = await app.evaluate(({ app: inside }) => inside.getAppMetrics().map((process) => process.pid));
    await app.close();
    for (const one of [pid, ...workers]) await expect.poll(() => alive(one), { timeout: 10_000 }).toBe(false);
  });
});
