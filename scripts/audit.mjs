// npm audit over what is shipped, held to scripts/auditExceptions.json: ends with 1 on a finding that is not argued there, on an argument that has run
// out, and on one that nothing needs any more; with 3 where the registry gives no answer, which is no result at all.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./install.mjs";

/**
 * What is wrong, a sentence each; undefined where the report holds no answer.
 * @param report what `npm audit --json` printed
 * @param exceptions by advisory (GHSA-…): { package, why, until } with `until` as 2026-12-31
 */
export function judge(report, exceptions, today) {
  if (report?.error || typeof report?.vulnerabilities !== "object" || report.vulnerabilities === null) return undefined;
  const found = new Map();
  for (const { via } of Object.values(report.vulnerabilities))
    for (const one of via) if (typeof one === "object") found.set(/GHSA-[\w-]+/.exec(one.url ?? "")?.[0] ?? `npm-${one.source}`, one);
  const wrong = [];
  for (const [id, { name, title, severity, range }] of found) {
    const argued = exceptions[id];
    if (!argued) wrong.push(`${id} (${severity}) in ${name} ${range}: ${title}`);
    else if (argued.package !== name) wrong.push(`${id} is argued for ${argued.package}, but is in ${name}`);
    else if (argued.until < today) wrong.push(`${id} in ${name}: the argument held until ${argued.until}`);
    else if ((argued.why ?? "").length < 40) wrong.push(`${id} in ${name}: the argument is too short to be one`);
  }
  for (const id of Object.keys(exceptions)) if (!found.has(id)) wrong.push(`${id} is argued, but is found no more: remove it`);
  return wrong;
}

function main() {
  const { stdout, stderr } = spawnSync("npm", ["audit", "--omit=dev", "--json"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    shell: process.platform === "win32",
  });
  let report;
  try {
    report = JSON.parse(stdout);
  } catch {
    // said below
  }
  const { exceptions } = JSON.parse(readFileSync(join(root, "scripts/auditExceptions.json"), "utf8"));
  const wrong = judge(report, exceptions, new Date().toISOString().slice(0, 10));
  if (wrong === undefined) {
    console.error(
      `The registry gave no answer, so nothing is known: ${report?.message ?? report?.error?.summary ?? stderr.trim().split("\n").at(-1)}`,
    );
    process.exitCode = 3;
  } else if (wrong.length) {
    console.error(wrong.join("\n"));
    process.exitCode = 1;
  } else
    console.log(
      `No advisory for what is shipped, but for ${Object.keys(exceptions).length} that are argued in scripts/auditExceptions.json.`,
    );
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main();
