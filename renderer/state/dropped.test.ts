import { expect, test } from "vitest";
import { droppedOf, type Folder, folderOf, isFolder } from "./dropped.ts";

type Tree = { [name: string]: string | Tree };

/** As a browser shows a folder: two entries at a time. */
function entry(name: string, content: string | Tree): FileSystemEntry {
  if (typeof content === "string")
    return { name, isFile: true, isDirectory: false, file: (take: (file: File) => void) => take(new File([content], name)) } as never;
  const left = Object.entries(content).map(([n, c]) => entry(n, c));
  return {
    name,
    isFile: false,
    isDirectory: true,
    createReader: () => ({ readEntries: (take: (part: unknown[]) => void) => take(left.splice(0, 2)) }),
  } as never;
}

const item = (name: string, content: string | Tree) => ({
  kind: "file",
  getAsFile: () => new File(typeof content === "string" ? [content] : [], name),
  webkitGetAsEntry: () => entry(name, content),
});
const transfer = (...items: unknown[]) => ({ items, files: [] }) as never;

test("a dropped folder lists its files by path, hidden ones left out", async () => {
  const tree: Tree = {
    cats: { "2.jpg": "b", "1.jpg": "a", "3.jpg": "c" },
    dogs: { inner: { "1.jpg": "d" } },
    ".DS_Store": "x",
    "labels.csv": "y",
  };
  const [folder, file] = droppedOf(transfer(item("pets", tree), item("table.csv", "a,b"))) as [Folder, File];
  expect(isFolder(folder)).toBe(true);
  expect(isFolder(file)).toBe(false);
  expect(folder.name).toBe("pets");
  expect((await folder.files()).map(({ path }) => path)).toEqual([
    "cats/1.jpg",
    "cats/2.jpg",
    "cats/3.jpg",
    "dogs/inner/1.jpg",
    "labels.csv",
  ]);
});

test("a folder that cannot be read says which", async () => {
  const broken = {
    name: "pets",
    isDirectory: true,
    createReader: () => ({ readEntries: (_: unknown, fail: (why: Error) => void) => fail(new Error("no")) }),
  };
  const [folder] = droppedOf(transfer({ kind: "file", getAsFile: () => new File([], "pets"), webkitGetAsEntry: () => broken })) as [Folder];
  await expect(folder.files()).rejects.toMatchObject({ code: "fileUnreadable", data: { file: "pets" } });
});

test("a drop without items gives its files", () => {
  const file = new File(["a"], "homes.csv");
  expect(droppedOf({ files: [file] } as never)).toEqual([file]);
});

test("a chosen folder: its name, its files within it", async () => {
  const file = (path: string) => Object.assign(new File(["a"], path.split("/").at(-1)!), {}) as File;
  const chosen = ["pets/cats/1.jpg", "pets/.hidden/2.jpg"].map((path) =>
    Object.defineProperty(file(path), "webkitRelativePath", { value: path }),
  );
  const folder = folderOf(chosen)!;
  expect([folder.name, folder.within]).toEqual(["pets", "cats/1.jpg"]);
  expect((await folder.files()).map(({ path }) => path)).toEqual(["cats/1.jpg"]);
  expect(folderOf([])).toBeUndefined();
});
