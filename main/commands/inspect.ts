// paddock inspect: what is in a file.
import { Command } from "commander";
import { basename, resolve } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { ColumnProfile, Inspection } from "../../ipc/types.ts";
import { action } from "./action.ts";
import { bytes, columns, errorJson, short } from "./output.ts";

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("say what is in a data file")
    .argument("<files...>", "CSV or TSV files")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, files: string[]) => {
        const { cache } = context.paths;
        const inspect = (file: string) => context.withWorker((api) => api.inspect({ file: resolve(file), cache }, context.signal));
        if (files.length === 1) {
          const found = await inspect(files[0]!);
          return { json: found, text: describe(found) };
        }
        const results: ({ file: string } & (Inspection | { error: ReturnType<typeof errorJson> }))[] = [];
        const texts: string[] = [];
        let exitCode = 0;
        for (const file of files) {
          try {
            const found = await inspect(file);
            results.push({ ...found, file });
            texts.push(describe(found));
          } catch (thrown) {
            context.signal.throwIfAborted();
            const error = AppError.from(thrown);
            exitCode = exitCode === 0 || exitCode === 3 ? error.exitCode : exitCode;
            results.push({ file, error: errorJson(error) });
            texts.push(`${basename(file)}: ${error.message}\n${error.hint}`);
          }
        }
        return { json: { results }, text: texts.join("\n\n"), exitCode };
      }),
    );
}

function describe(found: Inspection): string {
  const rows = found.columns.map((column) => [column.name, column.type, column.missing, column.distinct, facts(column)]);
  const target = found.target ? `\nGuessed target: ${found.target.column} (${found.target.task})` : "\nNo column can be a target.";
  const problems = found.problems.map(({ message, hint }) => `\n! ${message} ${hint}`).join("");
  const head = `${found.file}: ${found.rows} rows, ${found.columns.length} columns, ${bytes(found.bytes)}, ${found.dialect.encoding}`;
  return `${head}\n\n${columns([["column", "type", "missing", "distinct", ""], ...rows])}\n${target}${problems}`;
}

function facts(column: ColumnProfile): string {
  const used = column.ignored ? `not used: ${column.ignored}` : "";
  const range = column.min !== undefined && column.max !== undefined ? `${short(column.min)} … ${short(column.max)}` : "";
  const days = column.first && column.last ? `${column.first} … ${column.last}` : "";
  const top =
    column.top
      ?.slice(0, 4)
      .map(({ value }) => value)
      .join(", ") ?? "";
  return [range || days || top, used].filter(Boolean).join("; ");
}
