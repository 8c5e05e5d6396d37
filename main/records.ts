// Records on disk: JSON with a version. Older versions are lifted one step at a time; a newer one is left untouched and said so.
import * as v from "valibot";
import { AppError, type ErrorCode } from "../ipc/error.ts";
import { readText } from "./files.ts";

/** Turns version n into version n + 1; the list is in order, the first lifts version 1. */
export type Step = (record: Record<string, unknown>) => Record<string, unknown>;

export interface RecordKind<T> {
  /** What it is called in messages: "project", "run", "settings". */
  what: string;
  schema: v.GenericSchema<unknown, T>;
  steps: readonly Step[];
  invalid: ErrorCode;
  newer: ErrorCode;
}

/** The record at `path` in its newest version, or undefined when there is none. Reading never writes. */
export async function readRecord<T>(path: string, kind: RecordKind<T>): Promise<T | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const invalid = (why: string) =>
    new AppError(kind.invalid, `The ${kind.what} record '${path}' is damaged: ${why}.`, "Restore it from a copy, or remove its folder.", {
      path,
      why,
    });
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    throw invalid("it is not JSON");
  }
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) throw invalid("it is not an object");
  let record = raw as Record<string, unknown>;
  const newest = kind.steps.length + 1;
  const version = record["version"];
  if (typeof version !== "number" || !Number.isInteger(version) || version < 1) throw invalid("it has no version");
  if (version > newest)
    throw new AppError(
      kind.newer,
      `The ${kind.what} record '${path}' was written by a newer Paddock (version ${version}, this one knows ${newest}).`,
      "Update Paddock to open it; it was left as it is.",
      { path, version, knows: newest },
    );
  for (let at = version; at < newest; at++) record = { ...kind.steps[at - 1]!(record), version: at + 1 };
  const parsed = v.safeParse(kind.schema, record);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw invalid(`${v.getDotPath(issue) ?? "the record"}: ${issue.message}`);
  }
  return parsed.output;
}
