// From what was seen of the pictures to the profile that is told, and the pictures that can be learned from.
import { createHash } from "node:crypto";
import type { ImagesProfile, PictureProblem, PictureSizes } from "../../../ipc/types.ts";
import { findTwins } from "./duplicates.ts";
import { byName, folderClasses, labelColumns } from "./layout.ts";
import type { Picture, Seen } from "./pictures.ts";
import type { Survey } from "./survey.ts";
import { classProblems, twinProblems, unlabelled } from "./problems.ts";

export interface ProfileInput {
  file: string;
  found: Survey;
  /** In the order of their names. */
  seen: readonly Seen[];
  problems: readonly PictureProblem[];
  target: string | undefined;
}

export function profileOf({ file, found, seen, problems, target }: ProfileInput): { profile: ImagesProfile; pictures: Picture[] } {
  const names = seen.map(({ name }) => name);
  const told = [...problems];
  const { layout, reason, classOf } = classesOf(found, names, target, told);
  const classed = seen.flatMap((one, i) => (layout === "flat" || classOf[i] !== undefined ? [{ ...one, class: classOf[i] }] : []));
  const without = names.filter((_, i) => layout !== "flat" && classOf[i] === undefined);
  if (without.length) told.push(unlabelled(without, layout));
  const classNames = [...new Set(classed.flatMap((one) => (one.class === undefined ? [] : [one.class])))].sort(byName);
  const place = new Map(classNames.map((name, i) => [name, i]));
  const rows = classed.map((one) => ({ ...one, label: one.class === undefined ? -1 : place.get(one.class)! }));
  const counts = new Uint32Array(classNames.length);
  for (const { label } of rows) if (label >= 0) counts[label]!++;
  const classes = classNames.map((name, i) => ({ name, count: counts[i]! }));
  told.push(...classProblems(layout, classes), ...twinProblems(rows, classNames, findTwins(rows)));
  const formats: Record<string, number> = {};
  for (const { format } of rows) formats[format] = (formats[format] ?? 0) + 1;
  const profile: ImagesProfile = {
    kind: "images",
    file,
    bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
    rows: rows.length,
    classes,
    layout,
    reason,
    problems: told,
    sizes: sizesOf(rows),
    formats,
    fingerprint: fingerprintOf(rows),
  };
  const pictures = rows.map(({ name, label, sha, width, height, format }) => ({ name, label, sha, width, height, format }));
  return { profile, pictures };
}

interface Classes {
  layout: ImagesProfile["layout"];
  reason: string;
  classOf: (string | undefined)[];
}

/** Folders of two classes or more are believed first, then a table that names the pictures, then a single folder. */
function classesOf(found: Survey, names: readonly string[], target: string | undefined, told: PictureProblem[]): Classes {
  const folders = folderClasses(names);
  if (folders && folders.names.length > 1 && target === undefined) {
    const more = folders.splits ? "; folders named train, test and the like are no classes" : "";
    return { layout: "folders", reason: `Each class has a folder of its own${more}.`, classOf: folders.classes };
  }
  for (const table of found.tables) {
    const columns = labelColumns(table.columns, table.rows, names, target);
    if (!columns) continue;
    const classOf: (string | undefined)[] = new Array<string | undefined>(names.length).fill(undefined);
    const missing: string[] = [];
    for (const [row, place] of columns.places.entries()) {
      const label = table.rows[row]![columns.label]!.trim();
      if (place < 0) missing.push(table.rows[row]![columns.file]!);
      else if (label !== "") classOf[place] = label;
    }
    if (classOf.every((label) => label === undefined)) continue; // it names pictures, and says nothing of them
    if (missing.length) told.push(labelsWithout(table.name, missing));
    const [fileColumn, labelColumn] = [table.columns[columns.file]!, table.columns[columns.label]!];
    return {
      layout: "labels",
      reason: `'${table.name}' names the pictures in '${fileColumn}' and their classes in '${labelColumn}'.`,
      classOf,
    };
  }
  if (folders?.names.length === 1 && folders.classes.every((c) => c !== undefined) && names.some((name) => name.includes("/")))
    return { layout: "folders", reason: "All pictures lie in one folder.", classOf: folders.classes };
  return { layout: "flat", reason: "No folders and no table of labels say what the pictures show.", classOf: [] };
}

function labelsWithout(file: string, missing: string[]): PictureProblem {
  return {
    code: "labelWithoutPicture",
    file,
    files: missing.slice(0, 20),
    data: { count: missing.length },
    message: `${missing.length} ${missing.length === 1 ? "row" : "rows"} of '${file}' name no picture that can be used, such as '${missing[0]!}'.`,
    hint: "Check the names in the table; they are left out.",
  };
}

function sizesOf(rows: readonly { width: number; height: number }[]): PictureSizes {
  const sorted = rows.toSorted((a, b) => a.width * a.height - b.width * b.height || a.width - b.width);
  const at = (i: number): [number, number] => [sorted[i]!.width, sorted[i]!.height];
  return { least: at(0), median: at(Math.floor((sorted.length - 1) / 2)), most: at(sorted.length - 1) };
}

function fingerprintOf(rows: readonly { sha: string; class: string | undefined }[]): string {
  const hash = createHash("sha256");
  for (const line of rows.map((row) => `${row.sha} ${row.class ?? ""}\n`).sort()) hash.update(line);
  return hash.digest("hex");
}
