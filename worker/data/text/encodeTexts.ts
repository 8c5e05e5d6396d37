// The texts of a table with their answers, parted into train, validation and test; in one pass of the engine.
import { AppError } from "../../../ipc/error.ts";
import type { TableTask } from "../../../ipc/types.ts";
import { literal } from "../duckdb.ts";
import { classesOf, classSql, scaleOf, type SplitSpec, targetOf } from "../encoding.ts";
import { type Reading, typedSql } from "../readings.ts";
import { planSplit, type SplitPlan, textKeySql } from "../split.ts";
import type { Table } from "../table.ts";
import { mostLetters, type PieceSettings, placesOf } from "./pieces.ts";
import type { TextTokens } from "./textTokens.ts";
import { TextRows } from "./textStore.ts";

/** What a run on texts goes by. Plain JSON: kept beside the run, and used again when it is resumed. */
export interface TextEncoding {
  version: 1;
  kind: "text";
  text: string;
  target: string;
  task: TableTask;
  classes?: string[];
  targetScale?: { mean: number; std: number };
  pieces: PieceSettings;
  /** "text": the split goes by the text, its letters and digits. Absent in runs that began when it went by the whole row. */
  splitKey?: "text";
  leftOut: string[];
  /**
   * Networks that read tokens in order: whose vocabulary it is, how many are read of a text, and whether it takes texts of no
   * other length. Absent: hashed pieces. */
  tokens?: { form: "bpe" | "file"; context: number; vocabulary: number; fixed?: boolean };
  /**
   * An imported encoder: its file, with the sha-256 of it and its tokenizer, what of it learns besides a head, and the mean and deviation of its
   * features, by which the head reads them.
   */
  encoder?: { file: string; sha: string; tuned?: "last" | "full"; scale?: { mean: number[]; std: number[] } };
  /** The small transformer. */
  transformer?: { layers: number; width: number; heads: number; dropout: number };
}

export interface TextParts {
  train: TextRows;
  validation: TextRows;
  test: TextRows;
}

export interface EncodedTexts extends TextParts {
  /** The same texts as tokens, where they are read so. */
  tokens?: TextParts;
  close(): Promise<void>;
}

/** Classes or scale of the target, and the split. Throws what is wrong with the target; tooFewRows. */
export async function fitTexts(
  table: Table,
  {
    target: name,
    task,
    text,
    splitKey,
    split: given,
    signal,
  }: Pick<TextEncoding, "target" | "task" | "text" | "splitKey"> & { split: SplitSpec; signal?: AbortSignal },
): Promise<{ split: SplitPlan; classes?: string[]; targetScale?: { mean: number; std: number } }> {
  const target = targetOf(table, name, task);
  const spec: SplitSpec = splitKey === "text" ? { ...given, key: textKeySql(textReading(table, text).index) } : given;
  const classes = task === "classification" ? await classesOf(table, target, signal) : undefined;
  const split = await planSplit(table, target, spec, task === "classification", signal);
  if (split.distinct < (spec.split ? 3 : 2))
    throw new AppError(
      "tooFewRows",
      `${table.profile.file} has ${split.distinct} different text${split.distinct === 1 ? "" : "s"} with a value of "${name}"; three are needed to learn from one, choose by another and test with the third.`,
      "Add texts: a few hundred or more make a result that holds.",
      { file: table.profile.file, rows: split.distinct, column: name },
    );
  return classes ? { split, classes } : { split, targetScale: await scaleOf(table, target, split, signal) };
}

/** Bytes of encoded texts that stay in memory. */
const budget = 256e6;

/** @param piece texts that are answered at once   @param tokens also as these tokens, of which so many texts are answered at once */
export async function encodeTexts(
  table: Table,
  encoding: TextEncoding,
  split: SplitPlan,
  options: {
    scratch: string;
    piece: number;
    tokens?: { by: TextTokens; piece: number } | undefined;
    signal?: AbortSignal;
    budget?: number;
  },
): Promise<EncodedTexts> {
  const { signal, scratch, piece, tokens } = options;
  const store = { classes: encoding.classes !== undefined, scratch, piece, budget: (options.budget ?? budget) / (tokens ? 6 : 3) };
  const three = (given: ConstructorParameters<typeof TextRows>[0]) =>
    [new TextRows(given), new TextRows(given), new TextRows(given)] as const;
  const stores = three(store);
  const inTokens =
    tokens &&
    three({ ...store, form: "tokens", piece: tokens.piece, ...(encoding.tokens?.fixed ? { long: encoding.tokens.context } : {}) });
  const close = async (): Promise<void> => {
    for (const one of [...stores, ...(inTokens ?? [])]) await one.close();
  };
  try {
    for await (const chunk of table.database.chunks(textSql(table, encoding, split.sql), signal)) {
      const [part, text, y, row] = [chunk.getColumnVector(0), chunk.getColumnVector(1), chunk.getColumnVector(2), chunk.getColumnVector(3)];
      for (let r = 0; r < chunk.rowCount; r++) {
        const own = String(text.getItem(r) ?? "");
        const [at, answer, number] = [Number(part.getItem(r)), Number(y.getItem(r)), Number(row.getItem(r))];
        await stores[at]!.append(placesOf(own, encoding.pieces), answer, number);
        if (!inTokens) continue;
        const ids = Int32Array.from(tokens.by.encode(own));
        await inTokens[at]!.append({ ids, counts: new Uint8Array(ids.length).fill(1) }, answer, number);
      }
      await new Promise((resolve) => setImmediate(resolve)); // a cancel is heard between two chunks
    }
  } catch (error) {
    await close();
    throw error;
  }
  const parts = ([train, validation, test]: readonly [TextRows, TextRows, TextRows]): TextParts => ({ train, validation, test });
  return { ...parts(stores), ...(inTokens ? { tokens: parts(inTokens) } : {}), close };
}

/** The texts of the training part, some at a time, in the order of the file. */
export async function* trainingTexts(
  table: Table,
  encoding: TextEncoding,
  split: SplitPlan,
  signal?: AbortSignal,
): AsyncGenerator<string[]> {
  for await (const chunk of table.database.chunks(textSql(table, encoding, split.sql), signal)) {
    const [part, text] = [chunk.getColumnVector(0), chunk.getColumnVector(1)];
    const found: string[] = [];
    for (let r = 0; r < chunk.rowCount; r++) if (Number(part.getItem(r)) === 0) found.push(String(text.getItem(r) ?? ""));
    yield found;
  }
}

/** part, text, y, row number. Texts are cut where no more of them is read. */
function textSql(table: Table, encoding: TextEncoding, part: string): string {
  const target = targetOf(table, encoding.target, encoding.task);
  const v = `v${target.index}`;
  const { mean, std } = encoding.targetScale ?? { mean: 0, std: 1 };
  const y = encoding.classes
    ? `enum_code(TRY_CAST(${classSql(target)} AS ENUM(${encoding.classes.map(literal).join(", ")})))::INTEGER`
    : `((${v} - (${mean})::DOUBLE) / (${std})::DOUBLE)::FLOAT`;
  // As written: a text that would mean "missing" in another column is a text here.
  const text: Reading = { name: encoding.text, index: textReading(table, encoding.text).index, type: "text", missing: [] };
  return `SELECT part, left(v${text.index}, ${mostLetters}), ${y}, (r + 1)::INTEGER FROM ${typedSql([target, text], { also: { part } })} WHERE ${v} IS NOT NULL`;
}

/** Throws columnMissing. */
export function textReading(table: Table, name: string): Reading {
  const reading = table.readings.find((one) => one.name === name);
  if (reading) return reading;
  throw new AppError("columnMissing", `${table.profile.file} has no column "${name}".`, "Use the data that the run was trained on.", {
    file: table.profile.file,
    column: name,
  });
}
