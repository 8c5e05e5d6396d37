// The workflows that test and release, held against what there is: every script they name exists, no secret is needed, rights are the least.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { root } from "../shared.ts";

// It comes without types.
const { load } = createRequire(import.meta.url)("js-yaml") as { load(text: string): unknown };

interface Step {
  name?: string;
  uses?: string;
  run?: string;
  if?: string;
  env?: Record<string, string>;
  with?: Record<string, unknown>;
}
interface Job {
  "runs-on": string;
  "timeout-minutes"?: number;
  needs?: string;
  permissions?: Record<string, string>;
  strategy?: { matrix: { include: Record<string, string>[] } };
  steps: Step[];
}
interface Workflow {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  jobs: Record<string, Job>;
}

const folder = join(root, ".github/workflows");
const read = (name: string) => load(readFileSync(join(folder, name), "utf8")) as Workflow;
const workflows = readdirSync(folder).map((name) => [name, read(name)] as const);
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
  engines: { node: string };
};
const script = async <T>(name: string) => (await import(pathToFileURL(join(root, "scripts", name)).href)) as T;
const { nodeTooOld } = await script<{ nodeTooOld(version: string, range: string): string | undefined }>("install.mjs");
const { signing } = await script<{
  signing(platform: string, env: Record<string, string>): { env: Record<string, string>; said: string[] };
}>("signing.mjs");
const { checksums, installers } = await script<{ checksums(folder: string): Promise<string>; installers(folder: string): string[] }>(
  "checksums.mjs",
);

describe.each(workflows)("%s", (_name, { jobs, permissions }) => {
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const lines = steps.flatMap((step) => (step.run ?? "").split("\n"));

  test("names only what there is", () => {
    const named = lines.flatMap((line) => [...line.matchAll(/\bnode ((?:scripts|node_modules)\/\S+?\.m?js)\b/g)].map((match) => match[1]!));
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const tests = lines.flatMap((line) => [...line.matchAll(/\S+\.test\.ts/g)].map((match) => match[0]));
    expect(tests.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const scripts = lines.flatMap((line) => [...line.matchAll(/\bnpm (?:run )?(test|start|\w+)/g)].map((match) => match[1]!));
    expect(scripts.filter((name) => name !== "ci" && !(name in manifest.scripts))).toEqual([]);
    expect(scripts).toContain("test");
  });

  test("reads, and writes only where a draft is made", () => {
    expect(permissions).toEqual({ contents: "read" });
    for (const [name, job] of Object.entries(jobs))
      expect(job.permissions, name).toEqual(name === "draft" ? { contents: "write" } : undefined);
    for (const step of steps.filter(({ uses }) => uses?.startsWith("actions/checkout")))
      expect(step.with?.["persist-credentials"]).toBe(false);
  });

  test("takes actions of the platform itself alone, each by its major version", () => {
    const used = steps.flatMap(({ uses }) => uses ?? []);
    expect(used.filter((one) => !/^actions\/(checkout|setup-node|upload-artifact|download-artifact)@v\d+$/.test(one))).toEqual([]);
  });

  test("runs on the three systems, with a Node that will do, and not for ever", () => {
    const all = Object.values(jobs).flatMap((job) => job.strategy?.matrix.include.map(({ os }) => os!) ?? [job["runs-on"]]);
    for (const system of ["ubuntu", "windows", "macos"])
      expect(
        all.some((one) => one.startsWith(system)),
        system,
      ).toBe(true);
    const versions = Object.values(jobs).flatMap(({ steps: all, strategy }) =>
      all
        .filter(({ uses }) => uses?.startsWith("actions/setup-node"))
        .flatMap((step) => {
          const version = step.with!["node-version"] as string;
          return version.startsWith("${{") ? strategy!.matrix.include.map(({ node }) => node!) : [version];
        }),
    );
    expect(versions.length).toBeGreaterThan(0);
    for (const version of versions)
      expect(nodeTooOld(version.includes(".") ? version : `${version}.0.0`, manifest.engines.node)).toBeUndefined();
    for (const job of Object.values(jobs)) if (job.strategy) expect(job["timeout-minutes"]).toBeGreaterThan(0);
  });

  test("uses no secret outside the steps that sign, and none of them where it would be needed", () => {
    for (const step of steps) {
      const secrets = Object.values(step.env ?? {}).filter((value) => value.includes("secrets."));
      if (secrets.length > 0) expect(step.name).toMatch(/sign/i);
      expect(step.run ?? "").not.toContain("secrets.");
      expect(step.if ?? "").not.toContain("secrets.");
    }
  });
});

test("the oldest Node that is promised is tested on", () => {
  const oldest = manifest.engines.node.replace(">=", "");
  const versions = read("ci.yml").jobs["test"]!.strategy!.matrix.include.map(({ node }) => node!);
  expect(versions.some((version) => version.startsWith(`${oldest}.`))).toBe(true);
});

test("a release is tested before it is packed, started as packed, and made a draft only by a tag and after all", () => {
  const { on, jobs } = read("release.yml");
  expect(on).toHaveProperty("push.tags");
  const at = (text: string) => jobs["build"]!.steps.findIndex((step) => step.run?.includes(text) || step.uses?.includes(text));
  const order = ["npm test", "npm run dist", "packed.test.ts", 'checksums.mjs "SHA', "upload-artifact"].map(at);
  expect(order.every((place) => place >= 0)).toBe(true);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(jobs["draft"]).toMatchObject({ needs: "build", if: expect.stringContaining("refs/tags/v") as string });
  expect(jobs["draft"]!.steps.at(-1)!.run).toContain("--draft");
});

test("every kind of installer that is made is handed out", () => {
  const settings = load(readFileSync(join(root, "electron-builder.yml"), "utf8")) as Record<
    "linux" | "win" | "mac",
    { target: unknown }
  > & { afterAllArtifactBuild: string };
  expect(settings.linux.target).toEqual(["AppImage", "deb"]);
  expect(settings.win.target).toBe("nsis");
  expect(settings.mac.target).toMatchObject([{ target: "dmg", arch: ["arm64"] }]);
  expect(settings.afterAllArtifactBuild).toBe("scripts/portable.mjs");
  const paths = read("release.yml").jobs["build"]!.steps.find(({ uses }) => uses?.startsWith("actions/upload"))!.with!["path"] as string;
  for (const ending of ["AppImage", "deb", "exe", "dmg", "zip", "json"]) expect(paths).toContain(`release/*.${ending}`);
});

describe("signing", () => {
  test("without a key nothing is signed, which is said; an empty key is none", () => {
    const mac = signing("darwin", { CSC_LINK: "", APPLE_ID: "a@b.c", PATH: "/bin" });
    expect(mac.env).toEqual({ PATH: "/bin", CSC_IDENTITY_AUTO_DISCOVERY: "false" });
    expect(mac.said.join(" ")).toMatch(/macOS is not signed: there is no CSC_LINK\. It is not notarised/);
    expect(signing("win32", { WIN_CSC_LINK: "" })).toEqual({
      env: {},
      said: ["The installer for Windows is not signed: there is no WIN_CSC_LINK."],
    });
    expect(signing("linux", {}).said[0]).toContain("checksums");
  });

  test("with a key it is; notarising takes all three of Apple's", () => {
    const keys = { CSC_LINK: "a", CSC_KEY_PASSWORD: "b" };
    expect(signing("darwin", { ...keys, APPLE_ID: "c" })).toMatchObject({
      env: keys,
      said: ["The app for macOS is signed.", "It is not notarised: there is no APPLE_APP_SPECIFIC_PASSWORD and no APPLE_TEAM_ID."],
    });
    const all = { ...keys, APPLE_ID: "c", APPLE_APP_SPECIFIC_PASSWORD: "d", APPLE_TEAM_ID: "e" };
    expect(signing("darwin", all)).toEqual({ env: all, said: ["The app for macOS is signed.", "It is notarised by Apple."] });
    expect(signing("win32", { WIN_CSC_LINK: "a" }).said).toEqual(["The installer for Windows is signed."]);
  });
});

test("checksums are those of the installers, in the form that sha256sum reads", async () => {
  const release = mkdtempSync(join(tmpdir(), "paddock-sums-"));
  try {
    for (const name of ["b.deb", "a.AppImage", "Paddock.dmg", "builder-debug.yml", "Paddock.dmg.blockmap"])
      writeFileSync(join(release, name), name);
    expect(installers(release).sort()).toEqual(["Paddock.dmg", "a.AppImage", "b.deb"]);
    const hash = createHash("sha256").update("a.AppImage").digest("hex");
    expect((await checksums(release)).split("\n")).toEqual([
      expect.stringMatching(/^[0-9a-f]{64} {2}Paddock\.dmg$/),
      `${hash}  a.AppImage`,
      expect.stringMatching(/^[0-9a-f]{64} {2}b\.deb$/),
      "",
    ]);
  } finally {
    rmSync(release, { recursive: true, force: true });
  }
});
