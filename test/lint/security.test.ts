// SECURITY.md promises: each line of its tables names tests, and they are there. So does ARCHITECTURE.md of what is never lost.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(`${root}SECURITY.md`, "utf8");
const lines = page.split("\n").filter((line) => line.startsWith("| ") && !/^\| (Threat|---)/.test(line));

test("there are lines to hold to", () => expect(lines.length).toBeGreaterThan(25));

test("what is never lost is held by tests that are there", () => {
  const architecture = readFileSync(`${root}ARCHITECTURE.md`, "utf8");
  const table = architecture.split("## Nothing lost")[1]!.split("\n## ")[0]!;
  const named = [...table.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, file]) => file!);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((file) => !existsSync(root + file))).toEqual([]);
});

describe("every threat is met by tests that are there", () => {
  test.each(lines.map((line) => [line.split("|")[1]!.trim(), line.split("|").at(-2)!]))("%s", (_, shown) => {
    const named = [...shown.matchAll(/`([^`]+\.test\.ts)`|› `([^`]+)`/g)];
    expect(named.length).toBeGreaterThan(0);
    let source = "";
    for (const [, file, title] of named)
      if (file) {
        expect(existsSync(root + file), file).toBe(true);
        source = readFileSync(root + file, "utf8");
      } else expect(source, title).toContain(title);
  });
});
