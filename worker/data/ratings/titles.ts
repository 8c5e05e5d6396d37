// Names of the items, from a table that lies beside the ratings (MovieLens' movies.csv): a column of ids that holds them, and one of titles.
import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { openTable } from "../table.ts";
import { trimmed } from "../readings.ts";

export interface Titles {
  file: string;
  /** By id; only ids that have a title. */
  titles: Map<string, string>;
}

const fileNames =
  /^(?:movies?|films?|items?|products?|books?|songs?|tracks?|artists?|games?|anime|titles?|商品|电影|物品|图书|歌曲)(?:[_-]?(?:titles|names|info|meta(?:data)?))?$/i;
const titleNames =
  /^(?:title|name|(?:movie|film|item|product|book|song|track|artist|game|original)[\s_-]?(?:title|name)|标题|名称|片名|书名|商品名称?|电影名称?)$/i;
const readable = /^\.(?:csv|tsv|txt|dat)$/i;

/**
 * The titles of at least a tenth of these items, or undefined: they only make answers nicer to read, so that a file which cannot be read is
 * passed over. Throws when it is cancelled.
 */
export async function findTitles(
  file: string,
  items: readonly string[],
  options: { cache: string; signal?: AbortSignal },
): Promise<Titles | undefined> {
  const names = await readdir(dirname(file)).catch(() => []);
  const wanted = new Set(items);
  for (const name of names.sort()) {
    if (name === basename(file) || !readable.test(extname(name)) || !fileNames.test(basename(name, extname(name)))) continue;
    try {
      const found = await readTitles(join(dirname(file), name), wanted, options);
      if (found.size >= items.length / 10) return { file: name, titles: found };
    } catch (thrown) {
      options.signal?.throwIfAborted();
      if (!(thrown instanceof AppError)) throw thrown;
    }
  }
  return undefined;
}

async function readTitles(
  file: string,
  wanted: ReadonlySet<string>,
  options: { cache: string; signal?: AbortSignal },
): Promise<Map<string, string>> {
  const table = await openTable(file, options);
  try {
    const { columns, rows } = table.profile;
    const title = columns.findIndex((column) => titleNames.test(column.name.trim()));
    if (title < 0) return new Map();
    // The column of ids is the one that holds most of them among the first rows.
    const first = await table.rows(0, 1000);
    const hits = columns.map((_, c) => (c === title ? -1 : first.filter((row) => wanted.has(trimmed(row[c]!))).length));
    const id = hits.indexOf(Math.max(...hits));
    const found = new Map<string, string>();
    for (let from = 0; from < rows; from += 10_000) {
      options.signal?.throwIfAborted();
      for (const row of await table.rows(from, 10_000)) {
        const [key, text] = [trimmed(row[id]!), trimmed(row[title]!)];
        if (text !== "" && wanted.has(key) && !found.has(key)) found.set(key, text);
      }
    }
    return found;
  } finally {
    await table.close();
  }
}
