// Which corrections a run goes by. Those that hold when it begins are written into its folder, so that it is resumed, judged and exported
// with the same ones, whatever is corrected or withdrawn meanwhile.
import { join } from "node:path";
import type { Correction, TrainSpec } from "../../ipc/types.ts";
import { readCorrections } from "../data/corrections.ts";
import { readJson, writeJson } from "./files.ts";

const taken = (run: string) => join(run, "corrections.json");

/** Takes the corrections that hold now into the run's folder; a run that has begun keeps what it took. */
export async function takeCorrections(run: string, { corrections }: TrainSpec): Promise<void> {
  if (corrections === undefined || (await readJson(taken(run)))) return;
  await writeJson(taken(run), await readCorrections(corrections));
}

/** Of a run what it took; of a spec alone what its file says now. */
export async function correctionsFor(spec: TrainSpec, run?: string): Promise<Correction[]> {
  const known = run === undefined ? undefined : await readJson<Correction[]>(taken(run));
  return known ?? (spec.corrections === undefined ? [] : readCorrections(spec.corrections));
}
