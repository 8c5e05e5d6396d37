// Prints the program that `npm run dist` has laid out for this system: node scripts/packed.mjs
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fail, root } from "./install.mjs";
import { programs } from "./portable.mjs";

const executables = { linux: "paddock", win: "Paddock.exe", mac: "Contents/MacOS/Paddock" };
const system = { linux: "linux", win32: "win", darwin: "mac" }[process.platform];
const release = join(root, "release");
const found = existsSync(release)
  ? programs(release)
      .filter((program) => program.system === system && program.arch === process.arch)
      .map((program) => join(program.path, executables[program.system]))
      .find((path) => existsSync(path))
  : undefined;
if (!found) fail("Nothing is packed for this system: run npm run dist first.");
console.log(found);
