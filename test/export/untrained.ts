// A model.onnx of random weights for any table: the whole road of an export, without the time of a training.
import { encodeTable } from "../../worker/data/encode.ts";
import { type Encoding, encodeColumns, fitEncoding } from "../../worker/data/encoding.ts";
import { openTable } from "../../worker/data/table.ts";
import { exportTableModel } from "../../worker/formats/onnxModel.ts";
import { answeringGraph, inferenceNet, modelOf, type NetSpec } from "../../worker/models/index.ts";
import { resolveConfig } from "../../worker/models/model.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { tasks } from "../../worker/tasks/index.ts";
import { samples } from "../../worker/train/kinds/table.ts";
import type { TableTask } from "../../ipc/types.ts";
import type { Answers } from "../../worker/tasks/task.ts";

export interface Untrained {
  bytes: Uint8Array;
  encoding: Encoding;
  /** Column names as the profile has them. */
  names: string[];
  /** What the network answers on all rows the way training encodes and evaluates them. */
  trained: Answers & { rowNumbers: Uint32Array };
}

export async function untrainedModel(
  file: string,
  options: { target: string; task: TableTask; seed: number; cache: string; scratch: string; model?: string },
): Promise<Untrained> {
  const { target, seed } = options;
  const task = tasks[options.task];
  const table = await openTable(file, { cache: options.cache });
  try {
    const split = { seed, split: false };
    const encoding = await fitEncoding(table, { target, task: options.task, split });
    const family = modelOf(options.model ?? "mlp");
    const spec: NetSpec = {
      model: family.id,
      config: resolveConfig(family, family.id === "mlp" ? { width: 16, depth: 2, members: 2 } : {}),
      numeric: encoding.numeric,
      categories: encoding.categories,
      outputs: task.outputs(encoding),
      seed,
    };
    const bytes = exportTableModel({
      encoding,
      encode: encodeColumns,
      net: (g, inputs) => inferenceNet(g, spec, task, inputs, new Map()),
      profile: table.profile,
      test: null,
      model: family.id,
    });
    const data = await encodeTable(table, encoding, { split, scratch: options.scratch });
    const engine = await openEngine("cpu", { threads: 1 });
    try {
      const session = await engine.load(answeringGraph(spec, task));
      const batch = await data.train.range(0, data.train.rows);
      const { answer } = await session.run((await samples(data.train).range(0, data.train.rows)).inputs);
      await session.dispose();
      return {
        bytes,
        encoding,
        names: table.profile.columns.map((column) => column.name),
        trained: { ...task.answers(answer!, batch.y, encoding), rowNumbers: batch.rowNumbers },
      };
    } finally {
      await engine.dispose();
      await data.close();
    }
  } finally {
    await table.close();
  }
}
