import { sep } from "node:path";
import { expect, test } from "vitest";
import { formerRoot, rebased } from "./moved.ts";

test("where a workspace was follows from the data that a run names", () => {
  expect(formerRoot("/media/a/ws/projects/p-1/data/x.csv", "p-1", "/media/b/ws")).toBe("/media/a/ws");
  expect(formerRoot("E:\\Paddock\\ws\\projects\\p-1\\data\\x.csv", "p-1", "/media/b/ws")).toBe("E:\\Paddock\\ws");
  expect(formerRoot("/media/b/ws/projects/p-1/data/x.csv", "p-1", "/media/b/ws")).toBeUndefined();
  // Data that are used where they lie belong to no workspace.
  expect(formerRoot("/home/a/pictures", "p-1", "/media/b/ws")).toBeUndefined();
  expect(formerRoot("/media/a/ws/projects/other/data/x.csv", "p-1", "/media/b/ws")).toBeUndefined();
});

test("what lay in it is named anew, and nothing else", () => {
  const record = { spec: { data: "E:\\ws\\projects\\p\\data\\x.csv", model: "E:\\wsx\\m", seed: 1, list: ["E:\\ws\\models\\m", null] } };
  expect(rebased(record, "E:\\ws", "/b/ws")).toEqual({
    spec: {
      data: `/b/ws${["", "projects", "p", "data", "x.csv"].join(sep)}`,
      model: "E:\\wsx\\m",
      seed: 1,
      list: [`/b/ws${sep}models${sep}m`, null],
    },
  });
});
