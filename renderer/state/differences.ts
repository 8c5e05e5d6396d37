// What was set differently in trainings that stand side by side.
import type { Run } from "../../ipc/host.ts";

export interface Setting {
  name: string;
  values: string[];
}

/** Settings of the plans, as text, that are not the same in all. */
export function differences(all: readonly { run: Run }[]): Setting[] {
  const told = all.map(({ run }): Record<string, unknown> => {
    const { plan } = run;
    if (!plan) return {};
    const { settings, model, device, target, inputs, maxEpochs, rows, text } = plan;
    return {
      target,
      model: model.name,
      parameters: model.parameters,
      inputs,
      ...settings,
      maxEpochs,
      device,
      rows: rows.train,
      text: text?.column,
    };
  });
  const names = [...new Set(told.flatMap((one) => Object.keys(one)))];
  return names
    .map((name) => ({ name, values: told.map((one) => (one[name] === undefined ? "" : String(one[name]))) }))
    .filter(({ values }) => new Set(values).size > 1);
}
