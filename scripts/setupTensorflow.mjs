// npm run setup:tensorflow: the second training engine, as an explicit act. It installs @tensorflow/tfjs-node-gpu in the version that
// package.json names, with its install script (which fetches TensorFlow's own library), and tries to load it. `npm ci` removes it again.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled, fail, npmCommand, root } from "./install.mjs";

const name = "@tensorflow/tfjs-node-gpu";
const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).peerDependencies[name];
/** The library is a few hundred megabytes; a network that has not brought it by then will not. */
const limit = 15 * 60_000;

if (process.platform === "darwin") fail("TensorFlow has no library for macOS in this package. Paddock trains without it.");
if (process.arch !== "x64") fail(`TensorFlow has no library for ${process.arch} in this package. Paddock trains without it.`);
ensureInstalled();

// --no-save: package.json and its lock stay as they are.
console.log(`Installing ${name} ${version}, with the library that it downloads. This can take minutes.`);
const { program, args, shell } = npmCommand([
  "install",
  "--no-save",
  "--no-audit",
  "--no-fund",
  "--ignore-scripts=false",
  `${name}@${version}`,
]);
const installed = spawnSync(program, args, { cwd: root, stdio: "inherit", shell, timeout: limit, killSignal: "SIGKILL" });
if (installed.error?.code === "ETIMEDOUT")
  fail(`The download did not end within ${limit / 60_000} minutes. Try again on a faster network; Paddock trains without it.`);
if (installed.status !== 0)
  fail(
    "npm could not install it: see above. Its library comes from a download of its own, which many networks refuse. Paddock trains without it.",
  );

// Newer Node versions lack a function that the package still calls.
const probe = `
const util = require("node:util");
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
const tf = require("${name}");
tf.ready().then(() => console.log(JSON.stringify({ backend: tf.getBackend(), version: tf.version.tfjs, binding: process.versions.napi })));
`;
const loaded = spawnSync(process.execPath, ["-e", probe], { cwd: root, encoding: "utf8", timeout: 60_000 });
const binding = join(root, "node_modules", name, "lib");
if (loaded.status !== 0) {
  const last = (loaded.stderr ?? "").trim().split("\n").at(-1);
  fail(
    `The package is here, but TensorFlow does not load${existsSync(binding) ? "" : " (its library was not downloaded)"}: ${last ?? "no reason given"}`,
  );
}
console.log(`TensorFlow is ready: ${loaded.stdout.trim()}. Choose it in Settings, or with --device tensorflow.`);
