// The model asked last stays open, since opening one takes longer than an answer. A model that gives way to another is let go only when
// its answers under way are given, and one that was trained anew meanwhile is opened again.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { openPredictor, type Predictor } from "./predict.ts";

interface Entry {
  key: string;
  predictor: Promise<Predictor>;
  uses: Set<Promise<unknown>>;
}

export class LastPredictor {
  #last: Entry | undefined;

  /** Runs `work` on the model of a run folder or a model.onnx; the model stays open at least until `work` is done. */
  async use<T>(run: string, work: (predictor: Predictor) => Promise<T> | T): Promise<T> {
    const key = await keyOf(run);
    if (this.#last?.key !== key) {
      const old = this.#last;
      this.#last = { key, predictor: openPredictor(run), uses: new Set() };
      void letGo(old);
    }
    const entry = this.#last;
    const use = entry.predictor.then(work);
    entry.uses.add(use);
    try {
      return await use;
    } catch (thrown) {
      // A run that is not trained yet may be soon: a failed opening is not remembered.
      if (this.#last === entry && (await isBroken(entry))) this.#last = undefined;
      throw thrown;
    } finally {
      entry.uses.delete(use);
    }
  }

  async dispose(): Promise<void> {
    const last = this.#last;
    this.#last = undefined;
    await letGo(last);
  }
}

/** The path and what tells that the file behind it is another one now. */
async function keyOf(run: string): Promise<string> {
  for (const path of [join(run, "model.onnx"), run]) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) return `${run} ${found.ino} ${found.size} ${found.mtimeMs}`;
  }
  return run;
}

const isBroken = (entry: Entry): Promise<boolean> =>
  entry.predictor.then(
    () => false,
    () => true,
  );

async function letGo(entry: Entry | undefined): Promise<void> {
  if (!entry) return;
  await Promise.allSettled(entry.uses);
  await (await entry.predictor.catch(() => undefined))?.dispose();
}
