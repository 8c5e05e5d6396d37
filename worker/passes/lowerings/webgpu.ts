// What ONNX Runtime's WebGPU takes on and then refuses while it runs, in forms that it has. What has no such form runs on the CPU: run/fallback.ts.
import { batchNormalisation } from "../../ops/normaliseImages.ts";
import type { Builder, Value } from "../../ops/builder.ts";
import { type Lowering, numbers, sameDims } from "./lowering.ts";

/** Outputs that a Split may have: one storage buffer is its input. */
const most = 7;

/** At most so many parts at a time. */
function splitInStages(g: Builder, x: Value, lengths: readonly number[], axis: number): Value[] {
  if (lengths.length <= most) return g.split(x, lengths, { axis });
  const each = Math.ceil(lengths.length / Math.min(most, Math.ceil(lengths.length / most)));
  const stages = Array.from({ length: Math.ceil(lengths.length / each) }, (_, i) => lengths.slice(i * each, (i + 1) * each));
  const parts = splitInStages(
    g,
    x,
    stages.map((s) => s.reduce((a, b) => a + b, 0)),
    axis,
  );
  return stages.flatMap((stage, i) => (stage.length === 1 ? [parts[i]!] : splitInStages(g, parts[i]!, stage, axis)));
}

export const webgpu: Lowering[] = [
  {
    name: "the ellipsis of an Einsum is written out",
    at: ["Einsum"],
    devices: ["webgpu"],
    measured: 'WebGPU fails on "...i,ij->...j", with an error of its hash map, and has "ai,ij->aj"',
    rewrite({ g, attrs, x }) {
      const equation = attrs.string("equation").replaceAll(" ", "");
      const [left, right] = equation.split("->");
      if (!equation.includes("...") || right === undefined) return undefined;
      const written = left!.split(",");
      const rests = written.map((term, i) => {
        const [before, after] = term.split("...") as [string, string?];
        return after === undefined ? undefined : x[i]!.dims.slice(before.length, x[i]!.dims.length - after.length);
      });
      const [rest, ...others] = rests.filter((r) => r !== undefined);
      const free = [..."abcdefghijklmnopqrstuvwxyz"].filter((letter) => !equation.includes(letter));
      if (!rest || others.some((r) => !sameDims(r, rest)) || free.length < rest.length) return undefined;
      return [g.op("Einsum", x, { equation: equation.replaceAll("...", free.slice(0, rest.length).join("")) })];
    },
  },
  {
    name: "a convolution of 6, 9, 15 … channels gets channels of zeros, one of unknown many a filter of zeros",
    at: ["Conv"],
    devices: ["webgpu"],
    measured:
      "WebGPU's vector form is wrong where channels are a multiple of 3 beyond 3, not of 4, and filters one of 4 " +
      "(onnxruntime 1.30, https://github.com/microsoft/onnxruntime/issues/29651); channels of a multiple of 4, and filters of none, are right",
    rewrite({ g, node, attrs, x: [x, weights, bias] }) {
      if (!x || !weights || x.dims.length > 4 || attrs.int("group", 1) !== 1 || attrs.has("auto_pad")) return undefined;
      const [channels, filters] = [x.dims[1], weights.dims[0]];
      if (weights.dims.slice(2).every((k) => k === 1) || typeof filters !== "number" || filters % 4 !== 0) return undefined;
      const padded = (value: Value, axis: number, more: number) => {
        const none = value.dims.map(() => 0);
        return g.op("Pad", [value, g.list([...none, ...none.with(axis, more)])]);
      };
      const conv = (...inputs: (Value | undefined)[]) =>
        g.node({ type: "Conv", domain: "", inputs: inputs.map((v) => v?.name ?? ""), attrs: node.attrs }, 1)[0]!;
      if (typeof channels === "number") {
        if (channels === 3 || channels % 3 !== 0 || channels % 4 === 0) return undefined;
        return [conv(padded(x, 1, 4 - (channels % 4)), padded(weights, 1, 4 - (channels % 4)), bias)];
      }
      const more = conv(x, padded(weights, 0, 1), bias && padded(bias, 0, 1));
      return [g.slice(more, { starts: [0], ends: [filters], axes: [1] })];
    },
  },
  {
    name: "a split into many is made in stages",
    at: ["Split"],
    devices: ["webgpu"],
    measured: "a shader may have 8 storage buffers at least (12 on the software adapter): a Split into more outputs fails while it runs",
    rewrite({ g, node, attrs, x: [x, given] }) {
      if (!x || node.outputs.length <= most) return undefined;
      const axis = attrs.int("axis", 0);
      const whole = x.dims.at(axis);
      const n = node.outputs.length;
      const even = typeof whole === "number" ? Math.ceil(whole / n) : undefined;
      const lengths =
        numbers(g, given) ??
        (even === undefined ? undefined : Array.from({ length: n }, (_, i) => Math.min(even, (whole as number) - i * even)));
      return lengths && splitInStages(g, x, lengths, axis);
    },
  },
  {
    name: "batch normalisation in training is plain operators",
    at: ["BatchNormalization"],
    devices: ["webgpu"],
    measured: "WebGPU has it for inference alone",
    rewrite({ g, attrs, x }) {
      if (!attrs.int("training_mode", 0) || !x.slice(0, 5).every((v) => v)) return undefined;
      return batchNormalisation(g, x as Value[], attrs);
    },
  },
];
