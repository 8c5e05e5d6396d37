// A model of two numbers and a category made by hand, whose answers can be told by looking: class yes has the logit a - 2b (10 in the
// region east), class no has 0; missing counts as 0.
import type { TableProfile } from "../../ipc/types.ts";
import { exportTableModel } from "../../worker/formats/onnxModel.ts";
import { float32, int64 } from "../../worker/tensor.ts";

/** @param names of the columns a, b, region and of the answer; `header`: whether the training file had them */
export function handmadeModel(names = ["a", "b b", "region", "ok"], header = true): Uint8Array {
  return exportTableModel({
    encoding: {
      target: names[3]!,
      task: "classification",
      classes: ["yes", "no"],
      encoders: [
        { kind: "number", column: names[0]! },
        { kind: "number", column: names[1]! },
        { kind: "category", column: names[2]! },
      ],
    },
    encode(g, { encoders }) {
      const [a, b] = encoders.slice(0, 2).map(({ column }) => g.input(column, "float32", ["n", 1]));
      const x = g.concat(
        [a!, b!].map((column) => g.where(g.isNaN(column), 0, column)),
        { axis: 1 },
      );
      const codes = g.op("LabelEncoder", [g.input(encoders[2]!.column, "string", ["n", 1])], {
      keys_strings: ["east"],
      values_int64s: [1],
      default_int64: 0,
    }, { domain: "ai.onnx.ml" }); // prettier-ignore
      return { x, codes };
    },
    net: (g, { x, codes }) => {
      const plain = g.matmul(x, g.constant(float32([2, 2], [1, 0, -2, 0])));
      const east = g.constant(float32([1, 2], [10, 0]));
      return g.where(g.equal(codes, g.constant(int64([1], [1]))), east, plain);
    },
    profile: {
      columns: names.map((name) => ({ name, examples: [] })),
      dialect: { header },
      fingerprint: "f00d",
    } as unknown as TableProfile,
  });
}

export const handmade = handmadeModel();
