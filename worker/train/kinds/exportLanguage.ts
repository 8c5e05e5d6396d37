// Writes a language model's model.onnx, with tokenizer.json beside it, and holds what was written to the trained network.
import { dirname, join } from "node:path";
import { AppError } from "../../../ipc/error.ts";
import type { RunReport } from "../../../ipc/types.ts";
import { writeLanguageCard } from "../../formats/languageCard.ts";
import { gptAnswering, gptInference } from "../../models/gpt.ts";
import { encodeModel } from "../../onnx/proto.ts";
import { openEngine } from "../../run/engine.ts";
import type { Tensor } from "../../tensor.ts";
import { writeAtomic } from "../files.ts";
import type { PreparedLanguage } from "./preparedLanguage.ts";

export async function exportLanguage(options: {
  path: string;
  prepared: PreparedLanguage;
  weights: ReadonlyMap<string, Tensor>;
  report: RunReport;
}): Promise<void> {
  const { net, bpe, corpus, fingerprint } = options.prepared;
  const graph = gptInference(net, options.weights);
  const { seed: _, dropout: __, ...size } = net;
  const value = options.report.metrics.test?.["perplexity"];
  writeLanguageCard(graph, {
    net: size,
    asked: corpus.form === "chats" ? "chat" : "text",
    fingerprint,
    test: value === undefined ? null : { metric: "perplexity", value },
  });
  const bytes = encodeModel(graph);
  await compare(options.prepared, options.weights, bytes);
  await writeAtomic(join(dirname(options.path), "tokenizer.json"), bpe.toJson());
  await writeAtomic(options.path, bytes);
}

/** The first window's loss by the file and by the network that was trained. Throws internal where they differ. */
async function compare({ net, parts }: PreparedLanguage, weights: ReadonlyMap<string, Tensor>, bytes: Uint8Array): Promise<void> {
  const batch = await (parts.test.rows ? parts.test : parts.train).range(0, 1);
  const { input_ids, labels } = batch.inputs as { input_ids: Tensor<"int64">; labels: Tensor<"int64"> };
  const answering = gptAnswering(net);
  for (const [name, tensor] of weights) if (answering.initializers.has(name)) answering.setInitializer(name, tensor);
  const engine = await openEngine("cpu");
  try {
    const [file, trained] = [await engine.load(bytes), await engine.load(answering)];
    const logits = (await file.run({ input_ids }))["logits"]!.data as Float32Array;
    const { answer } = await trained.run({ input_ids, labels });
    let sum = 0;
    for (const [i, label] of labels.data.entries())
      if (label >= 0n) sum += surprise(logits.subarray(i * net.tokens, (i + 1) * net.tokens), Number(label));
    const expected = Number(answer!.data[0]);
    if (!(Math.abs(sum - expected) <= 1e-3 * Math.max(1, Math.abs(expected))))
      throw new AppError("internal", `The written model gives a loss of ${sum} where the trained one has ${expected}.`, "Report this.", {
        sum,
        expected,
      });
  } finally {
    await engine.dispose();
  }
}

/** -log softmax(logits)[id] */
function surprise(logits: Float32Array, id: number): number {
  let most = -Infinity;
  for (const value of logits) most = Math.max(most, value);
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - most);
  return Math.log(sum) + most - logits[id]!;
}
