// A TensorFlow.js graph model run as a page runs it: by TensorFlow.js' own loader, on its processor backend. Loaded only when a model is written
// in that form; the packages are compiled into the worker (scripts/build.mjs).
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface PageTensor {
  name: string;
  dtype: "float32" | "int32" | "bool";
  shape: number[];
  data: Float32Array | Int32Array | Uint8Array;
}

export interface PageModel {
  /** The numbers of the model's only output. */
  run(feeds: readonly PageTensor[]): Promise<Float32Array>;
  dispose(): void;
}

interface ModelJson {
  modelTopology: object;
  signature: object;
  format: string;
  userDefinedMetadata: object;
  weightsManifest: { paths: string[]; weights: [] }[];
}

/** Opens the folder of model.json. */
export async function openPageModel(folder: string): Promise<PageModel> {
  const [tf, { loadGraphModel }] = await Promise.all([
    import("@tensorflow/tfjs-core"),
    import("@tensorflow/tfjs-converter"),
    import("@tensorflow/tfjs-backend-cpu"),
  ]);
  tf.enableProdMode(); // without it, it advises on every first use to install another package
  await tf.setBackend("cpu");
  const json = JSON.parse(await readFile(join(folder, "model.json"), "utf8")) as ModelJson;
  const shards = json.weightsManifest.flatMap(({ paths }) => paths);
  const bytes = Buffer.concat(await Promise.all(shards.map((path) => readFile(join(folder, path)))));
  const model = await loadGraphModel(
    tf.io.fromMemory({
      modelTopology: json.modelTopology,
      signature: json.signature,
      format: json.format,
      userDefinedMetadata: json.userDefinedMetadata,
      weightSpecs: json.weightsManifest.flatMap(({ weights }) => weights),
      weightData: new Uint8Array(bytes).buffer,
    }),
  );
  return {
    async run(feeds) {
      const tensors = Object.fromEntries(feeds.map(({ name, data, shape, dtype }) => [name, tf.tensor(data, shape, dtype)]));
      const made = [model.execute(tensors)].flat();
      try {
        return Float32Array.from(await made[0]!.data());
      } finally {
        tf.dispose([made, Object.values(tensors)]);
      }
    },
    dispose: () => model.dispose(),
  };
}
