// model.onnx in onnxruntime-node with nothing of ours in between: what anyone would write who has the file and a row as text.
import * as ort from "onnxruntime-node";

export interface DirectAnswers {
  label?: string[];
  probabilities?: Float32Array;
  value?: Float32Array;
}

/**
 * Feeds each column under its own name: Number(text), NaN for "", or the text itself.
 * @param names columns of the rows; an input whose name no column has is one that gave way to an output: the name with "_" behind
 */
export async function direct(
  model: string | Uint8Array,
  names: readonly string[],
  rows: readonly (readonly string[])[],
): Promise<DirectAnswers> {
  const options = { intraOpNumThreads: 1 };
  const session =
    typeof model === "string" ? await ort.InferenceSession.create(model, options) : await ort.InferenceSession.create(model, options);
  try {
    const feeds: Record<string, ort.Tensor> = {};
    for (const input of session.inputMetadata) {
      if (!input.isTensor) throw new Error(`${input.name} is no tensor`);
      let column = input.name;
      while (!names.includes(column) && column.endsWith("_")) column = column.slice(0, -1);
      const place = names.indexOf(column);
      if (place < 0) throw new Error(`no column for the input ${input.name}`);
      const cells = rows.map((row) => row[place]!);
      const dims = [cells.length, 1];
      feeds[input.name] =
        input.type === "string"
          ? new ort.Tensor("string", cells, dims)
          : new ort.Tensor(
              "float32",
              Float32Array.from(cells, (text) => (text === "" ? NaN : Number(text))),
              dims,
            );
    }
    const out = await session.run(feeds);
    return {
      ...(out["label"] ? { label: [...(out["label"].data as string[])] } : {}),
      ...(out["probabilities"] ? { probabilities: out["probabilities"].data as Float32Array } : {}),
      ...(out["value"] ? { value: out["value"].data as Float32Array } : {}),
    };
  } finally {
    await session.release();
  }
}
