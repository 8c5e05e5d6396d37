import { en } from "../format.ts";

export const takeAway = {
  more: "Other forms",
  forms: {
    onnx: { title: "ONNX", what: "One file with everything inside. It runs wherever ONNX runs." },
    "onnx-int8": {
      title: "ONNX in 8 bits",
      what: "For small devices and downloads: a quarter to a half of the size, rounded a little. Runs wherever ONNX runs.",
    },
    tfjs: {
      title: "TensorFlow.js",
      what: "For web pages: a folder with the model, the code from values to numbers, and a small example page.",
    },
    safetensors: {
      title: "Weights (safetensors)",
      what: "For those who build the network elsewhere: every weight by its name, with what it is for.",
    },
  },
  save: "Save",
  saveAs: (form: string) => `Save as ${form}`,
  working: "Writing, reading back, comparing…",
  size: (bytes: number, before: number) => `${en.bytes(bytes)} (ONNX: ${en.bytes(before)})`,
  bytes: "Read back: the same file.",
  weights: (n: number) =>
    en.plural(n, { one: "Read back: the same # table of weights.", other: "Read back: the same # tables of weights." }),
  compared: (n: number, difference: number) =>
    en.plural(n, {
      one: `Read back and asked # row it had not learned from: largest difference ${en.number(difference, 2)}.`,
      other: `Read back and asked # rows it had not learned from: largest difference ${en.number(difference, 2)}.`,
    }),
  comparedTrain: (n: number, difference: number) =>
    `Read back and asked ${en.count(n)} rows that it learned from (none were held out): largest difference ${en.number(difference, 2)}.`,
  metric: (name: string, before: string, after: string) => `${name}: ${before} before, ${after} after.`,
};
