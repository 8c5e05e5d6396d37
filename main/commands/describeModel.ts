// A model's card as a person reads it in a terminal.
import type { ModelPort, ModelProfile } from "../../ipc/types.ts";
import { bytes, columns, short } from "./output.ts";

const port = ({ name, dtype, dims, use }: ModelPort) => [`  ${name}`, `${dtype}[${dims.join(", ")}]`, use];

/** A language model: what a person asks of one. */
function describeLanguage(found: ModelProfile, language: NonNullable<ModelProfile["language"]>): string {
  const { file, format, family, parameters, bits, memory, about, problems, context, template, weights, training } = found;
  return [
    `${file}: ${family}, a language model, ${bytes(found.bytes)}, ${format === "gguf" ? "GGUF" : "Hugging Face folder"}`,
    `${parameters} parameters of ${bits} bits (${weights.map((w) => `${w.dtype} ${bytes(w.bytes)}`).join(", ")})`,
    `${language.layers} layers of width ${language.width}, ${language.heads} heads (${language.kvHeads} of keys), ${language.vocabulary} tokens`,
    `Context: ${context} tokens; ${template ? "it says how a conversation is laid out" : "no chat template: it goes on with a text"}`,
    `Memory to run it: ${bytes(memory.total)} (weights ${bytes(memory.weights)}, keys and values of ${language.reckonedContext} tokens ${bytes(memory.activations ?? 0)})`,
    training.full.fits ? "It can be fine-tuned: paddock train DATA --model FILE." : training.full.why,
    ...Object.entries(about).map(([key, value]) => `${key}: ${value}`),
    ...problems.map(({ message, hint }) => `! ${message} ${hint}`.trim()),
  ].join("\n");
}

export function describeModel(found: ModelProfile): string {
  if (found.language) return describeLanguage(found, found.language);
  const { file, family, own, parameters, bits, opsets, memory, measured, training, operators, labels, about, files, problems } = found;
  const made = own ? `; made by Paddock to predict ${own.target || own.task}` : "";
  const beside = files.length ? ` with ${files.join(", ")}` : "";
  const sets = Object.entries(opsets).map(([domain, version]) => `${domain} ${version}`);
  const gradients = { rule: "", flat: "no gradient goes through: flat", none: "no gradient" } as const;
  const activations = memory.activations === null ? "" : `, ${bytes(memory.activations)} at work`;
  return [
    `${file}${beside}: ${family}, ${bytes(found.bytes)}, ONNX (${sets.join(", ")})${made}`,
    `${parameters} parameters of ${bits} bits (${found.weights.map((w) => `${w.dtype} ${bytes(w.bytes)}`).join(", ") || "none"})`,
    `Memory for one sample: ${bytes(memory.total)} (weights ${bytes(memory.weights)}${activations})`,
    "ms" in measured ? `One sample took ${short(measured.ms)} ms here` : `No sample was run: ${measured.why}`,
    ...(labels ? [`Classes: ${labels.slice(0, 12).join(", ")}${labels.length > 12 ? `, … (${labels.length})` : ""}`] : []),
    ...(found.pixels ? [`Pixels: ${found.pixels}`] : []),
    "",
    columns([["Inputs", "", ""], ...found.inputs.map(port), ["Outputs", "", ""], ...found.outputs.map(port)]),
    "",
    columns([
      ["operator", "count", ""],
      ...operators.map((one) => [one.name, one.count, one.why ? `${gradients[one.gradient]}: ${one.why}` : gradients[one.gradient]]),
    ]),
    "",
    training.full.fits ? "All of it can be taught (full)." : `It cannot be taught as a whole: ${training.full.why}`,
    training.head.fits ? "A new last layer can be taught on it (head)." : training.head.why,
    ...Object.entries(about).map(([key, value]) => `${key}: ${value}`),
    ...problems.map(({ message, hint }) => `! ${message} ${hint}`.trim()),
  ].join("\n");
}
