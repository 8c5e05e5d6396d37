// A Chromium for the tests: the one that is here, else Debian's package where that can be installed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { findChromium } from "../dist/main/web.js";

const packages = ["chromium", "fonts-noto-cjk"];

function isDebian() {
  return (
    existsSync("/etc/debian_version") ||
    (existsSync("/etc/os-release") && /^ID(_LIKE)?=.*debian/m.test(readFileSync("/etc/os-release", "utf8")))
  );
}

function apt(...args) {
  return (
    spawnSync("apt-get", args, { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } })
      .status === 0
  );
}

/** Debian's packages that are not installed. */
function missing(names) {
  return names.filter(
    (name) => spawnSync("dpkg-query", ["-W", "-f", "${Status}", name], { encoding: "utf8" }).stdout?.includes("ok installed") !== true,
  );
}

/** What a person without root is to type. */
function advice() {
  if (isDebian()) return `sudo apt-get install ${packages.join(" ")}`;
  if (process.platform === "darwin") return "brew install --cask chromium";
  if (process.platform === "win32") return "winget install Google.Chrome";
  return "install Chromium or Chrome with your system's packages";
}

/** The path of a Chromium for the tests, installed first where that is possible; undefined, with a word, where it is not. */
export function ensureChromium() {
  const found = findChromium();
  const canInstall = isDebian() && process.getuid?.() === 0 && spawnSync("apt-get", ["--version"]).status === 0;
  const wanted = canInstall ? missing(found ? ["fonts-noto-cjk"] : packages) : [];
  if (wanted.length > 0) {
    console.log(`Installing ${wanted.join(" and ")} for the browser tests (apt-get).`);
    const install = () => apt("install", "-y", "-q", "--no-install-recommends", ...wanted);
    if (!install() && !(apt("update", "-q") && install())) console.log(`apt-get could not install ${wanted.join(" and ")}.`);
  }
  const path = found ?? findChromium();
  if (!path) console.log(`There is no Chromium here, so the browser tests are skipped. To run them: ${advice()}`);
  return path;
}
