// preprocess.mjs, written beside a TensorFlow.js model: what is given (a row of a table, a text, a picture) → the tensors of the model, and the
// model's tensors → an answer. Plain JavaScript without imports, for browsers, Node and Deno. comparing.ts runs it before an export counts.
import type { TextStep } from "./textSteps.ts";
import type { TfPort } from "./graphDef.ts";

export interface PageFacts {
  kind: "table" | "text" | "pictures";
  task: "classification" | "regression";
  target: string;
  classes?: string[];
  inputs: TfPort[];
  /** Tables: the columns, and which value feeds which input. */
  columns?: { name: string; kind: string; example: string }[];
  steps?: TextStep[];
  feeds?: Record<string, { column: string } | { value: string }>;
  /** Values of steps that are columns as text, by value. */
  texts?: Record<string, string>;
  /** Pictures: the side at which the network sees them. */
  size?: number;
}

const head = (
  facts: PageFacts,
) => `// Made by Paddock. What the model takes, what it answers, and the functions between people's values and its tensors.
// Use:  import { facts, tensorsOf, answersOf } from "./preprocess.mjs";
//       const model = await tf.loadGraphModel("model.json");
//       const feeds = Object.fromEntries(tensorsOf(${argument[facts.kind]}).map(({ name, data, shape, dtype }) => [name, tf.tensor(data, shape, dtype)]));
//       const [output] = [model.execute(feeds)].flat();
//       console.log(answersOf(await output.data()));
export const facts = ${JSON.stringify(facts, null, 1)};
`;

const argument = {
  table: "[{ column: value, … }]",
  text: '["a text", "another"]',
  pictures: "[imageData]  /* { data, width, height } of a canvas */",
};

const table = String.raw`
/** One row: every value that the steps make, by name. */
function walk(row) {
  const values = new Map();
  const get = (name) => values.has(name) ? values.get(name) : text(row[facts.texts[name]]);
  for (const step of facts.steps) {
    switch (step.op) {
      case "constant": values.set(step.out, step.value); break;
      case "lookup": values.set(step.out, lookup(step, get(step.in))); break;
      case "matches": values.set(step.out, new RegExp("^(?:" + step.pattern + ")$", "u").test(get(step.in))); break;
      case "choose": values.set(step.out, get(step.in) ? get(step.text) : get(step.otherwise)); break;
      case "split": values.set(step.out, split(get(step.in), step.delimiter, step.most)); break;
      case "piece": values.set(step.out, [get(step.in)].flat()[step.index]); break;
      case "whole": values.set(step.out, parseInt(get(step.in), 10)); break;
    }
  }
  return values;
}

const tables = new Map();
function lookup(step, key) {
  if (!tables.has(step)) tables.set(step, new Map(step.keys.map((k, i) => [k, step.values[i]])));
  const found = tables.get(step);
  return found.has(key) ? found.get(key) : step.otherwise;
}

function split(given, delimiter, most) {
  const parts = delimiter === "" ? given.split(/\s+/).filter((part) => part !== "") : given.split(delimiter);
  if (parts.length <= most + 1) return parts.length ? parts : [""];
  return [...parts.slice(0, most), parts.slice(most).join(delimiter || " ")];
}

const text = (value) => (value === undefined || value === null ? "" : String(value).trim());
/** A number, or a text such as 1234.5; anything else is missing. */
const number = (value) => (typeof value === "number" ? value : text(value) === "" ? NaN : Number(value));

/** Rows by column name (see facts.columns) → the tensors of the model. */
export function tensorsOf(rows) {
  const walked = rows.map(walk);
  return facts.inputs.map(({ name, dtype }) => {
    const from = facts.feeds[name];
    const data = rows.map((row, i) => ("column" in from ? number(row[from.column]) : Number(walked[i].get(from.value))));
    return { name, dtype, shape: [rows.length, 1], data: dtype === "float32" ? Float32Array.from(data) : dtype === "bool" ? Uint8Array.from(data) : Int32Array.from(data) };
  });
}
`;

const texts = String.raw`
import { tokenize } from "./tokenize.mjs";

/** Texts → the tensors of the model. */
export function tensorsOf(texts) {
  const { ids, weights, dims } = tokenize(texts);
  return [
    { name: "ids", dtype: "int32", shape: dims, data: Int32Array.from(ids, Number) },
    { name: "weights", dtype: "float32", shape: dims, data: weights },
  ];
}
`;

const pictures = String.raw`
/** What each place of the new side is made of: triangles over the old side, as wide as a new place. */
function filter(from, to) {
  const scale = from / to;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5;
    const parts = [];
    let sum = 0;
    for (let at = Math.floor(centre - reach); at <= Math.ceil(centre + reach); at++) {
      const weight = Math.max(0, 1 - Math.abs((at - centre) / reach));
      if (weight === 0) continue;
      // what lies outside of the picture counts as its border
      parts.push([Math.min(from - 1, Math.max(0, at)), weight]);
      sum += weight;
    }
    return parts.map(([at, weight]) => [at, weight / sum]);
  });
}

/** Pixels (height × width × channels, 3 or 4 of them) → float32 [size, size, 3] of 0 … 255. */
export function resize(data, width, height, channels = 4, size = facts.size) {
  const across = filter(width, size);
  const down = filter(height, size);
  const rows = new Float32Array(height * size * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (const [at, weight] of across[x]) sum += weight * data[(y * width + at) * channels + c];
        rows[(y * size + x) * 3 + c] = sum;
      }
  const out = new Float32Array(size * size * 3);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size * 3; x++) {
      let sum = 0;
      for (const [at, weight] of down[y]) sum += weight * rows[at * size * 3 + x];
      out[y * size * 3 + x] = sum;
    }
  return out;
}

/** Pictures as a canvas gives them ({ data, width, height }; transparent pixels laid on white beforehand) → the tensors of the model. */
export function tensorsOf(images) {
  const each = facts.size * facts.size * 3;
  const data = new Float32Array(images.length * each);
  images.forEach(({ data: pixels, width, height }, i) =>
    data.set(resize(pixels, width, height, Math.round(pixels.length / (width * height))), i * each));
  return [{ name: "pictures", dtype: "float32", shape: [images.length, facts.size, facts.size, 3], data }];
}
`;

const answers = String.raw`
/** Numbers of the model's output → one answer a row: { label, probabilities } or { value }. */
export function answersOf(output) {
  const values = Array.from(output);
  if (facts.task === "regression") return values.map((value) => ({ value }));
  const width = facts.classes.length;
  return Array.from({ length: values.length / width }, (_, row) => {
    const probabilities = values.slice(row * width, (row + 1) * width);
    return { label: facts.classes[probabilities.indexOf(Math.max(...probabilities))], probabilities };
  });
}
`;

export const preprocessText = (facts: PageFacts): string => head(facts) + { table, text: texts, pictures }[facts.kind] + answers;

export const readme = (facts: PageFacts, files: readonly string[]): string => `# A model for TensorFlow.js

Made by Paddock. It predicts ${facts.target === "class" && facts.kind === "pictures" ? "what a picture shows" : `"${facts.target}"`} of ${{ table: "a row", text: "a text", pictures: "a picture" }[facts.kind]}, in a browser or in Node, without a server.

${files.map((name) => `- \`${name}\`: ${about(name)}`).join("\n")}

\`example.html\` is a page that uses all of it. Put \`tf.min.js\` of TensorFlow.js (npm: @tensorflow/tfjs) beside it and serve the folder with any
web server.
`;

function about(name: string): string {
  if (name === "model.json") return "the graph and the names of its weights, for `tf.loadGraphModel`";
  if (name === "preprocess.mjs") return "from people's values to the model's tensors, and back to an answer; it says what it takes";
  if (name === "tokenize.mjs") return "how a text becomes numbers";
  if (name === "example.html") return "a small page";
  return "weights";
}

export const example = (facts: PageFacts): string => `<!doctype html>
<meta charset="utf-8" />
<title>Model</title>
<style>body { font: 16px system-ui; max-width: 40rem; margin: 2rem auto; padding: 0 1rem } label { display: block; margin: .5rem 0 } pre { white-space: pre-wrap }</style>
${facts.kind === "pictures" ? '<input id="file" type="file" accept="image/*" />' : '<form id="form"></form>'}
<pre id="answer"></pre>
<script src="tf.min.js"></script>
<script type="module">
import { facts, tensorsOf, answersOf } from "./preprocess.mjs";
const model = await tf.loadGraphModel("model.json");
async function answer(given) {
  const feeds = Object.fromEntries(tensorsOf(given).map(({ name, data, shape, dtype }) => [name, tf.tensor(data, shape, dtype)]));
  const [output] = [model.execute(feeds)].flat();
  document.querySelector("#answer").textContent = JSON.stringify(answersOf(await output.data())[0], null, 2);
}
${{ table: tablePage, text: textPage, pictures: picturePage }[facts.kind]}</script>
`;

const tablePage = `const form = document.querySelector("#form");
for (const { name, example } of facts.columns) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.name = name;
  input.value = example;
  label.append(name + " ", input);
  form.append(label);
}
form.addEventListener("input", () => answer([Object.fromEntries(new FormData(form))]));
answer([Object.fromEntries(new FormData(form))]);
`;

const textPage = `const area = document.createElement("textarea");
area.rows = 6;
area.style.width = "100%";
document.querySelector("#form").append(area);
area.addEventListener("input", () => answer([area.value]));
`;

const picturePage = `document.querySelector("#file").addEventListener("change", async (event) => {
  const picture = await createImageBitmap(event.target.files[0]);
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0);
  answer([context.getImageData(0, 0, canvas.width, canvas.height)]);
});
`;
