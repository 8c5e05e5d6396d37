// Everything worth knowing of a table for one target: what the import told, and what takes a longer look. Each look is bounded; where it
// saw a part of the rows only, `data.sample` says how many.
import { AppError } from "../../../ipc/error.ts";
import type { Problem, ProblemRows } from "../../../ipc/types.ts";
import { findAnswers } from "../answers.ts";
import { targetProblems } from "../problems.ts";
import { leaks } from "./leaks.ts";
import { outliers } from "./outliers.ts";
import { acrossSql, brokenSql, contradicting, nearCopies, nearGroupsSql, rowsOfProblem, showsRows, variantsSql } from "./rows.ts";
import { every, looked, type Subject } from "./subject.ts";
import { lookedAt, suspects } from "./suspects.ts";

export type { Subject } from "./subject.ts";

/** What the import says of the target that it guessed: said anew of the one that is chosen. */
const aboutTarget: ReadonlySet<Problem["code"]> = new Set(["answerColumn", "targetMissingRows", "rareClasses"]);

export async function healthOf(subject: Subject): Promise<Problem[]> {
  const { table, target, signal, text } = subject;
  const { profile, database, readings } = table;
  const problems = profile.problems.filter(({ code }) => !aboutTarget.has(code));
  const known = new Set<string>();
  if (target) {
    const answers =
      text === undefined ? await findAnswers(database, readings, profile.columns, target.column.name, profile.rows, signal) : [];
    for (const { columns } of answers) for (const name of columns) known.add(name);
    problems.push(...targetProblems({ column: target.column.name, task: target.task, reason: "name" }, profile.columns, answers));
  }
  const checks = [
    ...(text === undefined
      ? [() => leaks(subject, known), () => outliers(subject), () => variants(subject), () => suggestions(subject)]
      : []),
    () => uneven(subject),
    () => copies(subject),
    () => doubtful(subject),
    () => broken(subject),
  ];
  for (const check of checks) {
    signal?.throwIfAborted();
    problems.push(...(await check()));
  }
  return problems.map((problem) => (showsRows(problem.code) ? { ...problem, shows: true } : problem));
}

/** A page of the rows behind a problem. Throws usage where it has none. */
export async function pageOf(
  subject: Subject,
  { code, column, offset, limit }: { code: Problem["code"]; column?: string; offset: number; limit: number },
): Promise<ProblemRows> {
  const { table, signal } = subject;
  const { profile, database } = table;
  const sql = await rowsOfProblem(subject, code, column);
  if (sql === undefined) throw new AppError("usage", `There are no rows to show for '${code}'.`, "Look at the table.", { code });
  const [count] = await database.rows(`SELECT count(*) FROM (${sql})`, signal);
  const page = await database.rows(`SELECT r FROM (${sql}) LIMIT ${Math.floor(limit)} OFFSET ${Math.floor(offset)}`, signal);
  const wanted = page.map(([r]) => Number(r));
  const cells = profile.columns.map((_, i) => `coalesce(c${i}, '')`).join(", ");
  const found = wanted.length ? await database.rows(`SELECT rowid, ${cells} FROM raw WHERE rowid IN (${wanted.join(", ")})`, signal) : [];
  const byRow = new Map(found.map(([r, ...texts]) => [Number(r), texts.map(String)]));
  const at = column === undefined ? -1 : profile.columns.findIndex(({ name }) => name === column);
  return { total: Number(count![0]), column: at < 0 ? null : at, rows: wanted.map((r) => ({ row: r + 1, cells: byRow.get(r)! })) };
}

const sampled = (seen: number, rows: number): Record<string, number> => (seen < rows ? { sample: seen } : {});
const some = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;

/** The share of rows beyond which equal inputs are the nature of the table and no copies. */
const mostCopies = 0.3;

async function copies(subject: Subject): Promise<Problem[]> {
  const { table, target, signal } = subject;
  const { database, profile } = table;
  const seen = looked(subject);
  const size = async (also: string): Promise<[rows: number, groups: number]> => {
    const [row] = await database.rows(`SELECT coalesce(sum(n), 0), count(*) FROM ${nearGroupsSql(subject, also)}`, signal);
    return [Number(row![0]), Number(row![1])];
  };
  const found: Problem[] = [];
  const [rows, groups] = await size(nearCopies);
  if (rows === 0 || rows > mostCopies * seen) return found;
  const data = { count: rows, groups, ...sampled(seen, profile.rows) };
  found.push({
    code: "nearDuplicateRows",
    data,
    message: `${rows} rows are near copies: ${some(groups, "group", "groups")} that differ in blanks, capitals, what names a row or the answer alone.`,
    hint: "Keep one of each where they are the same thing.",
  });
  const across = await acrossSql(subject);
  if (across) {
    const [row] = await database.rows(`SELECT count_if(part > 0) FROM (${across})`, signal);
    const count = Number(row![0]);
    if (count > 0)
      found.push({
        code: "nearDuplicatesAcross",
        data: { count, ...sampled(seen, profile.rows) },
        message: `${some(count, "row", "rows")} held out for checking or the test ${count === 1 ? "has" : "have"} a near copy among the rows that are learned from.`,
        hint: "The test looks better than it is: keep one of each, or split by a column that such rows share.",
      });
  }
  if (target?.task === "classification") {
    const [count, pairs] = await size(contradicting);
    if (count > 0)
      found.push({
        code: "contradictoryRows",
        column: target.column.name,
        data: { count, groups: pairs, ...sampled(seen, profile.rows) },
        message: `${count} rows say the same but for the answer: ${some(pairs, "group", "groups")} with different values of "${target.column.name}".`,
        hint: "Nobody can learn both: correct the wrong ones.",
      });
  }
  return found;
}

async function doubtful(subject: Subject): Promise<Problem[]> {
  const found = await suspects(subject);
  if (found.length === 0) return [];
  const [first] = found;
  return [
    {
      code: "labelSuspects",
      column: subject.target!.column.name,
      data: {
        count: found.length,
        said: first!.said,
        likely: first!.likely,
        row: first!.row + 1,
        ...sampled(lookedAt(subject), subject.table.profile.rows),
      },
      row: first!.row + 1,
      message: `${some(found.length, "row", "rows")} may have a wrong answer: those like ${found.length === 1 ? "it" : "them"} say another (row ${first!.row + 1} says "${first!.said}", its like say "${first!.likely}").`,
      hint: "Look at them, and correct what is wrong.",
    },
  ];
}

async function uneven({ target }: Subject): Promise<Problem[]> {
  const top = target?.task === "classification" ? (target.column.top ?? histogram(target.column)) : [];
  const [most, least] = [top[0], top.at(-1)];
  if (!most || !least || top.length < 2 || target!.column.distinct > top.length || most.count < 10 * least.count) return [];
  return [
    {
      code: "unevenClasses",
      column: target!.column.name,
      data: { most: most.count, least: least.count, class: least.value },
      message: `"${most.value}" has ${most.count} rows, "${least.value}" ${least.count}.`,
      hint: "Accuracy alone says little then: look at macro F1, and split with every class by its share.",
    },
  ];
}

/** The classes of whole numbers, which the profile keeps as bars of one value each. */
function histogram({ histogram: bars, integer }: NonNullable<Subject["target"]>["column"]): { value: string; count: number }[] {
  if (!bars || !integer || bars.edges.length < 2 || bars.edges[1]! - bars.edges[0]! !== 1) return [];
  const all = bars.counts.map((count, i) => ({ value: String(bars.edges[i]! + 0.5), count }));
  return all.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
}

/** Texts in which letters were broken on their way. */
async function broken(subject: Subject): Promise<Problem[]> {
  const { table, signal } = subject;
  const { columns, rows } = table.profile;
  const words = columns.flatMap((column, i) => (column.type === "category" || column.type === "text" ? [{ column, i }] : []));
  const found: Problem[] = [];
  for (let from = 0; from < words.length; from += 32) {
    const part = words.slice(from, from + 32);
    const wanted = part.map(({ i }) => `count_if(${brokenSql(i)})`).join(", ");
    const [counts] = await table.database.rows(`SELECT ${wanted} FROM raw WHERE ${every(subject, 200_000)}`, signal);
    for (const [n, { column }] of part.entries()) {
      const count = Number(counts![n]);
      if (count > 0)
        found.push({
          code: "brokenLetters",
          column: column.name,
          data: { count, ...sampled(Math.min(rows, 200_000), rows) },
          message: `${some(count, "value", "values")} of "${column.name}" ${count === 1 ? "has" : "have"} broken letters, as when texts of several encodings are joined.`,
          hint: "Save the sources as UTF-8 before joining them.",
        });
    }
  }
  return found;
}

/** Words that are written in several ways. */
async function variants({ table, signal }: Subject): Promise<Problem[]> {
  const found: Problem[] = [];
  for (const [i, column] of table.profile.columns.entries()) {
    if (column.type !== "category" || column.ignored || column.distinct > 2000 || found.length >= 20) continue;
    const rows = await table.database.rows(`SELECT v, count(*) OVER () FROM ${variantsSql(table.readings[i]!)} ORDER BY v LIMIT 5`, signal);
    if (rows.length === 0) continue;
    const count = Number(rows[0]![1]);
    const list = rows.map(([v]) => `"${String(v)}"`).join(", ");
    found.push({
      code: "spellingVariants",
      column: column.name,
      data: { count, values: list },
      message: `${some(count, "value", "values")} of "${column.name}" ${count === 1 ? "is" : "are"} written in large and small letters: ${list}.`,
      hint: "Each way of writing counts as a value of its own: make them one.",
    });
  }
  return found;
}

const groupName =
  /(patient|subject|person|user|customer|client|member|student|participant|driver|speaker|author|session|visit|trip|house(hold)?|family|device|sensor|machine|engine|vehicle|store|shop|site|hospital|clinic|batch|plate|slide|患者|病人|用户|客户|顾客|会员|学生|门店|设备|批次|家庭)/i;
const idName = /(^|[_\s.-])(id|uid|no|nr|number|code|key)$|[a-z](ID|Id)$|(编号|号)$/;

/** Columns that ask for a split of their own. Said with the reason, never done unasked. */
async function suggestions({ table, target, split }: Subject): Promise<Problem[]> {
  const { columns, rows } = table.profile;
  const found: Problem[] = [];
  const others = columns.filter(({ name, ignored }) => name !== target?.column.name && ignored !== "constant" && ignored !== "empty");
  const group = others.find(
    ({ name, type, distinct, integer, missing }) =>
      (type === "category" || integer === true) &&
      (groupName.test(name) ? distinct >= 5 : idName.test(name) && distinct >= 20) &&
      distinct <= (rows - missing) / 2,
  );
  if (group && split.by?.by !== "group")
    found.push({
      code: "groupColumn",
      column: group.name,
      data: { groups: group.distinct, rows },
      message: `"${group.name}" comes again and again: ${rows} rows of ${group.distinct}.`,
      hint: "If the model is to answer for new ones, hold out whole groups: split by it.",
    });
  const time = others.find(({ type, distinct }) => type === "date" && distinct >= 30);
  if (time && split.by?.by !== "time")
    found.push({
      code: "timeColumn",
      column: time.name,
      data: { first: time.first ?? "", last: time.last ?? "" },
      message: `"${time.name}" tells when: from ${time.first ?? ""} to ${time.last ?? ""}.`,
      hint: "If the model is to tell what comes, test it on the latest rows: split by time.",
    });
  return found;
}
