// npm start: brings in what is missing, builds what is stale, and opens Paddock: the Electron window, else a browser window, else the
// address. `npm start -- --no-open` prints the address; `--browser` leaves Electron aside; `--port N` chooses the port.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { electronProgram, fetchElectron, wasRefused } from "./electron.mjs";
import { ensureBuilt } from "./fresh.mjs";
import { ensureInstalled, fail, root } from "./install.mjs";

const usage = "npm start [-- --no-open] [--browser] [--port N]";

function readOptions() {
  try {
    const options = {
      "no-open": { type: "boolean" },
      browser: { type: "boolean" },
      port: { type: "string" },
      help: { type: "boolean", short: "h" },
    };
    return parseArgs({ options }).values;
  } catch (thrown) {
    return fail(`${thrown.message}\n${usage}`, 2);
  }
}

/** The window of Electron; resolves with its exit code, or undefined when it could not start at all. */
function runElectron(program) {
  const began = Date.now();
  // As root Chromium's sandbox does not start; anyone else keeps it.
  const flags = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const child = spawn(program, [...flags, root], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once("error", () => resolve(undefined));
    // One that dies at once lacks something of the system (a library, the sandbox): the browser can still do.
    child.once("exit", (code, signal) => resolve(code !== 0 && Date.now() - began < 3000 && signal !== "SIGINT" ? undefined : (code ?? 0)));
  });
}

const values = readOptions();
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const port = values.port === undefined ? 0 : Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) fail(`--port takes a number from 0 to 65535, not '${values.port}'.`, 2);
ensureInstalled();
await ensureBuilt(console.log).catch((thrown) => fail(`The build failed: ${thrown.message}`));
const { hasDisplay, runWeb } = await import("../dist/main/web.js");

const open = !values["no-open"];
let why;
if (open && hasDisplay() && !values.browser && values.port === undefined) {
  const known = electronProgram();
  const program = known ?? (wasRefused() ? undefined : await fetchElectron());
  if (program) {
    const code = await runElectron(program);
    if (code !== undefined) process.exit(code);
    why = "the Electron program could not start here";
  } else why = "the Electron program is not here and could not be fetched";
}
try {
  await runWeb({ open, port, ...(why && { why }) });
} catch (thrown) {
  fail(thrown.hint ? `${thrown.message}\n${thrown.hint}` : thrown.message);
}
process.exit(process.exitCode ?? 0);
