// What says which class a picture is of: the folder that it lies in, or a table of labels beside the pictures. Decided by names alone.
import { parse } from "node:path/posix";

/** Files that may be pictures: by their ending, or because they have none. What they are is told by their bytes. */
export function maybePicture(name: string): boolean {
  const { ext } = parse(name);
  return ext === "" ? !/(^|\/)(LICEN[CS]E|README|NOTICE|COPYING|AUTHORS|CHANGELOG|Makefile)$/i.test(name) : pictureEndings.test(ext);
}
const pictureEndings = /^\.(jpe?g|jfif|png|webp|gif|tiff?|bmp|dib|avif|svg|heic|heif|jxl)$/i;
export const maybeLabels = (name: string): boolean => /\.(csv|tsv)$/i.test(name);

/** Folders that people split their pictures into; they are no classes. */
const splits = /^(train(ing)?|val(id(ation)?)?|test(ing)?|eval(uation)?|dev)$/i;

export interface FolderClasses {
  /** Class of each picture, in the order given; undefined for one that lies outside of every class folder. */
  classes: (string | undefined)[];
  names: string[];
  /** Folders named train, test… were passed over. */
  splits: boolean;
}

/**
 * Classes by folders: wrappers that all pictures share are passed over, then the first folder is the class (the second where the first ones are
 * named train, test and so on). Undefined where the pictures lie in no folders.
 */
export function folderClasses(names: readonly string[]): FolderClasses | undefined {
  const parts = names.map((name) => name.split("/").slice(0, -1));
  const deep = parts.filter((p) => p.length > 0);
  if (deep.length === 0) return undefined;
  let at = 0;
  // A wrapper is shared by all and holds folders only.
  while (deep.length === parts.length && parts.every((p) => p[at] === parts[0]![at] && p.length > at + 1)) at++;
  const firsts = new Set(parts.map((p) => p[at]).filter((p) => p !== undefined));
  const split = [...firsts].every((first) => splits.test(first)) && parts.some((p) => p.length > at + 1);
  if (split) at++;
  const classes = parts.map((p) => p[at]);
  return { classes, names: [...new Set(classes.filter((c) => c !== undefined))].sort(byName), splits: split };
}

/** Numbers in their order, words in theirs, the same on every machine. */
export function byName(a: string, b: string): number {
  const whole = /^\d{1,15}$/;
  if (whole.test(a) && whole.test(b) && Number(a) !== Number(b)) return Number(a) - Number(b);
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface LabelColumns {
  file: number;
  label: number;
  /** Picture of each row by its place in `names`, or -1. */
  places: Int32Array;
}

/**
 * The columns of a table that name pictures and their labels: the one whose cells are names of pictures (at least half of them; with or without
 * folder and ending), and the one asked for, or called label, class and the like, or the only other one.
 * @param names pictures, as paths
 */
export function labelColumns(
  columns: readonly string[],
  rows: readonly string[][],
  names: readonly string[],
  wanted?: string,
): LabelColumns | undefined {
  const find = finder(names);
  let best: { file: number; places: Int32Array; found: number } | undefined;
  for (const file of columns.keys()) {
    const places = Int32Array.from(rows, (row) => find(row[file] ?? ""));
    const found = places.reduce((sum, place) => sum + (place >= 0 ? 1 : 0), 0);
    if (found > (best?.found ?? 0)) best = { file, places, found };
  }
  if (!best || best.found * 2 < Math.min(rows.length, names.length)) return undefined;
  const others = [...columns.keys()].filter((i) => i !== best.file);
  const label =
    wanted === undefined
      ? (others.find((i) => /^(label|labels|class|classes|category|target|y)$/i.test(columns[i]!.trim())) ??
        (others.length === 1 ? others[0] : undefined))
      : others.find((i) => columns[i] === wanted);
  return label === undefined ? undefined : { file: best.file, label, places: best.places };
}

/** A cell → the place of the picture that it names: by its whole path, by its end, by its name, by its name without ending. -1: none, or several. */
function finder(names: readonly string[]): (cell: string) => number {
  const places = new Map<string, number>();
  const put = (key: string, place: number) => places.set(key, places.has(key) && places.get(key) !== place ? -1 : place);
  for (const [place, name] of names.entries()) {
    const parts = name.split("/");
    for (let i = 0; i < parts.length; i++) put(parts.slice(i).join("/"), place);
    const bare = parse(name).name;
    if (bare !== parts.at(-1)) put(`bare:${bare}`, place);
  }
  return (cell) => {
    const key = cell
      .trim()
      .replaceAll("\\", "/")
      .replace(/^(\.\/)+/, "");
    return places.get(key) ?? places.get(key.split("/").at(-1)!) ?? places.get(`bare:${key}`) ?? -1;
  };
}
