// Changes to bytes, lines and JSON, as AFL and libFuzzer make them, with the words that the reader knows and the values that it compared.
// https://lcamtuf.blogspot.com/2014/08/binary-fuzzing-strategies-what-works.html
import type { Dice } from "./dice.ts";

export interface Known {
  words: readonly string[];
  /** What the reader compared last, and found to differ: the input's own value and the one that was wanted, or the other way round. */
  compared: readonly (readonly [string | number | bigint, string | number | bigint])[];
  /** Another input that reached something, to take a part from. */
  other: Buffer;
}

const edges = [0, 1, 2, 4, 7, 8, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 512, 1000, 1024, 4096, 32767, 32768, 65535, 65536];
const wide = [...edges, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 24, 1e9, -1, -2, -128, -32768, -(2 ** 31)];
const huge = [2n ** 63n, 2n ** 63n - 1n, 2n ** 64n - 1n, 2n ** 53n, 2n ** 40n, 2n ** 32n];

type Change = (bytes: Buffer, dice: Dice, known: Known) => Buffer;

/** A place, more often in the head and the tail, where formats say what there is. */
function place(bytes: Buffer, dice: Dice): number {
  const near = Math.min(bytes.length, dice.of([16, 64, 256]));
  const from = dice(4);
  return from === 0 ? dice(near) : from === 1 ? bytes.length - 1 - dice(near) : dice(bytes.length);
}

const insert = (bytes: Buffer, at: number, more: Uint8Array) => Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
const replace = (bytes: Buffer, at: number, length: number, by: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + length)]);

function number(width: number, value: number | bigint, little: boolean): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
  const cut = bytes.subarray(0, width);
  return little ? cut : cut.reverse();
}

/** Where the pieces of text that match are: start and length. */
const found = (bytes: Buffer, what: RegExp) => [...bytes.toString("latin1").matchAll(what)].map((m) => [m.index, m[0].length] as const);

const changes: Change[] = [
  (bytes, dice) => ((bytes[place(bytes, dice)]! ^= 1 << dice(8)), bytes),
  (bytes, dice) => ((bytes[place(bytes, dice)] = dice(256)), bytes),
  (bytes, dice) => ((bytes[place(bytes, dice)]! += dice(70) - 35), bytes),
  (bytes, dice) => {
    const width = dice.of([1, 2, 4, 4, 8]);
    const value = number(width, width === 8 && dice.once(2) ? dice.of(huge) : dice.of(width === 1 ? edges : wide), dice.once(2));
    value.copy(bytes, Math.max(0, Math.min(place(bytes, dice), bytes.length - width)));
    return bytes;
  },
  // a part gone, twice there, or elsewhere
  (bytes, dice) => replace(bytes, place(bytes, dice), 1 + dice(dice.of([4, 16, 256, 4096])), Buffer.alloc(0)),
  (bytes, dice) => {
    const at = place(bytes, dice);
    return insert(bytes, place(bytes, dice), bytes.subarray(at, at + 1 + dice(dice.of([4, 16, 256, 4096]))));
  },
  (bytes, dice) => bytes.subarray(0, 1 + dice(bytes.length)),
  (bytes, dice) => insert(bytes, place(bytes, dice), Buffer.from(Array.from({ length: 1 + dice(16) }, () => dice(256)))),
  (bytes, dice) => bytes.fill(dice.of([0, 0xff, 0x7f, 0x20, 0x30]), place(bytes, dice), Math.min(bytes.length, dice(bytes.length) + 64)),
  // words that the reader knows
  (bytes, dice, { words }) => insert(bytes, place(bytes, dice), Buffer.from(words.length ? dice.of(words) : "x")),
  (bytes, dice, { words }) => {
    const word = Buffer.from(words.length ? dice.of(words) : "x");
    return replace(bytes, place(bytes, dice), word.length, word);
  },
  // a part of another input
  (bytes, dice, { other }) => Buffer.concat([bytes.subarray(0, dice(bytes.length)), other.subarray(dice(other.length))]),
  (bytes, dice, { other }) => {
    const from = dice(other.length);
    const part = other.subarray(from, from + 1 + dice(256));
    return replace(bytes, place(bytes, dice), dice.once(2) ? part.length : 0, part);
  },
  // numbers as text
  (bytes, dice) => {
    const numbers = found(bytes, /-?\d+(?:\.\d+)?/g);
    if (!numbers.length) return bytes;
    const [at, length] = dice.of(numbers);
    return replace(bytes, at, length, Buffer.from(dice.of(["0", "-1", "1e400", "NaN", "-0", "1e-400", "00", String(dice.of(wide)), String(dice.of(huge))]))); // prettier-ignore
  },
  // lines: twice, gone, exchanged
  (bytes, dice) => {
    const lines = bytes.toString("latin1").split("\n");
    const [a, b] = [dice(lines.length), dice(lines.length)];
    const how = dice(3);
    if (how === 0) lines.splice(a, 0, lines[b]!);
    else if (how === 1) lines.splice(a, 1);
    else [lines[a], lines[b]] = [lines[b]!, lines[a]!];
    return Buffer.from(lines.join("\n"), "latin1");
  },
  byCompared,
  byCompared,
];

/** Puts one side of a comparison where the input has the other. */
function byCompared(bytes: Buffer, dice: Dice, { compared }: Known): Buffer {
  if (!compared.length) return bytes;
  const pair = dice.of(compared);
  const [from, to] = dice.once(2) ? pair : [pair[1], pair[0]];
  const forms: [Buffer, Buffer][] = [[Buffer.from(String(from)), Buffer.from(String(to))]];
  if (isWhole(from) && isWhole(to))
    for (const width of [1, 2, 4, 8])
      for (const little of [true, false]) forms.push([number(width, from, little), number(width, to, little)]);
  const first = dice(forms.length);
  for (let i = 0; i < forms.length; i++) {
    const [a, b] = forms[(first + i) % forms.length]!;
    const places: number[] = [];
    for (let at = bytes.indexOf(a); at >= 0 && places.length < 50; at = bytes.indexOf(a, at + 1)) places.push(at);
    if (a.length && places.length) return replace(bytes, dice.of(places), a.length, b);
  }
  return bytes;
}

const isWhole = (value: unknown): value is number | bigint => Number.isSafeInteger(value) || typeof value === "bigint";

/** One to six changes, on a copy. */
export function mutated(bytes: Buffer, dice: Dice, known: Known, most: number): Buffer {
  if (dice.once(3)) {
    const json = mutatedJson(bytes, dice, known);
    if (json && json.length <= most) return json;
  }
  let out = Buffer.from(bytes);
  for (let n = dice.of([1, 1, 2, 3, 4, 6]); n > 0; n--) {
    if (!out.length) out = Buffer.from(known.other.subarray(0, 64));
    if (!out.length) out = Buffer.from([dice(256)]);
    out = Buffer.from(dice.of(changes)(out, dice, known));
  }
  return out.subarray(0, most);
}

const deep = (depth: number, open: string, close: string) => open.repeat(depth) + "1" + close.repeat(depth);
/** Values that are put in as they are: JSON.stringify would not write them. */
const raw = [
  deep(50, "[", "]"),
  deep(3000, "[", "]"),
  deep(20_000, "[", "]"),
  deep(3000, '{"a":', "}"),
  "1e999",
  "-0",
  "123456789012345678901234567890",
  '{"__proto__":{"x":1}}',
  '"\\ud800"',
  '"\\u0000"',
];
const plainValues = [null, true, false, 0, 1, -1, 0.5, 2 ** 31, 2 ** 53, -(2 ** 31), 1e300, "", "x", "..", "/etc/passwd", "__proto__", "constructor", "a".repeat(5000), [], {}, [[]], [null]]; // prettier-ignore

/** JSON, or lines of it, with its tree changed; undefined where it is none. */
export function mutatedJson(bytes: Buffer, dice: Dice, { words }: Pick<Known, "words">): Buffer | undefined {
  const text = bytes.toString("utf8");
  const start = text.search(/\S/);
  if (start < 0 || !"[{".includes(text[start]!)) return undefined;
  const lines = text.split("\n");
  for (const [chosen, put] of [
    [text, (changed: string) => changed],
    ...(() => {
      const at = dice(lines.length);
      return [[lines[at]!, (changed: string) => lines.with(at, changed).join("\n")] as const];
    })(),
  ] as const) {
    let value: unknown;
    try {
      value = JSON.parse(chosen);
    } catch {
      continue;
    }
    const inserted: string[] = [];
    const mark = (text: string) => `\u0001${inserted.push(text) - 1}\u0001`;
    let out: string;
    try {
      for (let n = dice.of([1, 1, 2, 4]); n > 0; n--) value = changedTree(value, dice, words, mark);
      out = JSON.stringify(value) ?? "null";
    } catch {
      return undefined; // nested too deeply for a copy
    }
    return Buffer.from(put(out.replace(/"\\u0001(\d+)\\u0001"/g, (_, i) => inserted[Number(i)]!)));
  }
  return undefined;
}

type Holder = { holder: Record<string, unknown>; key: string };

/** Every place in the tree, up to 3,000. */
function places(root: Record<string, unknown>): Holder[] {
  const all: Holder[] = [];
  const queue: unknown[] = [root];
  for (let i = 0; i < queue.length && all.length < 3000; i++)
    for (const [key, value] of Object.entries(queue[i] as object)) {
      if (all.length >= 3000) break;
      all.push({ holder: queue[i] as Record<string, unknown>, key });
      if (typeof value === "object" && value !== null) queue.push(value);
    }
  return all;
}

function changedTree(tree: unknown, dice: Dice, words: readonly string[], mark: (text: string) => string): unknown {
  const root: Record<string, unknown> = { tree };
  const all = places(root);
  const { holder, key } = dice.of(all);
  const value = holder[key];
  const list = Array.isArray(holder);
  switch (dice(9)) {
    case 0:
      holder[key] = dice.of(plainValues);
      break;
    case 1:
      holder[key] = mark(dice.of(raw));
      break;
    case 2:
      if (list) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 3:
      if (list) holder.push(structuredClone(value));
      else holder[words.length ? dice.of(words) : "x"] = structuredClone(value);
      break;
    case 4: {
      const other = dice.of(all);
      holder[key] = structuredClone(other.holder[other.key]);
      break;
    }
    case 5:
      if (typeof value === "number") holder[key] = dice.of([value + 1, value - 1, -value, value * 2, value / 3, dice.of(wide)]);
      else if (typeof value === "string") holder[key] = words.length && dice.once(2) ? dice.of(words) : value + value;
      else holder[key] = [value];
      break;
    case 6:
      if (Array.isArray(value)) value.reverse();
      else if (words.length) holder[key] = dice.of(words);
      break;
    case 7:
      if (Array.isArray(value)) for (let i = dice(20); i > 0; i--) value.push(structuredClone(value[dice(value.length)] ?? 0));
      else if (typeof value === "object" && value !== null)
        Object.assign(value, { [words.length ? dice.of(words) : "x"]: dice.of(plainValues) });
      else holder[key] = String(value);
      break;
    case 8:
      if (!list) {
        delete holder[key];
        holder[dice.of(["__proto__x", key.toUpperCase(), `${key} `, words.length ? dice.of(words) : "x", ""])] = value;
      }
      break;
  }
  return root["tree"];
}
