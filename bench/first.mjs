// The first time, on a machine without a network: from an empty workspace to the first trained model, by the page, with the usual settings.
//   node bench/first.mjs [FILE…]      after scripts/build.mjs; files default to a sample
// On Linux all of it, the browser too, runs in a network namespace of its own with nothing in it but loopback. Told are seconds on the wall and
// processor seconds of Paddock (the host and its workers, not the browser): on a busy machine only the second says something of it.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { findChromium } from "../dist/main/web.js";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Seconds that the whole may take. */
const limit = 120;
const inside = process.env.PADDOCK_ALONE === "1";
const alone = ["-rn", "sh", "-c", 'ip link set lo up && exec "$0" "$@"'];
if (!inside && spawnSync("unshare", [...alone, "true"]).status === 0) {
  const args = [...alone, process.execPath, ...process.argv.slice(1)];
  const { status } = spawnSync("unshare", args, { stdio: "inherit", env: { ...process.env, PADDOCK_ALONE: "1" } });
  process.exit(status ?? 1);
}
const others = Object.keys(networkInterfaces()).filter((name) => !/^lo/.test(name));
console.log(others.length === 0 ? "No network here but loopback." : `The network is on (${others.join(", ")}): unshare is not to be had.`);

const ticks = Number(spawnSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).stdout) || 100;

/** Processor seconds of a process and all below it, ended ones too (proc(5): utime, stime, cutime, cstime); NaN where there is no /proc. */
function processorSeconds(pid) {
  const stats = new Map();
  try {
    for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one)))
      try {
        const text = readFileSync(`/proc/${name}/stat`, "utf8");
        stats.set(Number(name), text.slice(text.lastIndexOf(")") + 2).split(" "));
      } catch {
        continue; // ended meanwhile
      }
  } catch {
    return NaN;
  }
  const own = (one) => [11, 12, 13, 14].reduce((sum, field) => sum + Number(stats.get(one)?.[field] ?? 0), 0);
  const tree = (one) => [...stats].filter(([, fields]) => Number(fields[1]) === one).reduce((sum, [child]) => sum + tree(child), own(one));
  return tree(pid) / ticks;
}

async function first(file) {
  const home = mkdtempSync(join(tmpdir(), "paddock-first-"));
  const began = performance.now();
  const server = spawn(process.execPath, [join(root, "dist/main/cli.js"), "serve", "--no-open"], {
    env: { ...process.env, PADDOCK_HOME: join(home, "Paddock") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let before = { wall: began, processor: 0 };
  const marks = [];
  const mark = (what) => {
    const now = { wall: performance.now(), processor: processorSeconds(server.pid) };
    marks.push([what, (now.wall - before.wall) / 1000, now.processor - before.processor]);
    before = now;
  };
  let browser;
  try {
    const url = await new Promise((done, failed) => {
      server.stdout.on("data", (text) => {
        const found = /http:\/\/\S+token=\S+/.exec(String(text))?.[0];
        if (found) done(found);
      });
      server.once("exit", (code) => failed(new Error(`paddock serve ended with ${code}`)));
    });
    mark("the door opens");
    browser = await chromium.launch({
      executablePath: process.env.PADDOCK_CHROMIUM ?? findChromium(),
      args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-gpu", "--disable-quic", "--no-first-run"],
    });
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByTestId("drop-zone").waitFor();
    mark("the page is there");
    await page.getByTestId("file-input").setInputFiles(resolve(file));
    await page.getByTestId("profile").waitFor({ timeout: 300_000 });
    mark("the file is read and shown");
    await page.getByTestId("start-training").click();
    await page.getByTestId("test-metric").waitFor({ timeout: 900_000 });
    mark("the first model is trained and tested");
    const score = (await page.getByTestId("test-metric").innerText()).replace(/\s+/g, " ");
    const wall = (before.wall - began) / 1000;
    console.log(`${file}: ${score}`);
    for (const [what, seconds, processor] of marks)
      console.log(`  ${seconds.toFixed(1).padStart(6)} s  (${processor.toFixed(1)} s of processor)  ${what}`);
    console.log(`  ${wall.toFixed(1).padStart(6)} s  (${before.processor.toFixed(1)} s of processor)  in all; ${limit} s at most`);
    return wall < limit;
  } finally {
    await browser?.close();
    server.removeAllListeners("exit");
    const ended = new Promise((done) => server.once("exit", done));
    server.kill("SIGTERM");
    await ended;
    rmSync(home, { recursive: true, force: true });
  }
}

let good = true;
const files = process.argv.slice(2);
for (const file of files.length > 0 ? files : [join(root, "assets/samples/penguins.csv")]) good = (await first(file)) && good;
process.exitCode = good ? 0 : 1;
