// A folder with the weights by name (model.safetensors) and what they are for (config.json): for people who build the network elsewhere.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import { decodeModel } from "../../onnx/proto.ts";
import { rawBytes, type Tensor } from "../../tensor.ts";
import { readSafetensors, safetensors } from "../safetensors.ts";
import { bytesOf, put } from "./files.ts";
import type { Form } from "./form.ts";

/** Names that the builder gives to constants of its own: not weights. */
const nameless = /(^|\.)c(_\d+)?$/;

export const weights: Form = {
  folder: true,
  async write({ run, model, draft }) {
    const graph = decodeModel(await bytesOf(model));
    const tensors = new Map<string, Tensor>();
    for (const [name, tensor] of graph.initializers) if (tensor.dtype === "float32" && !nameless.test(name)) tensors.set(name, tensor);
    const card = graph.metadata.get("paddock");
    const encoding = run === undefined ? undefined : await readFile(join(run, "encoding.json"), "utf8").catch(() => undefined);
    const config = {
      format: "paddock",
      version: 1,
      ...(card === undefined ? {} : { model: JSON.parse(card) as unknown }),
      ...(encoding === undefined ? {} : { encoding: JSON.parse(encoding) as unknown }),
      weights: Object.fromEntries([...tensors].map(([name, { dims }]) => [name, dims])),
    };
    const metadata = Object.fromEntries([...graph.metadata].filter(([key]) => key !== "paddock"));
    const parts = safetensors(tensors, { format: "pt", ...metadata });
    const path = await put(draft, "model.safetensors", Buffer.concat(parts));
    await put(draft, "config.json", `${JSON.stringify(config, null, 2)}\n`);
    const back = readSafetensors(await bytesOf(path));
    const same = back.size === tensors.size && [...tensors].every(([name, tensor]) => equal(tensor, back.get(name)));
    if (!same)
      throw new AppError("exportDiffers", "The weights do not read back as they were written.", "Try again on another disk.", { path });
    return { main: "model.safetensors", compared: { of: "weights", count: tensors.size, difference: 0 } };
  },
};

const equal = (a: Tensor, b: Tensor | undefined): boolean =>
  b !== undefined && a.dims.join() === b.dims.join() && Buffer.from(rawBytes(a)).equals(Buffer.from(rawBytes(b)));
