// Whether a text file is to be read as text: sentences, verses, a list of words. Rows of fields are a table, however the file is called.
import { recordsOf } from "../records.ts";
import { head, scan } from "../scan.ts";

const looked = 1 << 18;
/** Rows of fields that make a table: most lines have as many as the usual one. */
const share = 0.9;

/** False for whatever cannot be read: its reader says what is wrong. */
export async function isProse(file: string): Promise<boolean> {
  if (/\.(md|markdown)$/i.test(file)) return true;
  try {
    const { text, cut } = await head(file, await scan(file), looked);
    return !isDelimited(text, cut);
  } catch {
    return false;
  }
}

const number = /^\s*[-+]?(\d+([.,]\d*)*|[.,]\d+)([eE][-+]?\d+)?\s*%?\s*$/;

/** Rows of fields by one of the usual delimiters, or a column of numbers. */
export function isDelimited(text: string, cut: boolean): boolean {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length < 2) return false;
  if (lines.slice(1).filter((line) => number.test(line)).length >= share * (lines.length - 1)) return true;
  return ["\t", ";", "|", ","].some((delimiter) => {
    const widths = recordsOf(text, { delimiter }, cut)
      .slice(0, 1000)
      .filter(({ fields }) => fields.some((field) => field.trim() !== ""))
      .map(({ fields }) => fields.length);
    const counts = new Map<number, number>();
    for (const width of widths) counts.set(width, (counts.get(width) ?? 0) + 1);
    const [usual, count] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [1, 0];
    // A comma in every line may be a sentence's: two fields by it are no table unless the lines are short.
    const sentences = delimiter === "," && usual === 2 && text.length / lines.length > 60;
    return usual > 1 && count >= share * widths.length && !sentences;
  });
}
