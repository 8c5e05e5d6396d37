// The sample tables that come with Paddock. assets/samples/index.json lists them; LICENCES.md beside it says where each is from.
import { join } from "node:path";
import * as v from "valibot";
import { AppError } from "../ipc/error.ts";
import { readText } from "./files.ts";
import { packageRoot } from "./version.ts";

const schema = v.array(v.object({ id: v.string(), file: v.string(), rows: v.number(), target: v.string() }));

export type Sample = v.InferOutput<typeof schema>[number];

const folder = join(packageRoot, "assets", "samples");

export async function listSamples(): Promise<Sample[]> {
  const text = await readText(join(folder, "index.json"));
  if (text === undefined) throw new AppError("internal", "The sample tables are missing.", "Install Paddock again.", { path: folder });
  return v.parse(schema, JSON.parse(text));
}

/** The file of a sample, ready to be copied. */
export async function samplePath(id: string): Promise<{ path: string; sample: Sample }> {
  const all = await listSamples();
  const sample = all.find((one) => one.id === id);
  if (!sample) throw new AppError("usage", `There is no sample '${id}'.`, `There are: ${all.map((one) => one.id).join(", ")}.`, { id });
  return { path: join(folder, sample.file), sample };
}
