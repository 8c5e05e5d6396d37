// paddock inspect: what is in a file.
import { Command } from "commander";
import { basename, resolve } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { TakenAs } from "../../ipc/host.ts";
import type {
  ChatsProfile,
  ColumnProfile,
  ImagesProfile,
  Inspection,
  ModelProfile,
  LanguageProfile,
  RatingsProfile,
  TableProfile,
} from "../../ipc/types.ts";
import { action, type Context } from "./action.ts";
import { describeModel } from "./describeModel.ts";
import { asOption, type PartOptions, partOf, sheetOption, tableOption } from "./part.ts";
import { type Answer, bytes, columns, errorJson, short } from "./output.ts";

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("say what is in data or in a model")
    .argument(
      "<files...>",
      "ONNX, GGUF and Hugging Face models; tables: CSV, Excel, Parquet, JSON, Arrow, SQLite, DuckDB; folders, zips or tars of pictures",
    )
    .option(...sheetOption)
    .addOption(tableOption())
    .addOption(asOption())
    .option("--json", "print one JSON object")
    .action(
      action(async (context, files: string[], options: PartOptions) => {
        const part = partOf(options);
        if (files.length > 1) return inspectAll(context, files, part);
        const found = await context.withWorker((api) =>
          api.inspect({ file: resolve(files[0]!), ...part, cache: context.paths.cache }, context.signal),
        );
        return { json: found, text: describe(found) };
      }),
    );
}

type Result = { file: string } & (Inspection | { error: ReturnType<typeof errorJson> });

/** Several files in one process; a file that kills it costs the next one a new process. The worst exit code counts. */
async function inspectAll({ paths, progress, signal, startWorker }: Context, files: string[], part: TakenAs): Promise<Answer> {
  const { WarmWorker } = await import("../workers.ts");
  const warm = new WarmWorker(startWorker, { onStart: (worker) => worker.listen("working", (working) => progress.working(working)) });
  const results: Result[] = [];
  const texts: string[] = [];
  let exitCode = 0;
  try {
    for (const file of files) {
      try {
        const found = await warm.use((api) => api.inspect({ file: resolve(file), ...part, cache: paths.cache }, signal), signal);
        results.push({ ...found, file });
        texts.push(describe(found));
      } catch (thrown) {
        signal.throwIfAborted();
        const error = AppError.from(thrown);
        exitCode = exitCode === 0 || exitCode === 3 ? error.exitCode : exitCode;
        results.push({ file, error: errorJson(error) });
        texts.push(`${basename(file)}: ${error.message}\n${error.hint}`);
      }
    }
  } finally {
    await warm.dispose();
  }
  return { json: { results }, text: texts.join("\n\n"), exitCode };
}

function describe(found: Inspection): string {
  if (found.kind === "model") return describeModel(found);
  const { taken } = found;
  const others = taken?.possible.slice(1) ?? [];
  const as = taken
    ? `\nTaken as ${taken.kind}: ${taken.message}${others.length ? ` It can also be taken as ${others.join(" or ")} (--as).` : ""}`
    : "";
  return `${describeKind(found)}${as}`;
}

function describeKind(found: Exclude<Inspection, ModelProfile>): string {
  if (found.kind === "chats") return describeChats(found);
  if (found.kind === "images") return describePictures(found);
  if (found.kind === "language") return describeLanguage(found);
  return found.kind === "ratings" ? describeRatings(found) : describeTable(found);
}

function describePictures(found: ImagesProfile): string {
  const { file, rows, classes, reason, sizes, formats } = found;
  const kinds = Object.entries(formats).map(([format, count]) => `${count} ${format}`);
  const size = sizes ? `, mostly about ${sizes.median.join(" × ")}` : "";
  const head = `${file}: ${rows} pictures${classes.length ? ` of ${classes.length} classes` : ""}, ${bytes(found.bytes)} (${kinds.join(", ")})${size}`;
  const table = classes.length ? `\n\n${columns([["class", "pictures"], ...classes.map(({ name, count }) => [name, count])])}\n` : "";
  return `${head}\n${reason}${table}${problemLines(found.problems)}`;
}

function describeRatings(found: RatingsProfile): string {
  const { rating, time, titles, density } = found;
  const lines = [
    `${found.file}: ${found.rows} ratings by ${found.users} users of ${found.items} items (${short(100 * density)} % of all pairs), ${bytes(found.bytes)}`,
    found.reason.message,
    ...(rating
      ? [`Ratings: ${short(rating.min)} … ${short(rating.max)}, mean ${short(rating.mean)}`]
      : ["No ratings: that a pair is there is what is learned."]),
    ...(time ? [`Time: ${time.first} … ${time.last}`] : []),
    ...(titles ? [`Titles: ${titles.items} from ${titles.file}`] : []),
    "With --task regression or classification it is learned from as a table.",
  ];
  return lines.join("\n") + problemLines(found.problems);
}

const problemLines = (problems: readonly { message: string; hint: string }[]) =>
  problems.map(({ message, hint }) => `\n! ${message} ${hint}`).join("");

function describeTable(found: TableProfile): string {
  const rows = found.columns.map((column) => [column.name, column.type, column.missing, column.distinct, facts(column)]);
  const target = found.target ? `\nGuessed target: ${found.target.column} (${found.target.task})` : "\nNo column can be a target.";
  const where = found.part === undefined ? "" : ` (${found.part})`;
  const head = `${found.file}${where}: ${found.rows} rows, ${found.columns.length} columns, ${bytes(found.bytes)}, ${found.format ?? "csv"}, ${found.dialect.encoding}${found.text === undefined ? "" : `; texts in "${found.text}"`}`;
  return `${head}\n\n${columns([["column", "type", "missing", "distinct", ""], ...rows])}\n${target}${problemLines(found.problems)}`;
}

function describeChats({ file, rows, messages, form, problems }: ChatsProfile): string {
  const told = problems.map(({ message, hint }) => `\n! ${message} ${hint}`).join("");
  return `${file}: ${rows} conversations (${form}), ${messages} messages${told}`;
}

function describeLanguage(found: LanguageProfile): string {
  const { file, rows, characters, tokens, vocabulary, preview, form } = found;
  const documents = { file: "", folder: ` in ${rows} files`, table: ` in ${rows} rows`, chats: ` in ${rows} conversations` }[form];
  const head = `${file}: ${characters} letters of text${documents}, ${bytes(found.bytes)}; about ${tokens} tokens of a vocabulary of ${vocabulary}`;
  const shown = preview.slice(0, 60).map(({ text }) => text.replaceAll("\n", "⏎")).join("|"); // prettier-ignore
  return `${head}\n\nIt begins, in tokens: ${shown}\n${problemLines(found.problems)}`;
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
