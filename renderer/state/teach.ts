// Which imported models a project can start from, and what of them can learn.
import type { ImportedModel, Project } from "../../ipc/host.ts";
import type { ModelProfile, TrainSpec } from "../../ipc/types.ts";

export type Method = NonNullable<TrainSpec["method"]>;

/** What of the network can learn; nothing where it takes no picture. */
export function methodsOf({ backbone }: ModelProfile): Method[] {
  if (!backbone) return [];
  return backbone.tunable ? ["head", "last", "full"] : ["head"];
}

/** Whether a project's data are what the model takes: pictures of several classes. */
export const fitsProject = ({ backbone }: ModelProfile, { profile }: Pick<Project, "profile">): boolean =>
  backbone !== undefined && profile.kind === "images" && profile.classes.length > 1;

export const modelsFor = (all: readonly ImportedModel[], project: Pick<Project, "profile">): ImportedModel[] =>
  all.filter(({ profile }) => fitsProject(profile, project));
