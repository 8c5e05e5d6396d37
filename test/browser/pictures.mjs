// Takes a picture of every screen of the real app: both languages, light and dark, at 1280×800 and 900×600. Run by hand after a build:
//   node test/browser/pictures.mjs FOLDER [--language en] [--theme dark] [--size 900x600]
// It serves dist/ over a workspace of its own, drops tables, trains two samples, and writes FOLDER/<size>/<language>-<theme>/<nn-name>.png.
// Needs a Chromium (PADDOCK_CHROMIUM, or one on the path). Nothing here is part of `npm test`.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { filmRatings, filmTitles } from "./films.mjs";
import { reviews } from "./reviews.mjs";
import { writeShapes } from "./shapes.mjs";
import { meetings } from "./meetings.mjs";
import { tale } from "./tale.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { language: { type: "string" }, theme: { type: "string" }, size: { type: "string" } },
});
const folder = positionals[0];
if (!folder) {
  console.error("Say where the pictures go: node test/browser/pictures.mjs FOLDER");
  process.exit(2);
}
const languages = values.language ? [values.language] : ["en", "zh"];
const themes = values.theme ? [values.theme] : ["light", "dark"];
const sizes = (values.size ? [values.size] : ["1280x800", "900x600"]).map((text) => text.split("x").map(Number));

/** A table with everything that a person should be told of. */
function troubled() {
  const lines = ["id,size,size,colour,note,empty,same,weight,price"];
  for (let i = 1; i <= 400; i++) {
    const size = ((i * 7919) % 1000) / 10;
    const weight = i % 9 === 0 ? "n/a" : (size / 3).toFixed(2);
    const colour = ["red", "green", "blue"][i % 3];
    const note = `free text of row ${i}, as people write it when nobody reads it`;
    lines.push(
      `A${1000 + i},${size},${i % 3 ? "" : size},${colour},"${note}",,x,${weight},${i % 50 ? (2 * size + (i % 3)).toFixed(1) : ""}`,
    );
  }
  return lines.join("\n");
}

async function serve(home) {
  const server = spawn(process.execPath, [join(root, "dist/main/cli.js"), "serve", "--no-open"], {
    env: { ...process.env, PADDOCK_HOME: home },
  });
  const url = await new Promise((found, lost) => {
    let said = "";
    const hear = (chunk) => {
      said += chunk;
      const address = /http:\/\/\S+token=\S+/.exec(said)?.[0];
      if (address) found(address);
    };
    server.stdout.on("data", hear);
    server.stderr.on("data", hear);
    server.on("exit", (code) => lost(new Error(`paddock serve ended with ${code}:\n${said}`)));
  });
  return { server, url };
}

const chromiumPath =
  process.env.PADDOCK_CHROMIUM ??
  ["chromium", "chromium-browser", "google-chrome"]
    .map((name) => spawnSync("which", [name], { encoding: "utf8" }).stdout.trim())
    .find(Boolean);

const home = mkdtempSync(join(tmpdir(), "paddock-pictures-"));
const { server, url } = await serve(home);
const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ locale: "en-GB" });
const page = await context.newPage();
page.on("pageerror", (error) => console.error("fault:", error.message));
const at = (id) => page.getByTestId(id);

async function wear(language, theme, [width, height]) {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
  await page.setViewportSize({ width, height });
  // Forced: an open drawer makes the rest of the page inert.
  await at("language").selectOption(language, { force: true });
}

/** The screen as it stands now, in every language, theme and size that was asked for. */
async function take(name, settle = async () => undefined) {
  for (const language of languages) {
    for (const theme of themes) {
      for (const size of sizes) {
        await wear(language, theme, size);
        await settle();
        // Two frames: what follows from the new size is drawn then.
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        const where = join(folder, size.join("x"), `${language}-${theme}`);
        mkdirSync(where, { recursive: true });
        await page.screenshot({ path: join(where, `${name}.png`) });
      }
    }
  }
  console.log(name);
}

const go = (hash) => page.evaluate((to) => (location.hash = to), hash);
const home1 = () => go("#/home");
const section = (name) => async () => {
  await page.locator(`a[href="#section-${name}"]`).click();
};
const drop = async (name, text) => {
  const path = join(home, name);
  writeFileSync(path, text);
  await at("file-input").setInputFiles(path);
};

async function train(sample, name, whileRunning) {
  await home1();
  await at(`sample-${sample}`).click();
  await at("profile").waitFor();
  await take(`${name}-data`, section("data"));
  await at("start-training").waitFor();
  await take(`${name}-train-before`, section("train"));
  if (whileRunning) {
    await page.locator("#section-train summary").first().click();
    await at("adjust-open").click();
    await take(`${name}-train-adjust`);
    await page.keyboard.press("Escape");
  }
  await at("start-training").click();
  await at("loss-chart").waitFor();
  if (whileRunning) {
    // Long enough for a curve with a shape.
    await page.waitForTimeout(4000);
    await take(`${name}-train-live`, section("train"));
    await at("pause").click();
    await at("resume").waitFor();
    await take(`${name}-train-paused`, section("train"));
    await at("resume").click();
  }
  await at("test-metric").waitFor({ timeout: 120_000 });
  await take(`${name}-train-after`, section("train"));
  await take(`${name}-result`, section("result"));
  await take(`${name}-try`, section("try"));
}

try {
  await page.goto(url);
  await at("drop-zone").waitFor();
  await take("01-home-empty");
  await go("#/projects");
  await take("02-projects-empty");
  await go("#/models");
  await take("03-models-empty");
  await home1();
  await drop("photo.csv", "\u0000\u0001\u0002PNG");
  await page.getByRole("alert").waitFor();
  await take("04-home-error");
  await page.getByRole("alert").getByRole("button").click();
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(["a"], "a.csv"));
    document.body.dispatchEvent(new DragEvent("dragenter", { dataTransfer: data, bubbles: true }));
  });
  await take("05-drop-veil");
  await page.reload();
  await at("drop-zone").waitFor();
  await drop("parcels.csv", troubled());
  await at("profile").waitFor();
  await take("06-data-problems", section("data"));
  await train("penguins", "07-classification", false);
  await train("houses", "08-regression", true);
  await home1();
  const unseen = await writeShapes(join(home, "shapes"));
  await at("folder-input").setInputFiles(join(home, "shapes"));
  await at("pictures-found").waitFor();
  await at("picture-grid").locator("img").nth(23).waitFor();
  await take("15-pictures-data", section("data"));
  await take("15-pictures-train-before", section("train"));
  await at("start-training").click();
  await at("test-metric").waitFor({ timeout: 120_000 });
  await take("15-pictures-result", section("result"));
  await at("predict-file-input").setInputFiles(unseen);
  await at("prediction").waitFor();
  await at("where-looked").check();
  await at("where-map").waitFor();
  await take("15-pictures-try", section("try"));
  await home1();
  await drop("u.data", filmRatings());
  await at("ratings-found").waitFor();
  await take("16-ratings-data-untitled", section("data"));
  writeFileSync(join(home, "films.csv"), filmTitles());
  await at("titles-input").setInputFiles(join(home, "films.csv"));
  await page.locator("[data-testid=ratings-titles]", { hasText: "40" }).waitFor();
  await take("16-ratings-data", section("data"));
  await take("16-ratings-train-before", section("train"));
  await at("start-training").click();
  await at("recall").waitFor({ timeout: 120_000 });
  await take("16-ratings-result", section("result"));
  await at("recommended").locator("td button").first().waitFor();
  await take("16-ratings-try", section("try"));
  await home1();
  await drop("tale.txt", tale());
  await at("language-found").waitFor();
  await take("17-language-data", section("data"));
  await take("17-language-train-before", section("train"));
  await page.locator("#section-train summary").first().click();
  await at("adjust-open").click();
  await page
    .getByLabel(/Passes at most|最多/)
    .first()
    .fill("3");
  await page.keyboard.press("Escape");
  await at("start-training").click();
  await at("samples").first().waitFor();
  await take("17-language-train-live", section("train"));
  await at("test-metric").waitFor({ timeout: 240_000 });
  await take("17-language-train-after", section("train"));
  await take("17-language-result", section("result"));
  await at("try-writing").locator("textarea").fill("The king has");
  await at("write").click();
  await page.locator("#section-try .reads").waitFor();
  await take("17-language-try", section("try"));
  const stories = join(root, "../shared/models/gguf/stories260K/stories260K-Q8_0.gguf");
  if (existsSync(stories)) {
    await home1();
    await drop("meetings.jsonl", meetings());
    await at("conversation").waitFor();
    await take("17-tune-data", section("data"));
    await take("17-tune-no-model", section("train"));
    const project = page.url();
    await at("file-input").setInputFiles(stories);
    await at("model-card").waitFor();
    await page.goto(project);
    await at("tune-model").waitFor();
    await at("tune-model").selectOption({ label: "stories260K-Q8_0" });
    await at("tune-prompts").fill("Tell me of the cat and the dog.\nTell me of the bird and the tree.");
    await at("tune-prompts").blur();
    await take("17-tune-train-before", section("train"));
    await at("start-training").click();
    await at("test-metric").waitFor({ timeout: 240_000 });
    await take("17-tune-result", section("result"));
    await page.locator("#section-result").getByTestId("blind").check();
    await take("17-tune-blind");
  }
  await home1();
  await drop("reviews.csv", reviews());
  await at("profile").waitFor();
  await take("18-texts-data", section("data"));
  await page.locator("#section-train summary").first().click();
  await at("adjust-open").click();
  await at("text-model").selectOption("transformer");
  await take("18-texts-adjust");
  await page
    .getByLabel(/Passes at most|最多/)
    .first()
    .fill("12");
  await page.keyboard.press("Escape");
  await at("start-training").click();
  await at("test-metric").waitFor({ timeout: 240_000 });
  await take("18-texts-train-after", section("train"));
  await take("18-texts-result", section("result"));
  await at("ask-reading").click();
  await page.locator("[data-testid=text-as-numbers] li").first().waitFor();
  await at("ask-words").click();
  await page.locator("[data-testid=words-that-matter] mark").first().waitFor();
  await take("18-texts-try", section("try"));
  await home1();
  await take("09-home");
  await go("#/projects");
  await page.locator("main h1").waitFor();
  await take("10-projects");
  await go("#/models");
  await page.locator("main h1").waitFor();
  await take("11-models");
  await go("#/plan");
  await at("memory-total").waitFor();
  await take("18-plan-size");
  await at("memory-size").fill("-3B");
  await at("memory-form").locator(".problem").waitFor();
  await take("18-plan-refused");
  await at("memory-size").fill("7B");
  await at("memory-method").selectOption("full");
  await at("memory-total").waitFor();
  await take("18-plan-full", () => page.locator("main").evaluate((stage) => stage.scrollTo({ top: stage.scrollHeight })));
  await page.locator("nav.rail button").click();
  await at("settings").locator(".devices li").first().waitFor();
  await take("14-settings");
  await page.keyboard.press("Escape");
  await go("#/learn");
  await at("lesson-line").waitFor();
  // A step at a time: each is shown before the next begins.
  for (let i = 1; i <= 2; i++) {
    await at("lesson-step").click();
    await page.waitForFunction((text) => document.querySelector("[data-testid=lesson-steps]")?.textContent.trim() === text, String(i));
  }
  await take("12-learn");
  await page.locator("main").evaluate((stage) => stage.scrollTo({ top: stage.scrollHeight }));
  await take("13-learn-end", () => page.locator("main").evaluate((stage) => stage.scrollTo({ top: stage.scrollHeight })));
} finally {
  // A small language model, where one lies beside the checkout.
  const stories = join(root, "../shared/models/gguf/stories260K/stories260K-Q8_0.gguf");
  if (existsSync(stories)) {
    await home1();
    await at("drop-zone").waitFor();
    await at("file-input").setInputFiles(stories);
    await at("model-card").waitFor({ timeout: 60_000 });
    await take("60-language-model");
    await at("talk-with").click();
    await at("chat-context").waitFor({ timeout: 60_000 });
    await take("61-chat-begins");
    await at("chat-question").fill("Once upon a time, a dog and a cat met in the park.");
    await at("chat-send").click();
    await at("chat-retry").waitFor({ timeout: 60_000 });
    await take("62-chat");
    await at("chat-settings").click();
    await at("chat-drawer").waitFor();
    await take("63-chat-settings");
    await page.keyboard.press("Escape");
  }

  await browser.close();
  server.kill("SIGTERM");
  await new Promise((ended) => server.on("exit", ended));
  rmSync(home, { recursive: true, force: true });
}
