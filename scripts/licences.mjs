// Gathers the licences of everything that goes into an installer (the packages it carries, and what is compiled into the page) into
// dist/LICENCES.txt. Throws when a package says nothing about its licence.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./install.mjs";

/** Compiled into the page and the worker, and so not among the packages that travel. */
const compiledIn = [
  ...["svelte", "uplot", "clsx", "esm-env", "devalue"],
  ...["@tensorflow/tfjs-core", "@tensorflow/tfjs-converter", "@tensorflow/tfjs-backend-cpu", "seedrandom", "long"],
];

/** Folders of the packages that travel with the app: everything the lock does not mark as for development or absent here. */
export function carriedPackages(lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"))) {
  return Object.entries(lock.packages)
    .filter(
      ([path, entry]) =>
        path !== "" &&
        (compiledIn.includes(path.replace(/^node_modules\//, "")) || !(entry.dev || entry.devOptional || entry.peer || entry.link)),
    )
    .map(([path]) => path);
}

export function writeLicences(out = join(root, "dist/LICENCES.txt")) {
  const parts = [];
  for (const path of carriedPackages()) {
    const folder = join(root, path);
    let facts;
    try {
      facts = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    } catch {
      continue; // of another system, and so not installed here
    }
    const licence = typeof facts.license === "string" ? facts.license : facts.license?.type;
    if (!licence) throw new Error(`${path} says nothing about its licence.`);
    const texts = readdirSync(folder).filter(
      (name) => /^(licen[cs]e|copying|notice|thirdparty)/i.test(name) && !/\.(js|ts|json)$/.test(name),
    );
    const words = texts.map((name) => readFileSync(join(folder, name), "utf8").trim());
    parts.push([`${facts.name} ${facts.version}, ${licence}`, ...words].join("\n\n"));
  }
  mkdirSync(join(out, ".."), { recursive: true });
  writeFileSync(out, `Paddock is made with these works of others.\n\n${parts.sort().join(`\n\n${"-".repeat(100)}\n\n`)}\n`);
  return parts.length;
}
