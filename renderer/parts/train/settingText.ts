import type { SettingName } from "../../state/trainSettings.svelte.ts";
import { format, say } from "../../state/words.svelte.ts";

/** A setting's value as the screen shows it. */
export function settingText(name: SettingName, value: string | number | boolean): string {
  const { optimizers, schedules, classWeights, on, off } = say.adjust;
  if (typeof value === "boolean") return value ? on : off;
  if (name === "classWeight") return classWeights[value as "none"];
  if (typeof value === "string") return name === "optimizer" ? optimizers[value as "adamw"] : schedules[value as "cosine"];
  if (name === "seconds") return format().duration(value);
  return name === "seed" ? String(value) : format().number(value);
}
