// Which sheet of a workbook, or table of a database, a command means.
import { Option } from "commander";

export interface PartOptions {
  sheet?: string;
  table?: string;
}

export const sheetOption = ["--sheet <name>", "the sheet of a workbook; the first with rows when absent"] as const;

export function tableOption(): Option {
  return new Option("--table <name>", "the table of a database; the first with rows when absent").conflicts("sheet");
}

export function partOf({ sheet, table }: PartOptions): { part?: string } {
  const part = sheet ?? table;
  return part === undefined ? {} : { part };
}
