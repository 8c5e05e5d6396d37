// Graphs that PyTorch's two exporters wrote, by TensorFlow's operations: loss and every gradient that TensorFlow finds against PyTorch's own.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { readModel } from "../../worker/formats/onnx.ts";
import { type Given, Program } from "../../worker/run/tensorflow/program.ts";
import { fromTf, toTf } from "../../worker/run/tensorflow/values.ts";
import { type DType, fromRawBytes, type Tensor, toNumbers } from "../../worker/tensor.ts";

interface Stored {
  dtype: Exclude<DType, "string">;
  dims: number[];
  base64: string;
}
interface Reference {
  files: string[];
  loss: number;
  inputs: Record<string, Stored>;
  gradients: Record<string, Stored>;
}

/** Weights that two modules share: an exporter names them by either. */
const shared: Record<string, string> = { "wte.weight": "head.weight" };

const folder = fileURLToPath(new URL("../references/models/", import.meta.url));
beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend("cpu");
});

const read = ({ dtype, dims, base64 }: Stored): Tensor => fromRawBytes(dtype, dims, Buffer.from(base64, "base64"));
const norm = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

for (const json of readdirSync(folder).filter((f) => f.endsWith(".json"))) {
  const reference = JSON.parse(readFileSync(folder + json, "utf8")) as Reference;
  describe(json.replace(".json", ""), () => {
    for (const file of reference.files)
      test(file, () => {
        const before = tf.memory().numTensors;
        const graph = readModel(folder + file);
        graph.setOutputs(["loss"]);
        graph.prune();
        const program = new Program(tf, graph);
        const variables = new Map(
          graph.parameters.map((name) => [name, tf.tidy(() => tf.variable(toTf(tf, graph.initializers.get(name)!, name)))]),
        );
        const found = new Map<string, Tensor>();
        tf.tidy(() => {
          const given = new Map<string, Given>([...variables].map(([name, device]) => [name, { device }]));
          for (const { name } of graph.inputs) given.set(name, { device: toTf(tf, read(reference.inputs[name]!), name) });
          const { value, grads } = tf.variableGrads(() => tf.reshape(program.run(given).get("loss")!, []), [...variables.values()]);
          expect(Math.abs(value.dataSync()[0]! / reference.loss - 1)).toBeLessThan(1e-5);
          for (const [name, variable] of variables) found.set(name, fromTf(grads[variable.name]!, "float32"));
        });
        for (const [name, stored] of Object.entries(reference.gradients)) {
          const wanted = toNumbers(read(stored));
          const got = found.get(name) ?? found.get(shared[name]!);
          expect(got?.dims, name).toEqual(stored.dims);
          const gap = norm(toNumbers(got!).map((v, i) => v - wanted[i]!)) / Math.max(norm(wanted), 1e-6);
          expect(gap, `${name}: norm of the difference over norm`).toBeLessThan(1e-4);
        }
        program.dispose();
        for (const variable of variables.values()) variable.dispose();
        expect(tf.memory().numTensors, "tensors left behind").toBe(before);
      });
  });
}
