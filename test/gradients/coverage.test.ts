// COVERAGE.md is written from the table of operators: `npx vitest run test/gradients/coverage -u` writes it anew.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";
import { operators } from "../../worker/ops/index.ts";
import type { Op } from "../../worker/ops/op.ts";
import { refuse } from "../../worker/run/tensorflow/program.ts";
import { root } from "../shared.ts";
import { caseOf, floatFor, samplesOf } from "./check.ts";

const gradient = ({ grad }: Op): string =>
  grad === "none" ? "none: flat or whole" : typeof grad === "function" ? "yes" : `no: ${grad.forbidden}`;

/** Whether the TensorFlow engine has the operator, and in what part of the samples where not in all. */
function onTensorFlow(name: string, entry: Op): string {
  const samples = samplesOf(entry);
  const taken = samples.filter((sample) => {
    const { graph } = caseOf(name, sample, "float32", false);
    try {
      refuse(
        graph,
        graph.nodes.find((node) => node.type === name)!,
      );
      return true;
    } catch {
      return false;
    }
  });
  return taken.length === samples.length ? "against ours" : taken.length ? `${taken.length} of ${samples.length} samples` : "–";
}

function row(name: string, entry: Op): string {
  const rule = typeof entry.grad === "function";
  const floats = [...new Set(samplesOf(entry).map((sample) => floatFor(name, sample)))].sort().reverse();
  const flows = samplesOf(entry).some((sample) => caseOf(name, sample, floatFor(name, sample), false).graph.outputs[0]?.name === "loss");
  const cpu = !rule ? "shape" : flows ? `differences in ${floats.join(" and ")}` : "a test of its own";
  const domain = entry.domain ? `${entry.domain}.` : "";
  return `| ${domain}${name} | yes | ${gradient(entry)} | ${cpu} | ${rule && flows ? "against the CPU" : "–"} | ${onTensorFlow(name, entry)} | ${entry.samples.length} |`;
}

const known = new Set<unknown>(Object.values(operators));

/** The families by the files that hold them. */
async function families(): Promise<[string, Record<string, Op>][]> {
  const folder = join(root, "worker/ops");
  const found: [string, Record<string, Op>][] = [];
  for (const file of readdirSync(folder)
    .filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts"))
    .sort()) {
    const exported = Object.values((await import(join(folder, file))) as Record<string, object>);
    const entries = exported.filter((e) => e !== operators).flatMap((e) => Object.entries(e)).filter(([, entry]) => known.has(entry)); // prettier-ignore
    if (entries.length) found.push([file.replace(".ts", ""), Object.fromEntries(entries) as Record<string, Op>]);
  }
  return found;
}

test("COVERAGE.md says what the table says", async () => {
  const all = Object.values<Op>(operators);
  const count = (of: (entry: Op) => boolean) => all.filter(of).length;
  const sections = (await families()).map(([family, entries]) => {
    const rows = Object.entries(entries).sort(([a], [b]) => a.localeCompare(b)).map(([name, entry]) => row(name, entry)); // prettier-ignore
    return `## ${family}\n\n| operator | shape | gradient | checked on cpu | checked on webgpu | on tensorflow | samples |\n| --- | --- | --- | --- | --- | --- | --- |\n${rows.join("\n")}`;
  });
  const text = `# Operators

Written from the table in \`worker/ops\` by \`test/gradients/coverage.test.ts\`; do not edit. ${all.length} operators: ${count((e) => typeof e.grad === "function")} with a
gradient, ${count((e) => e.grad === "none")} whose result is flat or whole-numbered, ${count((e) => typeof e.grad === "object")} whose gradient is refused with a reason.

- **shape**: types and lengths are inferred, and compared with what ONNX Runtime gives for every sample.
- **checked on cpu**: every gradient of every sample against central differences, in float64 where the runtime has the operator in it.
- **checked on webgpu**: the first sample's gradients against the CPU's, wherever the test finds an adapter; nodes that WebGPU does not have run on the CPU.
- **on tensorflow**: the TensorFlow engine has it; its results and TensorFlow's own gradients against ours. Where nothing stands, or for the
  samples that are missing, that engine refuses the graph before it runs, naming the node: it has no fallback for single operators.
- If, Loop and Scan with trip counts known beforehand are made straight by \`worker/passes/unroll.ts\`; Attention, RotaryEmbedding and Swish
  become operators of this table in \`worker/passes/attention.ts\`. Lists of tensors (Sequence…, Optional…) are taken apart by
  \`worker/passes/sequences.ts\`; what only the run decides is refused by name.

${sections.join("\n\n")}
`;
  const pretty = await format(text, { ...(await resolveConfig(join(root, "COVERAGE.md"))), parser: "markdown" });
  await expect(pretty, "COVERAGE.md is stale: run this test with -u").toMatchFileSnapshot(join(root, "COVERAGE.md"));
});
