// The tokenizer as a file of its own, written beside a run's model.onnx: plain JavaScript without imports, for Node, Deno and browsers.
// The same rules as pieces.ts; standalone.test.ts holds the two together.
import { mostLetters, mostPlaces, type PieceSettings } from "./pieces.ts";

/** The text of tokenize.mjs. */
export function standalone({ bits, words, letters }: PieceSettings): string {
  return String.raw`// Text to the inputs of model.onnx. In Node:  node tokenize.mjs "a text" "another"   prints them as JSON.
// In a program:  import { tokenize } from "./tokenize.mjs"; const { ids, weights, dims } = tokenize(["a text", "another"]);
// then run model.onnx with ids (int64) and weights (float32), both of these dims [texts, most places]; a weight of 0 is filling.
const settings = { bits: ${bits}, words: ${words}, letters: [${letters.join(", ")}], mostLetters: ${mostLetters}, mostPlaces: ${mostPlaces} };
const scripts = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"].map((name) => "\\p{Script=" + name + "}").join("");
const inWord = "\\p{L}\\p{M}\\p{N}_";
const parts = new RegExp("[" + scripts + "]|[" + inWord + "]+?(?=[" + scripts + "]|[^" + inWord + "]|$)|[^\\s" + inWord + "]+", "gu");
const spaceless = new RegExp("^[" + scripts + "]", "u");
const prime = 0x01000193;

function extend(hash, text) {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), prime);
  return hash;
}

function place(hash) {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> (32 - settings.bits);
}

/** The places that a text fills, each with how often. */
export function places(text) {
  const [shortest, longest] = settings.letters;
  const wordStart = Math.imul(0x811c9dc5 ^ 1, prime);
  const letterStart = Math.imul(0x811c9dc5 ^ 2, prime);
  const found = new Map();
  const tell = (hash) => {
    const id = place(hash);
    if (found.has(id)) found.set(id, Math.min(255, found.get(id) + 1));
    else if (found.size < settings.mostPlaces) found.set(id, 1);
  };
  const read = text.slice(0, settings.mostLetters).normalize("NFKC").toLowerCase().slice(0, settings.mostLetters);
  let before = "";
  let run = [];
  let end = -1;
  for (const match of read.matchAll(parts)) {
    const word = match[0].slice(0, 64);
    tell(extend(wordStart, word));
    if (settings.words > 1 && before !== "") tell(extend(extend(wordStart, before + " "), word));
    before = word;
    if (longest > 0 && spaceless.test(word)) {
      run = match.index === end ? [...run, word].slice(-longest) : [word];
      end = match.index + word.length;
      for (let n = Math.max(3, shortest); n <= run.length; n++) tell(extend(letterStart, run.slice(-n).join("")));
    } else if (longest > 0 && word.length > 1) {
      const framed = "<" + word + ">";
      for (let from = 0; from < framed.length; from++)
        for (let n = shortest; n <= longest && from + n <= framed.length && n < framed.length; n++)
          tell(extend(letterStart, framed.slice(from, from + n)));
    }
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

/** The inputs of model.onnx for these texts. */
export function tokenize(texts) {
  const rows = texts.map(places);
  const longest = Math.max(1, ...rows.map((row) => row.size));
  const ids = new BigInt64Array(rows.length * longest);
  const weights = new Float32Array(rows.length * longest);
  rows.forEach((row, r) => {
    let at = r * longest;
    for (const [id, count] of row) {
      ids[at] = BigInt(id);
      weights[at++] = 1 + Math.log(count);
    }
  });
  return { ids, weights, dims: [rows.length, longest] };
}

if (typeof process !== "undefined" && process.argv?.[1] && import.meta.url.endsWith(encodeURI(process.argv[1].split(/[\\/]/).pop()))) {
  const { ids, weights, dims } = tokenize(process.argv.slice(2));
  console.log(JSON.stringify({ dims, ids: [...ids].map(Number), weights: [...weights] }));
}
`;
}
