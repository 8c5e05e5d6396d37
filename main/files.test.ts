import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { getuid } from "node:process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { copyFileTo, regularFile, writeAtomic, writeStream } from "./files.ts";

const readlink = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
};

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "paddock-files-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("writing", () => {
  test("replaces a file as a whole and leaves no draft", async () => {
    const path = join(folder, "a.json");
    await writeAtomic(path, "old");
    await Promise.all(Array.from({ length: 20 }, (_, i) => writeAtomic(path, `new ${i}`.repeat(1000))));
    expect(readFileSync(path, "utf8")).toMatch(/^(new \d+)\1{999}$/);
    expect(readdirSync(folder)).toEqual(["a.json"]);
  });

  test("names what is wrong with the place", async () => {
    await expect(writeAtomic(join(folder, "none/a"), "x")).rejects.toMatchObject({ code: "folderNotWritable" });
    mkdirSync(join(folder, "dir"));
    await expect(writeAtomic(join(folder, "dir"), "x")).rejects.toMatchObject({ code: expect.any(String) as string });
    expect(readdirSync(folder)).toEqual(["dir"]);
  });

  test.skipIf(getuid?.() === 0 || process.platform === "win32")("says that a folder may not be written to", async () => {
    chmodSync(folder, 0o500);
    await expect(writeAtomic(join(folder, "a"), "x")).rejects.toMatchObject({ code: "folderNotWritable" });
  });
});

describe("copying", () => {
  test("tells how far it is and gives the same bytes", async () => {
    const bytes = Buffer.alloc(5 << 20, "paddock ");
    writeFileSync(join(folder, "from"), bytes);
    const told: (number | null)[] = [];
    await copyFileTo(join(folder, "from"), join(folder, "deep/to"), { onProgress: (fraction) => told.push(fraction) });
    expect(readFileSync(join(folder, "deep/to")).equals(bytes)).toBe(true);
    expect(told.at(-1)).toBe(1);
    expect(told).toEqual([...told].sort());
  });

  test("cancelled in the middle leaves nothing", async () => {
    const controller = new AbortController();
    const slow = (async function* () {
      yield Buffer.from("first");
      controller.abort();
      yield Buffer.from("second");
    })();
    await expect(writeStream(join(folder, "to"), slow, { signal: controller.signal })).rejects.toMatchObject({ code: "cancelled" });
    expect(readdirSync(folder)).toEqual([]);
  });

  test.skipIf(process.platform !== "linux")("cancelled before its first byte holds no file open", async () => {
    const from = join(folder, "from");
    writeFileSync(from, "some bytes");
    for (let delay = 0; delay < 6; delay++) {
      const controller = new AbortController();
      const copied = copyFileTo(from, join(folder, `to${delay}`), { signal: controller.signal }).catch(() => {});
      for (let turn = 0; turn < delay; turn++) await new Promise(setImmediate);
      controller.abort();
      await copied;
    }
    const held = () => readdirSync("/proc/self/fd").filter((fd) => readlink(`/proc/self/fd/${fd}`) === from);
    await expect.poll(held, { timeout: 2000 }).toEqual([]);
  });

  test("a stream shorter than announced is refused", async () => {
    const short = (async function* () {
      yield Buffer.from("abc");
    })();
    await expect(writeStream(join(folder, "to"), short, { expected: 5 })).rejects.toMatchObject({
      code: "fileChanged",
      data: { bytes: 3, expected: 5 },
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("more than the disk can hold is refused before it begins", async () => {
    const none = (async function* () {})();
    await expect(writeStream(join(folder, "to"), none, { expected: 2 ** 60 })).rejects.toMatchObject({ code: "diskFull" });
  });
});

test("only regular files with something in them are taken", async () => {
  writeFileSync(join(folder, "empty"), "");
  await expect(regularFile(join(folder, "empty"))).rejects.toMatchObject({ code: "fileEmpty" });
  await expect(regularFile(folder)).rejects.toMatchObject({ code: "formatUnknown" });
  await expect(regularFile(join(folder, "none"))).rejects.toMatchObject({ code: "fileMissing" });
  await expect(regularFile(join(folder, "empty/none"))).rejects.toMatchObject({ code: "fileMissing" });
  await expect(regularFile(join(folder, "x".repeat(300)))).rejects.toMatchObject({ code: "fileUnreadable" });
  if (process.platform !== "win32") await expect(regularFile("/dev/null")).rejects.toMatchObject({ code: "fileUnreadable" });
});
