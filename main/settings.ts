// The user's settings: one small file in the workspace. A damaged or newer one is never overwritten by a reader.
import * as v from "valibot";
import { defaultSettings, type Settings } from "../ipc/host.ts";
import { AppError } from "../ipc/error.ts";
import { writeJson } from "./files.ts";
import { type RecordKind, readRecord } from "./records.ts";

const fields = {
  language: v.picklist(["auto", "en", "zh"]),
  theme: v.picklist(["auto", "light", "dark"]),
  device: v.pipe(v.string(), v.regex(/^[a-z0-9:-]{1,40}$/, "must be a device id such as cpu")),
  api: v.optional(
    v.object({
      on: v.boolean(),
      port: v.pipe(v.number(), v.integer(), v.minValue(1024), v.maxValue(65_535)),
      key: v.pipe(v.string(), v.maxLength(200), v.regex(/^[\x21-\x7e]*$/, "must be of plain letters without spaces")),
    }),
    defaultSettings.api,
  ),
  maxSeconds: v.pipe(v.number(), v.finite(), v.minValue(1), v.maxValue(30 * 86_400)),
};

export const settingsChange = v.partial(v.strictObject(fields));

const kind: RecordKind<Settings> = {
  what: "settings",
  schema: v.object({ version: v.literal(1), ...fields }),
  steps: [],
  invalid: "projectInvalid",
  newer: "recordNewer",
};

/** What is in force now; the defaults when there is no file or it cannot be understood (`problem` then says why). */
export async function readSettings(path: string): Promise<{ settings: Settings; problem?: AppError }> {
  try {
    return { settings: (await readRecord(path, kind)) ?? defaultSettings };
  } catch (thrown) {
    return { settings: defaultSettings, problem: AppError.from(thrown) };
  }
}

/** Writes the change. A damaged file is replaced, one from a newer Paddock is not. */
export async function changeSettings(path: string, change: Partial<Omit<Settings, "version">>): Promise<Settings> {
  const { settings, problem } = await readSettings(path);
  if (problem?.code === "recordNewer") throw problem;
  const next: Settings = { ...settings, ...change };
  await writeJson(path, next);
  return next;
}
