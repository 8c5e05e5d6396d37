// Random tables of every kind of column, as text, for tests that compare what different readers make of them.
import { Random } from "../../worker/random.ts";

export interface RandomTable {
  names: string[];
  rows: string[][];
  target: string;
  task: "classification" | "regression";
}

const hostileNames = ["label", "probabilities", "value", "x", "codes", "hidden0.weight", "out.bias", 'say "hi"', "comma, here", "列 名", "c0", " a b ", "n", "Softmax"]; // prettier-ignore
const words = ["red", "Green", "été", "你好", "a,b", 'q"q', "line\nbreak", "=1+1", "yes", "no", "0", "x y"];

type Maker = (random: Random) => string;

const kinds: ((random: Random) => Maker)[] = [
  // numbers: whole, real, tiny and huge, with missing ones
  () => (random) => String(Math.floor(random.uniform() * 100)),
  () => (random) => (random.uniform() < 0.2 ? "" : (random.normal() * 10).toFixed(3)),
  (random) => {
    const scale = 10 ** Math.floor(random.uniform() * 18 - 6);
    return (random) => (random.normal() * scale).toPrecision(6);
  },
  // categories, with missing ones
  () => (random) => words[Math.floor(random.uniform() ** 2 * words.length)]!,
  () => (random) => (random.uniform() < 0.15 ? "" : `group ${Math.floor(random.uniform() * 30)}`),
  // dates
  () => (random) => new Date(Date.UTC(2015, 0, 1 + Math.floor(random.uniform() * 4000))).toISOString().slice(0, 10),
  () => (random) => (random.uniform() < 0.1 ? "" : new Date(Date.UTC(2020, 0, 1, 0, Math.floor(random.uniform() * 1e6))).toISOString().slice(0, 16).replace("T", " ")), // prettier-ignore
];

/** Two to eight columns and an answer of numbers or of 2 to 30 classes; the same for the same seed. */
export function randomTable(seed: number, rows = 120): RandomTable {
  const random = new Random(seed, "table");
  const count = 2 + Math.floor(random.uniform() * 7);
  const pool = [...hostileNames];
  const names = Array.from({ length: count }, (_, i) =>
    random.uniform() < 0.5 ? pool.splice(Math.floor(random.uniform() * pool.length), 1)[0]! : `column ${i}`,
  );
  const makers = names.map(() => kinds[Math.floor(random.uniform() * kinds.length)]!(random));
  const task = random.uniform() < 0.6 ? "classification" : "regression";
  const classes = 2 + Math.floor(random.uniform() ** 2 * 28);
  const big = random.uniform() < 0.3 ? 1.6e9 : 0;
  const answer: Maker = (random) =>
    task === "regression" ? (big + random.normal() * 50 + 0.5).toFixed(2) : `class ${Math.floor(random.uniform() * classes)}`;
  const target = "the answer";
  return {
    names: [...names, target],
    rows: Array.from({ length: rows }, () => [...makers, answer].map((make) => make(random))),
    target,
    task,
  };
}

export function csvText(names: string[], rows: string[][]): string {
  const cell = (text: string) => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [names, ...rows].map((row) => row.map(cell).join(",") + "\n").join("");
}
