// The package as electron-builder makes it, around a stand-in for Electron's program: what is in the archive, what lies beside it, and
// that the packed worker works.
import { spawnSync } from "node:child_process";
import { on } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { extractAll, listPackage } from "@electron/asar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import yauzl from "yauzl";
import { portableFolder } from "../../main/portable.ts";
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
const { getLlama } = await import("node-llama-cpp");
const llama = await getLlama({ build: "never", gpu: false, skipDownload: true, progressLogs: false });
await llama.getGrammarFor("json");
await llama.dispose();
await import("yauzl");
await import("tar");
const { InferenceSession } = await import("onnxruntime-node");
if (typeof InferenceSession.create !== "function") throw new Error("no ONNX Runtime");
process.report.excludeNetwork = true;
console.log(JSON.stringify(process.report.getReport().sharedObjects));
`;

interface Laid {
  system: "linux" | "win" | "mac";
  path: string;
}
const load = async <T>(name: string) => (await import(pathToFileURL(join(root, "scripts", name)).href)) as T;
const { thin } = await load<{ thin(bytes: Buffer, arch: string): Buffer | undefined }>("slim.mjs");
const { programs, writePortable } = await load<{
  programs(outDir: string): (Laid & { arch: string })[];
  writePortable(program: Laid, out: string): Promise<void>;
}>("portable.mjs");
const { budgets, installedSize } = await load<{
  budgets: Record<Laid["system"], number>;
  installedSize(program: Laid): { all: number; ours: number };
}>("size.mjs");

test("every package that travels is asked for by what is built, and not by tests alone", () => {
  const built = ["main", "worker"].flatMap((part) =>
    readdirSync(join(root, "dist", part))
      .filter((name) => /\.c?js$/.test(name))
      .map((name) => readFileSync(join(root, "dist", part, name), "utf8")),
  );
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { dependencies: Record<string, string> };
  const unasked = Object.keys(dependencies).filter((name) => !built.some((text) => new RegExp(`["']${name}(/[^"']*)?["']`).test(text)));
  expect(unasked).toEqual([]);
});

test("of a library for several processors the part for one is kept", () => {
  const part = (letter: string) => Buffer.alloc(64, letter);
  const head = Buffer.alloc(48);
  // Count, then of each: cputype, cpusubtype, offset, size, alignment (mach-o/fat.h).
  [0xcafebabe, 2, 0x01000007, 3, 48, 64, 4, 0x0100000c, 0, 112, 64, 4].forEach((word, i) => head.writeUInt32BE(word, 4 * i));
  const library = Buffer.concat([head, part("x"), part("a")]);
  expect(thin(library, "arm64")).toEqual(part("a"));
  expect(thin(library, "x64")).toEqual(part("x"));
  expect(thin(part("z"), "x64")).toBeUndefined();
  expect(() => thin(library, "ia32")).toThrow("no part for ia32");
});

test("the zip for a stick holds the program as it is, and the folder that makes it portable", async () => {
  const release = mkdtempSync(join(tmpdir(), "paddock-release-"));
  try {
    const framework = join(release, "mac-arm64/Paddock.app/Contents/Frameworks/A.framework");
    mkdirSync(join(framework, "Versions/A"), { recursive: true });
    writeFileSync(join(framework, "Versions/A/A"), "code", { mode: 0o755 });
    symlinkSync("Versions/A/A", join(framework, "A"));
    mkdirSync(join(release, "win-unpacked/resources"), { recursive: true });
    mkdirSync(join(release, "linux-arm64-unpacked"));
    writeFileSync(join(release, "win-unpacked/Paddock.exe"), "MZ");
    writeFileSync(join(release, "win-unpacked/resources/app.asar"), "asar");
    writeFileSync(join(release, "builder-debug.yml"), "");
    const found = programs(release);
    expect(found.map(({ system, arch }) => `${system} ${arch}`).sort()).toEqual(["linux arm64", "mac arm64", "win x64"]);

    const entries = async (system: Laid["system"]) => {
      const out = join(release, `${system}.zip`);
      await writePortable(
        found.find((one) => one.system === system)!,
        out,
      );
      return Object.fromEntries((await readZip(out)).map(({ name, mode, text }) => [name, [mode.toString(8), text]]));
    };
    const mac = await entries("mac");
    const inside = "Paddock/Paddock Portable.app/Contents/Frameworks/A.framework";
    expect(mac[`${inside}/A`]).toEqual(["120777", "Versions/A/A"]);
    expect(mac[`${inside}/Versions/A/A`]![1]).toBe("code");
    if (process.platform !== "win32") expect(mac[`${inside}/Versions/A/A`]![0]).toBe("100755");
    expect(Object.keys(mac)).toHaveLength(3);
    const win = await entries("win");
    expect(Object.keys(win).sort()).toEqual(["Paddock/Paddock.exe", `Paddock/${portableFolder}/README.txt`, "Paddock/resources/app.asar"]);
    expect(win[`Paddock/${portableFolder}/README.txt`]![1]).toContain("portable: all that you do in it is kept here");
  } finally {
    rmSync(release, { recursive: true, force: true });
  }
});

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

/** Names, Unix modes and contents of a zip. */
async function readZip(path: string): Promise<{ name: string; mode: number; text: string }[]> {
  const zip = await new Promise<yauzl.ZipFile>((resolve, reject) =>
    yauzl.open(path, { lazyEntries: true }, (error, file) => (error ? reject(error) : resolve(file))),
  );
  const read: { name: string; mode: number; text: string }[] = [];
  zip.readEntry();
  for await (const [entry] of on(zip, "entry", { close: ["end"] }) as AsyncIterable<[yauzl.Entry]>) {
    const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
      zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened))),
    );
    read.push({ name: entry.fileName, mode: entry.externalFileAttributes >>> 16, text: await text(stream) });
    zip.readEntry();
  }
  return read;
}

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

  test("is within its budget, and speaks its two languages only", () => {
    const { all, ours } = installedSize({ system: "linux", path: app });
    // Without binutils, natives keep 17 MB of symbols, which is told when they are packed.
    const symbols = spawnSync("strip", ["--version"]).status === 0 ? 0 : 17e6;
    expect(ours).toBeLessThan(budgets.linux + symbols);
    expect(ours).toBeGreaterThan(150e6);
    // The stand-in for Electron weighs nothing.
    expect(all - ours).toBeLessThan(1e6);
    // A layout alone makes no zip.
    expect(readdirSync(join(folder, "release")).filter((name) => name.endsWith(".zip"))).toEqual([]);
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

  describe("unpacked", () => {
    const unpacked = join(folder, "app");
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(unpacked, "dist/main/cli.js"), ...args, "--json"], {
        cwd: folder,
        encoding: "utf8",
        env: { PATH: process.env["PATH"], PADDOCK_HOME: join(folder, "workspace") },
      });
    beforeAll(() => extractAll(archive, unpacked));

    test("its worker loads its natives, all of them from the package", () => {
      const packed = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8")) as Record<string, unknown>;
      expect(packed["scripts"]).toBeUndefined();
      expect(packed["devDependencies"]).toBeUndefined();
      // A file, as node-llama-cpp tries its library in a process that inherits what Node was started with.
      writeFileSync(join(unpacked, "probe.mjs"), loads);
      const probe = spawnSync(process.execPath, ["probe.mjs"], { cwd: unpacked, encoding: "utf8" });
      expect(probe.stderr).toBe("");
      const loaded = (JSON.parse(probe.stdout) as string[]).filter((path) => path.includes("node_modules"));
      expect(loaded.filter((path) => !path.startsWith(realpathSync(unpacked)))).toEqual([]);
      for (const name of ["libduckdb", "libvips", "libonnxruntime", "libllama", "libggml-cpu"])
        expect(loaded.join("\n"), name).toContain(name);
    });

    test("its worker trains a network and answers with it", { timeout: 120_000 }, () => {
      const line = run("lesson", "line");
      expect(line.stderr).toBe("");
      expect(JSON.parse(line.stdout)).toMatchObject({ a: 4, b: 2 });
      const data = join(unpacked, "assets/samples/penguins.csv");
      const trained = run("train", data, "--target", "species", "--epochs", "8", "--seed", "1", "--out", join(folder, "run"));
      expect(trained.status, trained.stderr).toBe(0);
      const { metrics } = JSON.parse(trained.stdout) as { metrics: { test: { accuracy: number } } };
      expect(metrics.test.accuracy).toBeGreaterThan(0.8);
      const answered = run("predict", join(folder, "run"), data, "--out", join(folder, "answers.csv"));
      expect(answered.status, answered.stderr).toBe(0);
      expect(readFileSync(join(folder, "answers.csv"), "utf8").trim().split("\n")).toHaveLength(
        readFileSync(data, "utf8").trim().split("\n").length,
      );
    });
  });
});
