// paddock update check FILE: whether a file is a signed, newer Paddock for this machine; only then its installer is unpacked. It installs nothing.
import { Command } from "commander";
import { join, resolve } from "node:path";
import type { UpdateInfo } from "../../ipc/host.ts";
import { version } from "../version.ts";
import { action } from "./action.ts";
import { bytes } from "./output.ts";

const how: Record<UpdateInfo["install"], (path: string) => string> = {
  appimage: (path) => `Put it in the place of the old one and start it: ${path}`,
  deb: (path) => `Install it: sudo apt install '${path}'`,
  dmg: (path) => `Open it and drag Paddock into Applications: ${path}`,
  exe: (path) => `Close Paddock and open it: ${path}`,
  zip: (path) => `Close Paddock and unpack it over the old folder; the workspace beside the program stays: ${path}`,
};

export function updateCommand(): Command {
  const check = new Command("check")
    .description("check an update file's signature, version and system, and unpack its installer")
    .argument("<file>", "the update file (.update.zip)")
    .option("--out <dir>", "where to put the installer; the workspace's folder 'updates' when absent")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, file: string, { out }: { out?: string }) => {
        const { checkUpdate } = await import("../update/check.ts");
        const { updateKey } = await import("../update/key.ts");
        const folder = out === undefined ? join(context.paths.root, "updates") : resolve(out);
        const mine = { key: updateKey, version, platform: process.platform, arch: process.arch };
        const { update, path } = await checkUpdate(resolve(file), { ...mine, folder, signal: context.signal });
        return {
          json: { ...update, path },
          text: `Signed by who made this Paddock: version ${update.version}, ${bytes(update.bytes)}.\n${how[update.install](path)}`,
        };
      }),
    );
  return new Command("update").description("check an update file; Paddock never looks for updates by itself").addCommand(check);
}
