// The package as electron-builder makes it, around a stand-in for Electron's program: what is in the archive, what lies beside it, and
// that the packed worker works.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { extractAll, listPackage } from "@electron/asar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../shared.ts";
import { readFuses, writeStub } from "./stub.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-package-"));
const app = join(folder, "release/linux-unpacked");
const archive = join(app, "resources/app.asar");
let inside: string[];
let beside: string[];

function filesUnder(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

// Every package with a native library or a file of its own beside its code, asked for one small thing.
const loads = `
const { DuckDBInstance } = await import("@duckdb/node-api");
await DuckDBInstance.create();
const { default: sharp } = await import("sharp");
await sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } }).avif().toBuffer();
const { default: sqlite } = await import("node-sqlite3-wasm");
new sqlite.Database().close();
const { tableFromArrays, tableToIPC } = await import("apache-arrow");
tableToIPC(tableFromArrays({ a: Int32Array.of(1) }));
const { read } = await import("@e965/xlsx");
read("a,b", { type: "string" });
const { getLlama } = await import("node-llama-cpp");
const llama = await getLlama({ build: "never", gpu: false, skipDownload: true, progressLogs: false });
await llama.getGrammarFor("json");
await llama.dispose();
await import("yauzl");
await import("tar");
console.log("ok");
`;

test("each system leaves out the natives of the others, and takes in no more than it names", () => {
  const text = readFileSync(join(root, "electron-builder.yml"), "utf8");
  const names = { linux: "linux", win: "win32", mac: "darwin" };
  for (const [system, native] of Object.entries(names)) {
    const section = new RegExp(`^${system}:\\n((?: .*\\n)+)`, "m").exec(text)![1]!;
    const files = [...section.slice(section.indexOf("files:")).matchAll(/^ {4}- "?(.*?)"?$/gm)].map((match) => match[1]!);
    // With refusals alone electron-builder would begin from everything.
    expect(files[0], system).toBe("package.json");
    const others = Object.values(names).filter((name) => name !== native);
    for (const other of others)
      expect(
        files.filter((file) => file.startsWith("!") && file.includes(other)).length,
        `${system} without ${other}`,
      ).toBeGreaterThanOrEqual(3);
    expect(files.join("\n")).toContain(`/${native}/!(\${arch})`);
  }
});

// The natives of this system are the ones that are here: elsewhere, its own package would be made and looked at.
const can = process.platform === "linux" && existsSync(join(root, "dist/renderer/index.html"));

describe.skipIf(!can)("the Linux package", () => {
  beforeAll(() => {
    writeStub(join(folder, "electron"));
    const builder = join(root, "node_modules/electron-builder/cli.js");
    const settings = [`-c.electronDist=${join(folder, "electron")}`, `-c.directories.output=${join(folder, "release")}`];
    const done = spawnSync(process.execPath, [builder, "--linux", "dir", `--${process.arch}`, "--publish", "never", ...settings], {
      cwd: root,
      encoding: "utf8",
    });
    if (done.status !== 0) throw new Error(`electron-builder failed:\n${done.stdout}${done.stderr}`);
    inside = listPackage(archive, { isPack: false }).map((path) => path.replaceAll("\\", "/").replace(/^\//, ""));
    beside = filesUnder(`${archive}.unpacked`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("holds the built app and its samples", () => {
    const wanted = [
      "package.json",
      "dist/main/main.js",
      "dist/main/preload.cjs",
      "dist/worker/main.js",
      "dist/renderer/index.html",
      "assets/samples/index.json",
    ];
    for (const path of wanted) expect(inside, path).toContain(path);
  });

  test("holds nothing of how it is made", () => {
    const strange = inside.filter(
      (path) =>
        /(^|\/)(test|scripts|bench|release|shared)\//.test(path.replace(/^node_modules\/.*/, "")) ||
        /\.(ts|map|svelte|tsbuildinfo)$/.test(path) ||
        /^node_modules\/(vite|vitest|electron|electron-builder|typescript|eslint|playwright-core|svelte|@types)(\/|$)/.test(path) ||
        /(^|\/)\.(git|ci|env|npmrc)/.test(path),
    );
    expect(strange).toEqual([]);
  });

  test("has the natives of this system alone, outside the archive", () => {
    const natives = beside.filter((path) => /\.(node|so|dll|dylib)(\.[\d.]+)?$/.test(path));
    const here = `${process.platform}-${process.arch}`;
    const llama = natives.filter((path) => path.startsWith("node_modules/@node-llama-cpp/"));
    const builds = [here, `${here}-vulkan`].map((build) => `node_modules/@node-llama-cpp/${build}/bins/${build}/`);
    expect(llama.filter((path) => !builds.some((build) => path.startsWith(build)))).toEqual([]);
    for (const build of builds) expect(llama).toContain(`${build}llama-addon.node`);
    expect(natives.filter((path) => !llama.includes(path)).sort()).toEqual([
      `node_modules/@duckdb/node-bindings-${here}/duckdb.node`,
      `node_modules/@duckdb/node-bindings-${here}/libduckdb.so`,
      expect.stringMatching(`^node_modules/@img/sharp-libvips-${here}/lib/libvips-cpp\\.so\\.[\\d.]+$`),
      expect.stringMatching(`^node_modules/@img/sharp-${here}/lib/sharp-${here}-[\\d.]+\\.node$`),
      `node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/libonnxruntime.so.1`,
      `node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/onnxruntime_binding.node`,
    ]);
    const foreign = inside.filter((path) => /\.(dll|dylib|exe)$/.test(path));
    expect(foreign).toEqual([]);
  });

  test("is small, and speaks its two languages only", () => {
    const bytes = filesUnder(app).reduce((sum, path) => sum + statSync(join(app, path)).size, 0);
    // Of which llama.cpp with Vulkan, for graphics cards of every maker, is 110 MB.
    expect(bytes).toBeLessThan(280 * 2 ** 20);
    expect(readdirSync(join(app, "locales")).sort()).toEqual(["en-US.pak", "zh-CN.pak"]);
  });

  test("cannot be turned into a plain Node, and runs from its archive only", () => {
    expect(readFuses(join(app, "paddock"))).toEqual({
      runAsNode: false,
      enableCookieEncryption: false,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
      loadBrowserProcessSpecificV8Snapshot: false,
      grantFileProtocolExtraPrivileges: false,
    });
    const { scripts, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, unknown>;
    expect(scripts && devDependencies).toBeTruthy();
  });

  test("its worker loads its natives and fits the line", () => {
    const unpacked = join(folder, "app");
    extractAll(archive, unpacked);
    const packed = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8")) as Record<string, unknown>;
    expect(packed["scripts"]).toBeUndefined();
    expect(packed["devDependencies"]).toBeUndefined();
    const run = spawnSync(process.execPath, [join(unpacked, "dist/main/cli.js"), "lesson", "line", "--json"], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], PADDOCK_HOME: join(folder, "workspace") },
    });
    expect(run.stderr).toBe("");
    expect(JSON.parse(run.stdout)).toMatchObject({ a: 4, b: 2 });
    // A file, as node-llama-cpp tries its library in a process that inherits what Node was started with.
    writeFileSync(join(unpacked, "probe.mjs"), loads);
    const probe = spawnSync(process.execPath, ["probe.mjs"], { cwd: unpacked, encoding: "utf8" });
    expect(probe.stderr).toBe("");
    expect(probe.stdout.trim()).toBe("ok");
  });
});
