import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../shared.ts";
import { openHost, scratch, signal, table } from "./setUp.ts";

const projectsIn = (workspace: string) => (existsSync(join(workspace, "projects")) ? readdirSync(join(workspace, "projects")) : []);

const win = process.platform === "win32";

describe("a project from a file", () => {
  test("is a copy with its profile, its guess and a folder that any file system takes", async () => {
    const { host, told, workspace } = await openHost();
    const file = table(scratch(), "Häuser: 北京 2024?.csv");
    const project = await host.handlers.createProject({ source: { kind: "path", path: file } }, signal());
    expect(project).toMatchObject({
      name: "Häuser: 北京 2024?",
      rows: 3,
      target: "y",
      running: false,
      runs: [],
      spec: { target: "y", task: "regression" },
    });
    expect(project.id).toMatch(/^ha-user-2024-[a-z0-9]{6}$/);
    expect(project.file).toBe("Häuser_ 北京 2024_.csv");
    expect(readFileSync(join(workspace, "projects", project.id, "data", project.file), "utf8")).toBe(readFileSync(file, "utf8"));
    expect(readdirSync(join(workspace, "projects", project.id)).sort()).toEqual(["data", "profile.json", "project.json"]);
    expect(told).toContainEqual({ name: "projectsChanged", value: { ids: [project.id] } });
    expect(told).toContainEqual({ name: "working", value: { what: "copying", fraction: 1 } });
    expect(told).toContainEqual({ name: "working", value: { what: "reading", fraction: 0.5 } });
    expect((await host.handlers.projects(undefined, signal())).map((one) => one.id)).toEqual([project.id]);
    expect(await host.handlers.rows({ id: project.id, offset: 1, limit: 1 }, signal())).toEqual([["2", "10"]]);
  });

  test("can be taken as another kind or another part: its profile, rows and spec follow, and a refused one changes nothing", async () => {
    const { host } = await openHost();
    const { retake, rows, project, changeSpec } = host.handlers;
    const { id } = await host.handlers.createProject({ source: { kind: "path", path: table(scratch()) } }, signal());
    const texts = await retake({ id, kind: "text" }, signal());
    expect(texts).toMatchObject({ profile: { kind: "text" }, spec: { kind: "text", target: "y", task: "regression" } });
    const part = await retake({ id, kind: "table", part: "second" }, signal());
    expect(part).toMatchObject({ rows: 1, profile: { kind: "table", part: "second" }, spec: { kind: "table", part: "second" } });
    expect(await rows({ id, offset: 0, limit: 3 }, signal())).toEqual([["second", "3"]]);
    await expect(retake({ id, part: "none" }, signal())).rejects.toMatchObject({ code: "partMissing" });
    expect(await project({ id }, signal())).toEqual(part);
    // A change of the settings does not change what the data are taken as.
    const kept = await changeSpec({ id, spec: { target: "y", part: "first", batch: 8 } }, signal());
    expect(kept.spec).toEqual({ kind: "table", part: "second", target: "y", batch: 8 });
  });

  test("comes from an upload, which is moved and known by its name", async () => {
    const { host, workspace } = await openHost();
    const { id } = await host.receiveUpload(
      "../../etc/Meine Tabelle.csv",
      (async function* () {
        yield Buffer.from("x,y\n1,");
        yield Buffer.from("2\n");
      })(),
    );
    const project = await host.handlers.createProject({ source: { kind: "upload", id } }, signal());
    expect(project).toMatchObject({ name: "Meine Tabelle", file: "Meine Tabelle.csv", rows: 1 });
    expect(readdirSync(join(workspace, "uploads"))).toEqual([]);
    await expect(host.handlers.createProject({ source: { kind: "upload", id } }, signal())).rejects.toMatchObject({ code: "fileMissing" });
  });

  test("an upload that breaks off leaves nothing", async () => {
    const { host, workspace } = await openHost();
    const torn = (async function* () {
      yield Buffer.from("x,y\n");
      throw new Error("the line went dead");
    })();
    await expect(host.receiveUpload("a.csv", torn)).rejects.toThrow("the line went dead");
    expect(readdirSync(join(workspace, "uploads"))).toEqual([]);
  });

  test.each([
    ["a missing file", (f: string) => join(f, "none.csv"), "fileMissing"],
    ["an empty file", (f: string) => table(f, "empty.csv", ""), "fileEmpty"],
    ["what the worker refuses", (f: string) => table(f, "bad.csv", "refuse,y\n1,2\n"), "fileNotText"],
    ["a file that kills the worker", (f: string) => table(f, "bad.csv", "die exit 7,y\n1,2\n"), "workerDied"],
    // Windows tells of no signal.
    ["a file that takes all memory", (f: string) => table(f, "bad.csv", "die SIGKILL,y\n1,2\n"), win ? "workerDied" : "outOfMemory"],
  ])("%s is an error that leaves nothing behind, and the next one works", async (_, make, code) => {
    const { host, workspace } = await openHost();
    const folder = scratch();
    await expect(host.handlers.createProject({ source: { kind: "path", path: make(folder) } }, signal())).rejects.toMatchObject({ code });
    expect(projectsIn(workspace)).toEqual([]);
    const good = await host.handlers.createProject({ source: { kind: "path", path: table(folder) } }, signal());
    expect(good.rows).toBe(3);
  });

  test("a folder is used where it is, and left there when the project goes", async () => {
    const { host, workspace } = await openHost();
    const folder = join(scratch(), "pets.d");
    mkdirSync(folder);
    for (const name of ["1.png", "2.png"]) writeFileSync(join(folder, name), "picture");
    const project = await host.handlers.createProject({ source: { kind: "path", path: folder } }, signal());
    expect(project).toMatchObject({
      name: "pets.d",
      file: "pets.d",
      rows: 2,
      target: null,
      spec: { task: "images" },
      profile: { kind: "images" },
    });
    expect(readdirSync(join(workspace, "projects", project.id, "data"))).toEqual([]);
    expect(JSON.parse(readFileSync(join(workspace, "projects", project.id, "project.json"), "utf8"))).toMatchObject({
      linked: folder,
      bytes: 20,
    });
    await host.handlers.removeProject({ id: project.id }, signal());
    expect(readdirSync(folder)).toEqual(["1.png", "2.png"]);
    const empty = scratch();
    await expect(host.handlers.createProject({ source: { kind: "path", path: empty } }, signal())).rejects.toMatchObject({
      code: "picturesMissing",
    });
    expect(projectsIn(workspace)).toEqual([]);
  });

  test("cancelling while the worker reads ends it and leaves nothing behind", async () => {
    const { host, workspace, until } = await openHost();
    const controller = new AbortController();
    const file = table(scratch(), "slow.csv", "hang,y\n1,2\n");
    const creating = host.handlers.createProject({ source: { kind: "path", path: file } }, controller.signal);
    await until((event) => event.name === "working" && event.value.what === "reading");
    controller.abort();
    await expect(creating).rejects.toMatchObject({ code: "cancelled" });
    expect(projectsIn(workspace)).toEqual([]);
  });

  test("what a crash left of an import is removed at the next start", async () => {
    const workspace = scratch();
    const folder = join(workspace, "projects", "half-abc123");
    mkdirSync(join(folder, "data"), { recursive: true });
    writeFileSync(
      join(folder, "creating.lock"),
      JSON.stringify({ pid: 2 ** 22 + 1, host: (await import("node:os")).hostname(), began: "1" }),
    );
    await openHost({ workspace });
    expect(projectsIn(workspace)).toEqual([]);
  });

  test("a sample becomes a project", async () => {
    const { host } = await openHost();
    const samples = await host.handlers.samples(undefined, signal());
    expect(samples).toHaveLength(3);
    for (const sample of samples) {
      const project = await host.handlers.createProject({ sample: sample.id }, signal());
      expect(project.rows, sample.id).toBe(sample.rows);
      expect(project.profile.kind === "table" && project.profile.columns.map((column) => column.name)).toContain(sample.target);
    }
    await expect(host.handlers.createProject({ sample: "none" }, signal())).rejects.toMatchObject({ code: "usage" });
  });
});

test("the made-up samples are what their script makes", () => {
  const made = spawnSync(process.execPath, [join(root, "scripts/makeSamples.mjs"), "--check"], { encoding: "utf8" });
  expect([made.status, made.stderr]).toEqual([0, ""]);
});

describe("a project's life", () => {
  test("renamed, removed into the trash, restored", async () => {
    const { host, workspace } = await openHost();
    const { handlers } = host;
    const { id } = await handlers.createProject({ source: { kind: "path", path: table(scratch()) } }, signal());
    expect(await handlers.renameProject({ id, name: "  Häuser / 房子 \u{1F3E0} " }, signal())).toMatchObject({
      id,
      name: "Häuser / 房子 \u{1F3E0}",
    });
    await handlers.removeProject({ id }, signal());
    expect(await handlers.projects(undefined, signal())).toEqual([]);
    await expect(handlers.project({ id }, signal())).rejects.toMatchObject({ code: "projectMissing" });
    expect(readdirSync(join(workspace, "trash"))).toEqual([id]);
    expect(await handlers.restoreProject({ id }, signal())).toMatchObject({ name: "Häuser / 房子 \u{1F3E0}" });
    expect((await handlers.project({ id }, signal())).rows).toBe(3);
    await expect(handlers.restoreProject({ id }, signal())).rejects.toMatchObject({ code: "projectMissing" });
  });

  test("the chosen spec is kept, and a column that is not there is refused", async () => {
    const { host, workspace } = await openHost();
    const { handlers } = host;
    const { id } = await handlers.createProject({ source: { kind: "path", path: table(scratch()) } }, signal());
    await handlers.changeSpec({ id, spec: { target: "x", batch: 8 } }, signal());
    await expect(handlers.changeSpec({ id, spec: { target: "z" } }, signal())).rejects.toMatchObject({
      code: "targetMissing",
      data: { column: "z" },
    });
    await expect(handlers.changeSpec({ id, spec: { ignore: ["z"] } }, signal())).rejects.toMatchObject({ code: "columnMissing" });
    expect((await handlers.project({ id }, signal())).spec).toEqual({ target: "x", batch: 8 });
    const again = await openHost({ workspace });
    expect((await again.host.handlers.project({ id }, signal())).spec).toEqual({ target: "x", batch: 8 });
  });

  test("a record from a newer Paddock is refused with a clear error and left as it is; the others still show", async () => {
    const { host, workspace } = await openHost();
    const { handlers } = host;
    const path = table(scratch());
    const a = await handlers.createProject({ source: { kind: "path", path } }, signal());
    const b = await handlers.createProject({ source: { kind: "path", path } }, signal());
    const record = join(workspace, "projects", a.id, "project.json");
    const newer = JSON.stringify({ ...(JSON.parse(readFileSync(record, "utf8")) as object), version: 2, more: true });
    writeFileSync(record, newer);
    await expect(handlers.project({ id: a.id }, signal())).rejects.toMatchObject({ code: "recordNewer", data: { version: 2, knows: 1 } });
    await expect(handlers.renameProject({ id: a.id, name: "x" }, signal())).rejects.toMatchObject({ code: "recordNewer" });
    expect(readFileSync(record, "utf8")).toBe(newer);
    expect((await handlers.projects(undefined, signal())).map((one) => one.id)).toEqual([b.id]);
  });

  test("concurrent changes of one project do not lose each other", async () => {
    const { host } = await openHost();
    const { handlers } = host;
    const { id } = await handlers.createProject({ source: { kind: "path", path: table(scratch()) } }, signal());
    await Promise.all([
      handlers.renameProject({ id, name: "new" }, signal()),
      handlers.changeSpec({ id, spec: { target: "x" } }, signal()),
      handlers.changeSpec({ id, spec: { target: "x", seed: 4 } }, signal()),
    ]);
    expect(await handlers.project({ id }, signal())).toMatchObject({ name: "new", spec: { target: "x", seed: 4 } });
  });
});

describe("the border", () => {
  test.each([
    ["project", { id: "../../etc" }],
    ["project", { id: "a/b" }],
    ["project", { id: "" }],
    ["project", {}],
    ["project", null],
    ["run", { project: "a", run: ".." }],
    ["removeProject", { id: "." }],
    ["rows", { id: "a", offset: -1, limit: 10 }],
    ["rows", { id: "a", offset: 0, limit: 1e9 }],
    ["createProject", { source: { kind: "path", path: "a\0b" } }],
    ["createProject", { source: { kind: "upload", id: "../x" } }],
    ["startRun", { project: "a", spec: { lr: Number.NaN } }],
    ["startRun", { project: "a", spec: { data: "/etc/passwd" } }],
    ["startRun", { project: "a", spec: { bacth: 3 } }],
    ["changeSettings", { maxSeconds: "many" }],
    ["changeSettings", { version: 2 }],
  ] as const)("%s refuses %j", async (method, input) => {
    const { host } = await openHost();
    const call = host.handlers[method] as (input: unknown, signal: AbortSignal) => Promise<unknown>;
    await expect(call(input, signal())).rejects.toMatchObject({ code: "usage", data: { method } });
  });
});

test("a project that another window adds or removes is told here", async () => {
  const workspace = scratch();
  const here = await openHost({ workspace });
  await here.until((event) => event.name === "status");
  const there = await openHost({ workspace });
  const { id } = await there.host.handlers.createProject({ source: { kind: "path", path: table(scratch()) } }, signal());
  await here.until((event) => event.name === "projectsChanged" && event.value.ids.includes(id));
  here.told.length = 0;
  await there.host.handlers.removeProject({ id }, signal());
  await here.until((event) => event.name === "projectsChanged" && event.value.ids.includes(id));
});
