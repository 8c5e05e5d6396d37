// Which column of a table holds the texts, and which one the answers.
import { AppError } from "../../../ipc/error.ts";
import type { ColumnProfile, TableProfile } from "../../../ipc/types.ts";
import { columns as ours } from "./folder.ts";

export interface TextChoice {
  text: string;
  target: string | undefined;
  /** Columns that could say something too and are left out. */
  leftOut: string[];
}

const named = /^(text|content|review|message|comment|sentence|document|body|sms|tweet|文本|内容|评论|正文|句子|留言)$/i;

/** The column of texts: free text, else one that is named so and holds words. Of several the best named, then the one with most different texts. */
export function textColumn(profile: TableProfile, target?: string): ColumnProfile | undefined {
  const words = profile.columns.filter(({ name, type }) => name !== target && (type === "text" || type === "category"));
  const free = words.filter(({ type }) => type === "text");
  const candidates = free.length ? free : words.filter(({ name, distinct }) => named.test(name) && distinct > 1);
  const rank = (column: ColumnProfile) => (named.test(column.name) ? 1 : 0);
  return [...candidates].sort((a, b) => rank(b) - rank(a) || b.distinct - a.distinct)[0];
}

/** @throws AppError noFeatures where no column holds text */
export function chooseText(profile: TableProfile, spec: { target?: string; ignore?: string[] }): TextChoice {
  const target = spec.target ?? targetOf(profile);
  const shown = { ...profile, columns: profile.columns.filter(({ name }) => !spec.ignore?.includes(name)) };
  const column = textColumn(shown, target);
  if (!column)
    throw new AppError("noFeatures", `${profile.file} has no column of text.`, "Train it as a table, or choose a file with texts.", {
      file: profile.file,
      columns: profile.columns.slice(0, 50).map(({ name }) => name),
    });
  const leftOut = shown.columns.filter(({ name, ignored }) => name !== column.name && name !== target && name !== ours.file && !ignored);
  return { text: column.name, target, leftOut: leftOut.map(({ name }) => name) };
}

function targetOf(profile: TableProfile): string | undefined {
  const folder = profile.columns.some(({ name }) => name === ours.file) && profile.columns.find(({ name }) => name === ours.label);
  return folder ? ours.label : profile.target?.column;
}

/** Whether a table is one of texts: a column of free text and a label, and nothing else to learn from. */
export function isTextTable(profile: TableProfile): boolean {
  const target = targetOf(profile);
  if (target === undefined || profile.columns.filter(({ type }) => type === "text").length !== 1) return false;
  return chooseText(profile, {}).leftOut.length === 0;
}
