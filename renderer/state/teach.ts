// Which imported models a project can start from, and what of them can learn.
import type { ImportedModel, Project } from "../../ipc/host.ts";
import type { ModelProfile, TrainSpec, TuneMethod } from "../../ipc/types.ts";

export type Method = Exclude<NonNullable<TrainSpec["method"]>, "lora" | "qlora">;

/** What of the network can learn; nothing where it takes neither a picture, a text nor a row of numbers. */
export function methodsOf({ backbone, encoder, columns, training }: ModelProfile): Method[] {
  if (backbone) return backbone.tunable ? ["head", "last", "full"] : ["head"];
  if (encoder) return encoder.tunable ? ["head", "last", "full"] : ["head"];
  return columns === undefined ? [] : training.full.fits ? ["head", "full"] : ["head"];
}

/** Whether a project's data are what the model takes: pictures, texts, or as many columns of numbers beside the target. */
export function fitsProject(profile: ModelProfile, { profile: data, spec }: Pick<Project, "profile" | "spec">): boolean {
  if (data.kind === "images") return profile.backbone !== undefined && data.classes.length > 1;
  if (data.kind === "text") return profile.encoder !== undefined;
  if (profile.columns === undefined || data.kind !== "table") return false;
  const target = spec.target ?? data.target?.column;
  const used = data.columns.filter(({ name, type }) => type === "number" && name !== target && !spec.ignore?.includes(name));
  return target !== undefined && used.length === profile.columns;
}

export const modelsFor = (all: readonly ImportedModel[], project: Pick<Project, "profile" | "spec">): ImportedModel[] =>
  all.filter(({ profile }) => fitsProject(profile, project));

/** Language models that can be fine-tuned here. */
export const tunable = (all: readonly ImportedModel[]): ImportedModel[] => all.filter(({ profile }) => profile.language?.known);

/** Ways of fine-tuning a language model, the usual one first: packed weights cannot move, and weights in full need no QLoRA. */
export const tuneMethodsOf = ({ bits }: Pick<ModelProfile, "bits">): TuneMethod[] => (bits <= 8 ? ["qlora"] : ["lora", "full", "head"]);
