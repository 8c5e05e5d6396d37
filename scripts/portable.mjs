// After electron-builder's own installers: the USB-stick edition of each, a zip with the program and, beside it, the folder that makes it
// keep its work there (main/portable.ts). Made here, as the zips of electron-builder hold the program alone.
import { createWriteStream, lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import yazl from "yazl";
import { root } from "./install.mjs";

const folder = "paddock-workspace";
const note = `This folder makes Paddock portable: all that you do in it is kept here, and nothing on the computer that it runs on.
Take it along with the program. Without this folder beside it the program uses the folder Paddock of your own home instead.
A newer Paddock is unpacked over the old one; what is in here stays.

macOS: move "Paddock Portable.app" once with the Finder after unpacking, this folder beside it; otherwise macOS runs it from a hidden copy.
Linux: where the system allows no user namespaces, Chromium's sandbox does not start from a folder of yours; use the deb there.

这个文件夹让 Paddock 成为便携版：你的一切都保存在这里，不会留在所用的电脑上。请让它与程序放在一起。
没有这个文件夹时，程序会改用你主目录下的 Paddock 文件夹。更新时把新版解压覆盖旧版即可，这里的内容会保留。
macOS：解压后请用“访达”移动一次 “Paddock Portable.app”，并把本文件夹放在它旁边；否则系统会从隐藏的副本运行它。
`;

/** The programs that were laid out in electron-builder's output folder: of Linux and Windows a folder, of macOS a bundle. */
export function programs(outDir) {
  return readdirSync(outDir).flatMap((name) => {
    const [, system, arch = "x64"] = /^(linux|win|mac)(?:-(?!unpacked)(\w+))?(?:-unpacked)?$/.exec(name) ?? [];
    if (!system || !lstatSync(join(outDir, name)).isDirectory()) return [];
    const path = system === "mac" ? join(outDir, name, "Paddock.app") : join(outDir, name);
    return [{ system, arch, path }];
  });
}

/** Writes the zip of a program; symbolic links (macOS has them in its frameworks) and permissions stay what they are. */
export async function writePortable({ system, path }, out) {
  const zip = new yazl.ZipFile();
  const add = (from, to) => {
    for (const entry of readdirSync(from, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const at = join(from, entry.name);
      const name = `${to}/${entry.name}`;
      if (entry.isDirectory()) add(at, name);
      else if (entry.isSymbolicLink()) zip.addBuffer(Buffer.from(readlinkSync(at)), name, { mode: 0o120777, compress: false });
      else zip.addFile(at, name);
    }
  };
  add(path, system === "mac" ? "Paddock/Paddock Portable.app" : "Paddock");
  zip.addBuffer(Buffer.from(system === "win" ? note.replaceAll("\n", "\r\n") : note), `Paddock/${folder}/README.txt`, { mode: 0o100644 });
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(out));
}

/** electron-builder's hook: answers what it made, for the checksums. A layout alone (`--dir`) gets none. */
export default async function afterAllArtifactBuild({ outDir, platformToTargets }) {
  const made = [];
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const [platform, targets] of platformToTargets) {
    if ([...targets.keys()].every((target) => target === "dir")) continue;
    const system = { linux: "linux", windows: "win", mac: "mac" }[platform.name];
    for (const program of programs(outDir).filter((one) => one.system === system)) {
      const out = join(outDir, `Paddock-${version}-${system}-${program.arch}-portable.zip`);
      console.log(`  • building        target=portable zip file=${basename(out)}`);
      await writePortable(program, out);
      made.push(out);
    }
  }
  return made;
}
