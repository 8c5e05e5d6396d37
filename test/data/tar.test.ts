import { Readable } from "node:stream";
import { Parser } from "tar";
import { expect, test } from "vitest";
import { tarOf } from "../../renderer/state/tar.ts";

async function read(archive: Blob): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const parser = new Parser({ strict: true });
  parser.on("entry", (entry) => {
    const parts: Buffer[] = [];
    entry.on("data", (part: Buffer) => parts.push(part));
    entry.on("end", () => (found[entry.path] = Buffer.concat(parts).toString()));
  });
  const done = new Promise((resolve, reject) => parser.on("end", resolve).on("error", reject));
  Readable.from([Buffer.from(await archive.arrayBuffer())]).pipe(parser);
  await done;
  return found;
}

test("what was put in comes out: plain names, long ones, other scripts, empty files", async () => {
  const long = `${"folder/".repeat(40)}end.txt`;
  const files = { "cats/one.jpg": "a", "cats/two.jpg": "b".repeat(512), "猫/三.jpg": "三".repeat(999), [long]: "c", empty: "" };
  const archive = tarOf(
    "pets.tar",
    Object.entries(files).map(([path, content]) => ({ path, file: new Blob([content]) })),
  );
  expect(archive.name).toBe("pets.tar");
  expect(archive.size % 512).toBe(0);
  expect(await read(archive)).toEqual(files);
});

test("lengths of a path about the place where the record's own length grows by a digit", async () => {
  for (let n = 85; n < 105; n++) {
    const path = "é".repeat(n);
    expect(await read(tarOf("x.tar", [{ path, file: new Blob(["x"]) }]))).toEqual({ [path]: "x" });
  }
});
