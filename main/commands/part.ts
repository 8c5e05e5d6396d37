// What a command takes its data as: the kind, and which sheet of a workbook or table of a database.
import { Option } from "commander";
import type { TakenAs } from "../../ipc/host.ts";
import type { DataKind } from "../../ipc/types.ts";

export interface PartOptions {
  sheet?: string;
  table?: string;
  as?: DataKind;
}

export function asOption(): Option {
  return new Option("--as <kind>", "take the data as this kind; guessed when absent").choices([
    "table",
    "text",
    "images",
    "ratings",
    "chats",
  ]);
}

export const sheetOption = ["--sheet <name>", "the sheet of a workbook; the first with rows when absent"] as const;

export function tableOption(): Option {
  return new Option("--table <name>", "the table of a database; the first with rows when absent").conflicts("sheet");
}

export function partOf({ sheet, table, as }: PartOptions): TakenAs {
  const part = sheet ?? table;
  return { ...(as === undefined ? {} : { kind: as }), ...(part === undefined ? {} : { part }) };
}
