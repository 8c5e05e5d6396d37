// Graphs that PyTorch's two exporters wrote, by TensorFlow's operations: loss and every gradient that TensorFlow finds against PyTorch's own.
import { basename } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { readModel } from "../../worker/formats/onnx.ts";
import { type Given, Program } from "../../worker/run/tensorflow/program.ts";
import { fromTf, toTf } from "../../worker/run/tensorflow/values.ts";
import type { Tensor } from "../../worker/tensor.ts";
import { expectPyTorchs, exported } from "./exported.ts";

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend("cpu");
});

for (const net of exported)
  describe(net.name, () => {
    for (const file of net.files)
      test(basename(file), () => {
        const before = tf.memory().numTensors;
        const graph = readModel(file);
        graph.setOutputs(["loss"]);
        graph.prune();
        const program = new Program(tf, graph);
        const variables = new Map(
          graph.parameters.map((name) => [name, tf.tidy(() => tf.variable(toTf(tf, graph.initializers.get(name)!, name)))]),
        );
        const found = new Map<string, Tensor>();
        const loss = { value: NaN };
        tf.tidy(() => {
          const given = new Map<string, Given>([...variables].map(([name, device]) => [name, { device }]));
          for (const { name } of graph.inputs) given.set(name, { device: toTf(tf, net.inputs[name]!, name) });
          const { value, grads } = tf.variableGrads(() => tf.reshape(program.run(given).get("loss")!, []), [...variables.values()]);
          loss.value = value.dataSync()[0]!;
          for (const [name, variable] of variables) found.set(name, fromTf(grads[variable.name]!, "float32"));
        });
        expectPyTorchs(net, { loss: loss.value, slope: (name) => found.get(name) });
        program.dispose();
        for (const variable of variables.values()) variable.dispose();
        expect(tf.memory().numTensors, "tensors left behind").toBe(before);
      });
  });
