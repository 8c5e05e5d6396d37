import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { portableFolder, programFolder, workspaceOf } from "./portable.ts";

let stick: string;
beforeEach(() => (stick = mkdtempSync(join(tmpdir(), "paddock-stick-"))));
afterEach(() => {
  chmodSync(stick, 0o700);
  rmSync(stick, { recursive: true, force: true });
});
const home = join(homedir(), "Paddock");

describe("the folder in which a person sees the program", () => {
  test.each([
    ["linux", "/media/stick/Paddock/paddock", {}, "/media/stick/Paddock"],
    ["darwin", "/Volumes/STICK/Paddock Portable.app/Contents/MacOS/Paddock", {}, "/Volumes/STICK"],
    ["darwin", "/Paddock.app/Contents/MacOS/Paddock", {}, "/"],
    ["darwin", "/usr/local/bin/node", {}, "/usr/local/bin"],
    ["linux", "/tmp/.mount_PadXy/paddock", { APPIMAGE: "/media/stick/Paddock.AppImage", APPDIR: "/tmp/.mount_PadXy" }, "/media/stick"],
    ["linux", "/tmp/.mount_PadXy/paddock", { APPIMAGE: "/media/stick/Paddock.AppImage", APPDIR: "/tmp/.mount_PadXy/" }, "/media/stick"],
    // Started by a program that is an AppImage itself: what it left in the environment is not ours.
    ["linux", "/opt/Paddock/paddock", { APPIMAGE: "/home/a/Editor.AppImage", APPDIR: "/tmp/.mount_Edi" }, "/opt/Paddock"],
    ["linux", "/tmp/.mount_PadXyz/paddock", { APPIMAGE: "/home/a/Editor.AppImage", APPDIR: "/tmp/.mount_PadXy" }, "/tmp/.mount_PadXyz"],
    ["linux", "/opt/Paddock/paddock", { APPIMAGE: "/home/a/Editor.AppImage" }, "/opt/Paddock"],
  ] as const)("%s %s %j: %s", (platform, execPath, env, folder) => {
    expect(programFolder({ platform, execPath, env })).toBe(folder);
  });
});

describe("which workspace is taken", () => {
  const at = (execPath: string, env: NodeJS.ProcessEnv = {}, platform: NodeJS.Platform = "linux") =>
    workspaceOf({ platform, execPath, env });

  test("the machine's own where no folder lies beside the program, or a file of that name", () => {
    expect(at(join(stick, "paddock"))).toBe(home);
    expect(at(join(stick, "not there/paddock"))).toBe(home);
  });

  test("the one beside the program, in which the look leaves nothing", () => {
    mkdirSync(join(stick, portableFolder));
    expect(at(join(stick, "paddock"))).toBe(join(stick, portableFolder));
    if (process.platform !== "win32")
      expect(at(join(stick, "Paddock Portable.app/Contents/MacOS/Paddock"), {}, "darwin")).toBe(join(stick, portableFolder));
    expect(at("/tmp/.mount_x/paddock", { APPIMAGE: join(stick, "Paddock.AppImage"), APPDIR: "/tmp/.mount_x" })).toBe(
      join(stick, portableFolder),
    );
    expect(readdirSync(join(stick, portableFolder))).toEqual([]);
  });

  test("PADDOCK_HOME before both", () => {
    mkdirSync(join(stick, portableFolder));
    expect(at(join(stick, "paddock"), { PADDOCK_HOME: join(stick, "other") })).toBe(join(stick, "other"));
  });

  test.skipIf(process.platform === "win32")("a locked one is an error, and never the machine's own", () => {
    // To root no folder of its own is closed; in /proc nobody makes any.
    if (process.platform === "linux") symlinkSync("/proc/self/task", join(stick, portableFolder));
    else mkdirSync(join(stick, portableFolder), { mode: 0o500 });
    expect(() => at(join(stick, "paddock"))).toThrow(expect.objectContaining({ code: "folderNotWritable" }));
  });

  test("a downloaded portable app that macOS runs from a hidden copy says so; the usual one does not mind", () => {
    const hidden = (name: string) => `/private/var/folders/x/T/AppTranslocation/1B/d/${name}.app/Contents/MacOS/Paddock`;
    expect(() => at(hidden("Paddock Portable"), {}, "darwin")).toThrow(expect.objectContaining({ code: "folderNotWritable" }));
    expect(at(hidden("Paddock"), {}, "darwin")).toBe(home);
  });
});
