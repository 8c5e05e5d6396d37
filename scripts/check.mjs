// Everything that can be told without running the code: types (one project a folder), Svelte's own check, lint, fences and
// cycles, formatting. Prints what fails and ends with 1; `--fix` formats first.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, "node_modules", name);

const checks = [
  ["types of ipc", bin("typescript/bin/tsc"), "-p", "ipc"],
  ["types of main", bin("typescript/bin/tsc"), "-p", "main"],
  ["types of worker", bin("typescript/bin/tsc"), "-p", "worker"],
  [
    "types of renderer",
    bin("svelte-check/bin/svelte-check"),
    "--workspace",
    "renderer",
    "--tsconfig",
    "./tsconfig.json",
    "--fail-on-warnings",
  ],
  ["types of test", bin("typescript/bin/tsc"), "-p", "test"],
  ["lint", bin("eslint/bin/eslint.js"), ".", "--max-warnings", "0"],
  [
    "fences and cycles",
    bin("dependency-cruiser/bin/dependency-cruise.mjs"),
    "--config",
    ".dependency-cruiser.mjs",
    "ipc",
    "main",
    "worker",
    "renderer",
  ],
  ["format", bin("prettier/bin/prettier.cjs"), process.argv.includes("--fix") ? "--write" : "--check", "--log-level", "warn", "."],
];

function run([name, script, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("close", (code) => resolve({ name, code, output }));
  });
}

const queue = [...checks];
let failed = 0;
await Promise.all(
  Array.from({ length: Math.min(availableParallelism(), 4) }, async () => {
    for (let check = queue.shift(); check; check = queue.shift()) {
      const { name, code, output } = await run(check);
      console.log(`${code === 0 ? "ok  " : "FAIL"} ${name}`);
      if (code !== 0) {
        failed++;
        console.log(output.trimEnd());
      }
    }
  }),
);
process.exit(failed ? 1 : 0);
