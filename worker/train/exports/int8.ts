// model.onnx with its weights in 8 bits (passes/quantizeWeights.ts). Rounding costs a little: how much is measured on rows held out, and where it
// is more than `allowed`, nothing is left.
import { AppError } from "../../../ipc/error.ts";
import { decodeModel, encodeModel } from "../../onnx/proto.ts";
import { runPasses } from "../../passes/pass.ts";
import { quantizeWeights } from "../../passes/quantizeWeights.ts";
import { dirname, join } from "node:path";
import { bytesOf, copyIfThere, put } from "./files.ts";
import { type Form, needsRun } from "./form.ts";
import { answersBy, compare, heldOutOf } from "./heldOut.ts";

/** What the number that matters (accuracy, r²) may lose. */
const allowed = 0.02;

export const int8: Form = {
  folder: false,
  async write(options) {
    const { model, draft } = options;
    const run = needsRun(options, "onnx-int8");
    const small = runPasses(decodeModel(await bytesOf(model)), quantizeWeights);
    const path = await put(draft, "model.onnx", encodeModel(small));
    for (const name of ["tokenize.mjs", "tokenizer.json"]) await copyIfThere(join(dirname(model), name), join(draft, name));
    const held = await heldOutOf(run, options);
    const compared = compare(held, await answersBy(model, held), await answersBy(path, held));
    const { name, before, after } = compared.metric!;
    if (!(before - after <= allowed))
      throw new AppError(
        "exportDiffers",
        `In 8 bits, ${name} on ${compared.count} ${compared.part} rows falls from ${before.toFixed(4)} to ${after.toFixed(4)}: more than ${allowed}.`,
        "Take the ONNX file as it is.",
        { metric: name, before: before.toFixed(4), after: after.toFixed(4), rows: compared.count, allowed },
      );
    return { main: "model.onnx", compared };
  },
};
