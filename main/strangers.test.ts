// Projects and runs that were copied from strangers: records with paths that lead elsewhere, links in the place of files, files without end, ids of others.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FoundSample, TrainSpec } from "../ipc/types.ts";
import { Lines } from "../worker/train/files.ts";
import { correct } from "./corrections.ts";
import { workspacePaths } from "./paths.ts";
import { Projects } from "./projects.ts";
import { readReport } from "./reports.ts";
import { readRun } from "./runs.ts";

let root: string;
let projects: Projects;
let victim: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "paddock-stranger-"));
  projects = new Projects(workspacePaths(join(root, "workspace")));
  victim = join(root, "victim.txt");
  writeFileSync(victim, "what is dear to somebody\n");
});
afterEach(() => {
  expect(readFileSync(victim, "utf8")).toBe("what is dear to somebody\n");
  rmSync(root, { recursive: true, force: true });
});

const record = {
  version: 1,
  id: "iris-abc123",
  name: "Iris",
  created: 1,
  updated: 2,
  file: "iris.csv",
  bytes: 1,
  rows: 1,
  fingerprint: "x",
  spec: {},
  score: null,
};
function put(id: string, change: object = {}): string {
  const folder = join(root, "workspace/projects", id);
  mkdirSync(join(folder, "data"), { recursive: true });
  writeFileSync(join(folder, "project.json"), JSON.stringify({ ...record, ...change }));
  return folder;
}

describe("a project's record", () => {
  test.each([
    ["a file that climbs", { file: "../../../victim.txt" }],
    ["a whole path for a file", { file: "/etc/passwd" }],
    ["a hidden file", { file: ".ssh" }],
    ["a path for an id", { id: "../../victim" }],
    ["a folder that is no whole path", { linked: "../../.." }],
    ["a folder on another machine", { linked: "//stranger.example/share" }],
    ["the same as Windows writes it", { linked: "\\\\stranger.example\\share" }],
    ["a target that is no name", { spec: { target: { toString: 1 } } }],
    ["settings that there are not", { spec: { shell: "rm -rf /" } }],
  ])("%s is refused by name, and the others still show", async (_, change) => {
    put("iris-abc123", change);
    put("other-abc123", { name: "Other" });
    const broken: string[] = [];
    expect((await projects.all((id) => broken.push(id))).map(({ name }) => name)).toEqual(["Other"]);
    expect(broken).toEqual(["iris-abc123"]);
    await expect(projects.read("iris-abc123")).rejects.toMatchObject({ code: "projectInvalid" });
  });

  test("the id of another project does not reach that one", async () => {
    put("mine-abc123", { id: "mine-abc123", name: "Mine" });
    put("theirs-abc123", { id: "mine-abc123", name: "Theirs" });
    await projects.change("theirs-abc123", () => ({ name: "Changed" }));
    expect((await projects.read("mine-abc123")).name).toBe("Mine");
    const theirs = await projects.read("theirs-abc123");
    expect(theirs).toMatchObject({ id: "theirs-abc123", name: "Changed" });
    expect(projects.data(theirs)).toContain("theirs-abc123");
  });

  test("names that are paths are no projects; a file without end is refused before it is read", async () => {
    const folder = put("iris-abc123");
    expect(await projects.ids()).toEqual(["iris-abc123"]);
    mkdirSync(join(root, "workspace/projects/.."), { recursive: true });
    for (const id of ["..", "../..", "a/b"]) expect(await projects.ids()).not.toContain(id);
    truncateSync(join(folder, "project.json"), 2 ** 40); // sparse: no disk is used
    await expect(projects.read("iris-abc123")).rejects.toMatchObject({ code: "fileTooLarge" });
    truncateSync(join(folder, "project.json"), 0);
    mkdirSync(join(folder, "runs/r"), { recursive: true });
    for (const name of ["run.json", "report.json"]) {
      writeFileSync(join(folder, "runs/r", name), "");
      truncateSync(join(folder, "runs/r", name), 2 ** 40);
    }
    await expect(readRun(join(folder, "runs/r"))).rejects.toMatchObject({ code: "fileTooLarge" });
    await expect(readReport(join(folder, "runs/r"))).rejects.toMatchObject({ code: "fileTooLarge" });
  });
});

describe.skipIf(process.platform === "win32")("links", () => {
  test("removing a project that is a link removes the link alone", async () => {
    const folder = put("iris-abc123");
    const away = join(root, "away");
    cpSync(folder, away, { recursive: true });
    rmSync(folder, { recursive: true });
    symlinkSync(away, folder);
    await projects.remove("iris-abc123");
    expect(existsSync(join(away, "project.json"))).toBe(true);
  });

  test("what grows or is cut is no link: curves, samples", async () => {
    const path = join(root, "metrics.jsonl");
    symlinkSync(victim, path);
    const lines = new Lines<{ step: number }>(path);
    await expect(lines.recover(() => true)).rejects.toMatchObject({ code: "runInvalid" });
    lines.push({ step: 1 });
    await expect(lines.flush()).rejects.toMatchObject({ code: "runInvalid" });
  });
});

describe("corrections", () => {
  const found: FoundSample[] = [{ row: 1, hash: "ab", answer: "a", cells: [] } as unknown as FoundSample];
  const find = async () => found;
  function run(spec: Partial<TrainSpec> = {}): string {
    const folder = join(root, "run");
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "run.json"),
      JSON.stringify({ version: 1, id: "r", created: 1, state: "done", spec: { data: "x.csv", target: "y", ...spec } }),
    );
    const report = { version: 2, kind: "table", task: "classification", classes: ["a", "b"], target: "y", parts: {} };
    writeFileSync(join(folder, "report.json"), JSON.stringify(report));
    return folder;
  }
  const asked = { sample: { row: 1 }, to: "b", origin: "command" } as unknown as Parameters<typeof correct>[2];

  test("go into a file of corrections alone, whatever a run names", async () => {
    const folder = run();
    await expect(correct(victim, folder, asked, find)).rejects.toMatchObject({ code: "usage" });
    const named = join(root, "notes.jsonl");
    writeFileSync(named, '{"my": "notes"}\n');
    await expect(correct(named, folder, asked, find)).rejects.toMatchObject({ code: "usage" });
    expect(readFileSync(named, "utf8")).toBe('{"my": "notes"}\n');
    const own = join(folder, "corrections.jsonl");
    await correct(own, folder, asked, find);
    await correct(own, folder, { ...asked, to: "a" }, find);
    expect(readFileSync(own, "utf8").trim().split("\n").length).toBeGreaterThan(1);
  });

  test.skipIf(process.platform === "win32")("never through a link", async () => {
    const folder = run();
    symlinkSync(victim, join(folder, "corrections.jsonl"));
    await expect(correct(join(folder, "corrections.jsonl"), folder, asked, find)).rejects.toMatchObject({ code: "fileUnreadable" });
  });
});
