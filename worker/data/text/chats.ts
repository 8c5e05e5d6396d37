// Conversations in JSON Lines or a JSON list: messages in turn, prompt and completion, instruction with input and output, question and
// answer. Read for looking only: a line at a time, each checked; what is no conversation is counted with its row.
import { basename } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { ChatsProfile } from "../../../ipc/types.ts";
import { head, letters, type Scan, scan } from "../scan.ts";

type Form = ChatsProfile["form"];
export interface Message {
  role: string;
  content: string;
}

/** A line or a JSON list longer than this is no conversation that could be learned from. */
const most = { line: 16 * 2 ** 20, list: 256 * 2 ** 20, shown: 20, letters: 600 };

/** Keys of a question and its answer, by the form that they make. */
const pairs: [Form, question: string[], answer: string[]][] = [
  ["prompt/completion", ["prompt"], ["completion", "response", "chosen"]],
  ["instruction/input/output", ["instruction"], ["output", "response"]],
  ["question/answer", ["question", "q", "query", "问题"], ["answer", "a", "response", "answers", "答案", "回答"]],
];

/** The conversation in one row, or undefined where there is none. */
export function conversationOf(row: unknown): { form: Form; messages: Message[] } | undefined {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return undefined;
  const fields = row as Record<string, unknown>;
  for (const form of ["messages", "conversations"] as const) {
    const list = fields[form];
    if (!Array.isArray(list) || list.length === 0) continue;
    const messages = list.map(messageOf);
    return messages.every((m) => m !== undefined) ? { form, messages } : undefined;
  }
  for (const [form, questions, answers] of pairs) {
    const question = textAt(fields, questions);
    const answer = textAt(fields, answers);
    if (question === undefined || answer === undefined) continue;
    const input = form === "instruction/input/output" && typeof fields["input"] === "string" ? fields["input"] : "";
    const system = textAt(fields, ["system"]);
    const messages = [
      ...(system ? [{ role: "system", content: system }] : []),
      { role: "user", content: input ? `${question}\n${input}` : question },
      { role: "assistant", content: answer },
    ];
    return { form, messages };
  }
  return undefined;
}

function textAt(fields: Record<string, unknown>, names: string[]): string | undefined {
  for (const name of names) if (Object.hasOwn(fields, name) && typeof fields[name] === "string") return fields[name];
  return undefined;
}

/** {role, content} or {from, value}; content may be a list of parts with texts. */
function messageOf(value: unknown): Message | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { role, from, content, value: said } = value as Record<string, unknown>;
  const who = role ?? from;
  const what = content ?? said;
  if (typeof who !== "string") return undefined;
  if (typeof what === "string") return { role: who, content: what };
  if (what === null || what === undefined) return { role: who, content: "" }; // a call of a tool says nothing itself
  if (!Array.isArray(what)) return undefined;
  const parts = what.map((part) => (part as { text?: unknown } | null)?.text).filter((text) => typeof text === "string");
  return { role: who, content: parts.join("") };
}

/** Whether the file's first row is a conversation. Reads its start only; false for whatever cannot be read. */
export async function looksLikeChats(file: string): Promise<boolean> {
  if (!/\.(jsonl|ndjson|json)$/i.test(file)) return false;
  try {
    const start = (await head(file, { encoding: "utf-8", mark: 0, bytes: 1 << 20, fingerprint: "", guessed: false }, 1 << 20)).text;
    const first = start.replace(/^\ufeff/, "").trimStart();
    if (first.startsWith("[")) return conversationOf(firstOf(first)) !== undefined;
    return conversationOf(JSON.parse(first.split(/\r?\n/, 1)[0]!)) !== undefined;
  } catch {
    return false; // no JSON: another reader says what it is
  }
}

/** The first object of a JSON list of which only the start is there. */
function firstOf(list: string): unknown {
  let depth = 0;
  let quoted = false;
  const from = list.indexOf("{");
  for (let i = Math.max(0, from); i < list.length; i++) {
    const letter = list[i]!;
    if (quoted) {
      if (letter === "\\") i++;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === "{") depth++;
    else if (letter === "}" && --depth === 0) return JSON.parse(list.slice(from, i + 1));
  }
  return undefined;
}

/** Throws fileEmpty, fileNotText, fileTooLarge, tableEncoding, and formatUnknown where no row is a conversation. */
export async function inspectChats(file: string, signal?: AbortSignal): Promise<ChatsProfile> {
  const scanned = await scan(file, signal);
  const name = basename(file);
  const forms = new Map<Form, number>();
  const preview: Message[][] = [];
  const bad = { count: 0, first: 0 };
  let rows = 0;
  let messages = 0;
  for await (const row of rowsOf(file, scanned, signal)) {
    rows++;
    const found = conversationOf(row);
    if (!found) {
      if (bad.count++ === 0) bad.first = rows;
      continue;
    }
    forms.set(found.form, (forms.get(found.form) ?? 0) + 1);
    messages += found.messages.length;
    if (preview.length < most.shown)
      preview.push(found.messages.slice(0, 8).map(({ role, content }) => ({ role, content: content.slice(0, most.letters) })));
  }
  const [form] = [...forms].sort((a, b) => b[1] - a[1])[0] ?? [];
  if (!form)
    throw new AppError(
      "formatUnknown",
      `'${name}' holds no conversation.`,
      'A row is {"messages": [{"role", "content"}, …]}, {"prompt", "completion"} or {"instruction", "input", "output"}.',
      { file: name },
    );
  const broken = {
    code: "brokenRows" as const,
    row: bad.first,
    data: { count: bad.count, row: bad.first },
    message: `${bad.count} row${bad.count === 1 ? " is" : "s are"} no conversation; the first is row ${bad.first}.`,
    hint: "They are left out; mend them to take them in.",
  };
  return {
    kind: "chats",
    file: name,
    bytes: scanned.bytes,
    rows,
    form,
    messages,
    problems: bad.count ? [broken] : [],
    preview,
    fingerprint: scanned.fingerprint,
  };
}

/** The rows of JSON Lines or of a JSON list; what is no JSON comes as undefined. */
export async function* rowsOf(file: string, scanned: Scan, signal?: AbortSignal): AsyncGenerator<unknown> {
  const { text } = await head(file, scanned, 4096);
  if (text.trimStart().startsWith("[")) {
    yield* await wholeList(file, scanned, signal);
    return;
  }
  let rest = "";
  let long = false;
  for await (const piece of letters(file, scanned, signal)) {
    const lines = piece.split("\n");
    for (const [i, line] of lines.entries()) {
      if (!long) rest += line;
      if (rest.length > most.line) {
        long = true;
        rest = "";
      }
      if (i === lines.length - 1) break;
      if (long) yield undefined;
      else if (rest.trim() !== "") yield parsed(rest);
      rest = "";
      long = false;
    }
  }
  if (long) yield undefined;
  else if (rest.trim() !== "") yield parsed(rest);
}

async function wholeList(file: string, scanned: Scan, signal?: AbortSignal): Promise<unknown[]> {
  const name = basename(file);
  if (scanned.bytes > most.list)
    throw new AppError("fileTooLarge", `'${name}' is one JSON list of ${scanned.bytes} bytes.`, "Save it as JSON Lines, a row a line.", {
      file: name,
      limit: most.list,
    });
  let whole = "";
  for await (const piece of letters(file, scanned, signal)) whole += piece;
  try {
    const list: unknown = JSON.parse(whole);
    if (Array.isArray(list)) return list;
    throw new SyntaxError("not a list");
  } catch (error) {
    throw new AppError(
      "formatUnknown",
      `'${name}' is no JSON: ${(error as Error).message}.`,
      "Mend it, or save it as JSON Lines.",
      { file: name },
      error,
    );
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined; // counted by whoever reads the rows
  }
}
