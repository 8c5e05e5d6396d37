// What the host answers of corrections: made where a wrong answer is seen, listed with where they come from, withdrawn one by one.
import type { HostApi } from "../ipc/host.ts";
import type { Handlers } from "../ipc/rpc.ts";
import type { TrainSpec } from "../ipc/types.ts";
import { correct, listCorrections, undoCorrection } from "./corrections.ts";
import type { Paths } from "./paths.ts";
import type { ProjectRecord, Projects } from "./projects.ts";
import type { WarmWorker } from "./workers.ts";

export interface CorrectionParts {
  projects: Projects;
  paths: Paths;
  warm: WarmWorker;
  /** The folder of a run that is there. */
  folderOf(input: { project: string; run: string }): Promise<string>;
  /** What a project learns, with its data. */
  specOf(record: ProjectRecord): TrainSpec;
  changed(project: string): void;
}

type Named = "corrections" | "correct" | "undoCorrection";

export function correctionHandlers({ projects, paths, warm, folderOf, specOf, changed }: CorrectionParts): Pick<Handlers<HostApi>, Named> {
  const find = (signal: AbortSignal) => (input: { spec: TrainSpec; rows?: number[]; hashes?: string[] }) =>
    warm.use((api) => api.findSamples({ ...input, cache: paths.cache }, signal), signal);
  return {
    corrections: async ({ id }, signal) => listCorrections(paths.corrections(id), specOf(await projects.read(id)), find(signal)),
    correct: async ({ project, run, hash, to }, signal) => {
      const folder = await folderOf({ project, run });
      const path = paths.corrections(project);
      const made = await correct(path, folder, { sample: { hash }, to, origin: "result" }, find(signal));
      changed(project);
      return made ?? null;
    },
    undoCorrection: async ({ id, correction }) => {
      await projects.read(id);
      await undoCorrection(paths.corrections(id), correction);
      changed(id);
    },
  };
}
