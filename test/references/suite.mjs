// Writes suite.json: what PyTorch loses on the nets of `paddock bench suite --small`. Run with: node test/references/suite.mjs PYTHON
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const paddock = fileURLToPath(new URL("../../bin/paddock.mjs", import.meta.url));
const said = execFileSync(process.execPath, [paddock, "bench", "suite", "--small", "--steps", "10", "--json", "--peer", process.argv[2]]);
const { peer, entries } = JSON.parse(said.toString());
const losses = Object.fromEntries(entries.map((entry) => [entry.name, entry.peer.losses]));
writeFileSync(new URL("suite.json", import.meta.url), `${JSON.stringify({ torch: peer.torch, losses }, null, 2)}\n`);
