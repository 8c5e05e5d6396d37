import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { staticFile } from "./staticFiles.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-static-"));
const page = join(folder, "page");
mkdirSync(join(page, "assets"), { recursive: true });
writeFileSync(join(page, "index.html"), "<p>page");
writeFileSync(join(page, "assets/a.js"), "1");
writeFileSync(join(page, ".secret.js"), "secret");
writeFileSync(join(page, "program.exe"), "secret");
writeFileSync(join(folder, "outside.js"), "secret");
if (process.platform !== "win32") symlinkSync(join(folder, "outside.js"), join(page, "link.js"));
afterAll(() => rmSync(folder, { recursive: true }));

test("gives the page and its parts, with their types", async () => {
  expect((await staticFile(page, "/"))?.type).toBe("text/html; charset=utf-8");
  expect((await staticFile(page, "/assets/a.js"))?.type).toBe("text/javascript; charset=utf-8");
});

test.each([
  "/../outside.js",
  "/assets/../../outside.js",
  "/%2e%2e/outside.js",
  "/..%2foutside.js",
  "/..%5coutside.js",
  "/%2e%2e%2foutside.js",
  "//outside.js",
  "/.secret.js",
  "/program.exe",
  "/link.js",
  "/assets",
  "/assets/",
  "/%00.js",
  "/a%00.js",
  "/%ff.js",
  "/C:/x.js",
  "/missing.js",
  "outside.js",
  "",
])("gives nothing for %j", async (path) => {
  expect(await staticFile(page, path)).toBeUndefined();
});
