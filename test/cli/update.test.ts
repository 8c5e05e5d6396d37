// paddock update check: a build without a key takes no update, and says so; what it does with one is in main/update/check.test.ts.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { home, paddock } from "./setUp.ts";

test("a build without a key refuses every file, and leaves nothing behind", async () => {
  const file = join(home, "Paddock-9.0.0.update.zip");
  writeFileSync(file, "PK");
  const out = join(home, "out");
  const { code, json } = await paddock(["update", "check", file, "--out", out, "--json"]);
  expect([code, (json["error"] as { code: string }).code]).toEqual([3, "updateNoKey"]);
  expect(existsSync(out)).toBe(false);
  expect((await paddock(["update", "check"])).code).toBe(2);
});
