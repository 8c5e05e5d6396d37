// Parquet, read by the engine. Before it sees the file, the footer is walked here: every count, length and offset in it must fit the file.
import { basename } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { literal } from "../duckdb.ts";
import { nameColumns } from "../names.ts";
import { createRaw, openDraft } from "../raw.ts";
import { columnsOf, sourceOf } from "./fromSql.ts";
import { checkParquet } from "./parquetFooter.ts";
import { broken, countRows, type Imported, maxColumns, noDialect, onlyOne, type Reader, type ReadInput, tooLarge } from "./reader.ts";

export const parquet: Reader = {
  id: "parquet",
  title: "a Parquet file",
  endings: [".parquet", ".pq"],
  text: false,
  accepts: (head) => ["PAR1", "PARE"].includes(head.toString("latin1", 0, 4)),
  read,
};

async function read(input: ReadInput): Promise<Imported> {
  const { file, folder, signal } = input;
  onlyOne(input, "a Parquet file");
  await checkParquet(file, input.scan.bytes);
  const database = await openDraft(folder, file);
  try {
    const relation = `read_parquet(${literal(file)}, hive_partitioning = false)`;
    const { columns, told } = await columnsOf(database, relation, signal);
    if (columns.length === 0)
      throw new AppError(
        "tableNoColumns",
        `${basename(file)} has no columns that can be read.`,
        "Choose a file with numbers, dates or words.",
        {
          file: basename(file),
        },
      );
    if (columns.length > maxColumns) throw tooLarge(file, `the table has more than ${maxColumns} columns`);
    await createRaw(database, sourceOf(columns, relation), columns.length, signal);
    const { names, problems } = nameColumns(columns.map(({ name }) => name));
    return { database, names, rows: await countRows(database, file), problems: [...problems, ...told], dialect: noDialect };
  } catch (error) {
    database.close();
    if (error instanceof AppError || signal?.aborted) throw error;
    throw broken(file, "the rows cannot be read", undefined, error);
  }
}
