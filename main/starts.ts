// What a training starts from: the imported model that its spec names, or, for pictures, the one on the shelf that suits best.
import type { ImportedModel } from "../ipc/host.ts";
import type { TrainPlan, TrainSpec } from "../ipc/types.ts";
import type { Models } from "./models.ts";

type Spec = Omit<TrainSpec, "data">;
export type Start = NonNullable<TrainPlan["start"]>;

/** A network that is taken without being asked for has colours, a side that shows something, and was large enough to have learned it. */
const suitable = { side: 96, features: 64, parameters: 300_000, most: 60e6 };

/** The model that suits pictures best: of those that do, the one with the most weights. */
export function suits(all: readonly ImportedModel[]): ImportedModel | undefined {
  return all
    .filter(({ profile: { backbone, parameters } }) => {
      const { side, features, parameters: least, most } = suitable;
      return (
        backbone &&
        backbone.channels === 3 &&
        backbone.size >= side &&
        backbone.features >= features &&
        parameters >= least &&
        parameters <= most
      );
    })
    .sort((a, b) => b.profile.parameters - a.profile.parameters || (a.id < b.id ? -1 : 1))[0];
}

/**
 * The spec with the file of the model that it starts from, and which that is.
 * @param pictures whether the data are pictures, so that a model is taken without being asked for
 * @throws modelMissing
 */
export async function withStart(models: Models, spec: Spec, pictures: boolean): Promise<{ spec: Spec; start?: Start }> {
  const { shelf, ...rest } = spec;
  if (shelf) {
    const record = await models.read(shelf);
    return { spec: { ...spec, model: models.file(record) }, start: { shelf, name: record.name, chosen: "asked" } };
  }
  const found = pictures && shelf === undefined && rest.model === undefined ? suits(await models.all(() => {})) : undefined;
  if (found) {
    const record = await models.read(found.id);
    return {
      spec: { ...rest, shelf: found.id, model: models.file(record) },
      start: { shelf: found.id, name: record.name, chosen: "suits" },
    };
  }
  // What belongs to an imported network waits until one is chosen again.
  const { method: _, pixels: __, ...own } = rest;
  return { spec: own };
}
