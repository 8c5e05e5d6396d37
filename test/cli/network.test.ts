// The main job, watched from outside: by the system's own trace of calls, and with no network there at all. Skipped where the system has
// not the tools (Debian: strace, util-linux) or does not let them work.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "../shared.ts";
import { table } from "./setUp.ts";

const cli = join(root, "dist/main/cli.js");

const folder = mkdtempSync(join(tmpdir(), "paddock-network-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const works = (program: string, ...args: string[]): boolean => spawnSync(program, [...args, "true"], { timeout: 20_000 }).status === 0;

/** Trains, and predicts with what came of it, below another program. */
function mainJob(program: string, args: (step: string) => string[], name: string): void {
  const run = join(folder, name);
  for (const [step, command] of [
    ["train", ["train", table(), "--out", run, "--steps", "20", "--json"]],
    ["predict", ["predict", run, table(), "--json"]],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(program, [...args(step), process.execPath, cli, ...command], {
      encoding: "utf8",
      env: { ...process.env, PADDOCK_HOME: join(folder, "home") },
      timeout: 100_000,
    });
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).not.toHaveProperty("error");
  }
}

test("no library keeps an identifier, a queue of reports or a log of its own in the user's folders", { timeout: 240_000 }, () => {
  const [home, temporary] = ["home of a person", "temporary"].map((name) => join(folder, name)) as [string, string];
  for (const path of [home, temporary]) mkdirSync(path);
  // What marks a machine that tests would keep a library from reporting, which is not what a person's machine is like.
  const marks = /^(CI|GITHUB_ACTIONS|TF_BUILD|JENKINS_URL|BUILD_ID|BUILDKITE|ORT_.*|XDG_.*)$/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !marks.test(name)));
  const places = { HOME: home, USERPROFILE: home, LOCALAPPDATA: home, APPDATA: home, TMPDIR: temporary, TMP: temporary, TEMP: temporary };
  const run = join(folder, "reported");
  for (const command of [
    ["train", table(), "--out", run, "--steps", "20", "--json"],
    ["predict", run, table(), "--json"],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [cli, ...command], {
      encoding: "utf8",
      env: { ...env, ...places, PADDOCK_HOME: join(folder, "home") },
      timeout: 100_000,
    });
    expect(status, stderr).toBe(0);
  }
  for (const path of [home, temporary]) expect(readdirSync(path, { recursive: true })).toEqual([]);
});

describe("with the network watched", () => {
  const trace = ["-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg,bind"];
  test.skipIf(!works("strace", ...trace, "-o", "/dev/null"))("no process of the main job so much as tries", { timeout: 240_000 }, () => {
    mainJob("strace", (step) => [...trace, "-o", join(folder, step)], "traced");
    for (const step of ["train", "predict"])
      expect(readFileSync(join(folder, step), "utf8").match(/^.*(AF_INET|AF_PACKET).*$/gm) ?? []).toEqual([]);
    // The trace sees what there is to see.
    const seen = join(folder, "seen");
    const knock = "require('node:net').connect(9, '127.0.0.1').on('error', () => {})";
    spawnSync("strace", [...trace, "-o", seen, process.execPath, "-e", knock]);
    expect(readFileSync(seen, "utf8")).toContain("AF_INET");
  });

  test.skipIf(!works("unshare", "-rn"))("in a namespace without any network, all of it works", { timeout: 240_000 }, () => {
    mainJob("unshare", () => ["-rn"], "alone");
  });
});
