// Talking in the real app: a GGUF file goes to the shelf, is talked with, stopped, asked again and about a text; the conversation is a file, and comes back.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Chat } from "../../ipc/host.ts";
import { shared } from "../shared.ts";
import { chromiumPath, openBrowser, openPage, type Served, serveApp, type Watched } from "./page.ts";

const gguf = shared("models/gguf/stories260K/stories260K-Q8_0.gguf");

describe.skipIf(!chromiumPath || !gguf)("a conversation in a browser (../shared)", { timeout: 120_000 }, () => {
  let served: Served;
  let browser: Browser;
  let watched: Watched;
  let page: Page;
  const at = (id: string) => page.getByTestId(id);
  const kept = (): Chat => {
    const [name] = readdirSync(join(served.home, "chats"));
    return JSON.parse(readFileSync(join(served.home, "chats", name!), "utf8")) as Chat;
  };

  beforeAll(async () => {
    served = await serveApp();
    browser = await openBrowser();
    watched = await openPage(browser, served.url);
    page = watched.page;
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
  });

  test("from the shelf to an answer that is kept", async () => {
    await at("drop-zone").waitFor();
    await at("file-input").setInputFiles(gguf!);
    await at("model-card").waitFor({ timeout: 60_000 });
    expect(await at("model-card").innerText()).toContain("512 tokens");
    await at("talk-with").click();
    await at("chat-context").waitFor({ timeout: 60_000 });
    await at("chat-settings").click();
    await at("chat-drawer").getByLabel("Longest answer").fill("20");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    await at("chat-question").fill("Once upon a time");
    await at("chat-send").click();
    await at("chat-retry").waitFor({ timeout: 60_000 });
    expect((await at("turn-assistant").innerText()).length).toBeGreaterThan(20);
    expect(await at("chat-context").innerText()).toMatch(/^\d+ of 512 tokens$/);
    expect(kept()).toMatchObject({
      title: "Once upon a time",
      maxTokens: 20,
      turns: [{ role: "user" }, { role: "assistant", told: { tokens: 20 } }],
    });
  });

  test("another answer, an edited question, a text to be asked about, and stop", async () => {
    await at("chat-retry").click();
    await at("chat-stop").waitFor({ state: "detached" });
    await at("chat-retry").waitFor();
    expect(kept().turns).toHaveLength(2);
    await at("turn-user").getByRole("button", { name: "Edit" }).click();
    await at("turn-user").getByRole("textbox").fill("One day");
    await at("turn-user").getByRole("button", { name: "Ask again" }).click();
    await at("chat-retry").waitFor({ timeout: 60_000 });
    expect(kept().turns.map(({ content }) => content)[0]).toBe("One day");
    await at("chat-file").setInputFiles({ name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("A dog ran.") });
    await page.getByText("note.txt").waitFor();
    await at("chat-settings").click();
    await at("chat-drawer").getByLabel("Longest answer").fill("100000");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Escape");
    await at("chat-question").fill("Who ran?");
    await at("chat-question").press("Enter");
    await page.waitForFunction(() => (document.querySelector("[data-testid=chat-writing]")?.textContent?.length ?? 0) > 60);
    await at("chat-stop").click();
    await at("chat-send").waitFor();
    await page.getByText("stopped", { exact: true }).waitFor();
    const { turns } = kept();
    expect(turns.at(-2)).toMatchObject({ content: "Who ran?", file: { name: "note.txt", text: "A dog ran." } });
    expect(turns.at(-1)!.told!.ended).toBe("stopped");
  });

  test("the conversation is found again after the page is loaded anew", async () => {
    await page.reload();
    await at("new-chat").waitFor();
    await page.getByRole("link", { name: /Once upon a time|One day/ }).click();
    await at("turn-user").first().waitFor();
    expect(await at("turn-user").first().innerText()).toContain("One day");
    expect(watched.faults).toEqual([]);
  });
});
