// The run's model.onnx as it is, with what stands beside it: a text model's tokenizer, a recommender's second file.
import { dirname, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { openEngine } from "../../run/engine.ts";
import { bytesOf, copyIfThere, put } from "./files.ts";
import type { Form } from "./form.ts";

const beside = ["tokenize.mjs", "tokenizer.json", "recommend.onnx", "seen.bin", "titles.json"];

export const onnx: Form = {
  folder: false,
  async write({ model, draft }) {
    const content = await bytesOf(model);
    const path = await put(draft, "model.onnx", content);
    for (const name of beside) await copyIfThere(join(dirname(model), name), join(draft, name));
    // As a stranger would open it: from the file alone.
    const back = await bytesOf(path);
    const engine = await openEngine("cpu");
    try {
      const session = await engine.load(back);
      await session.dispose();
    } finally {
      await engine.dispose();
    }
    if (!Buffer.from(back).equals(content))
      throw new AppError("exportDiffers", "The file does not read back as it was written.", "Try again on another disk.", { path });
    return { main: "model.onnx", compared: { of: "bytes", count: content.length, difference: 0 } };
  },
};
