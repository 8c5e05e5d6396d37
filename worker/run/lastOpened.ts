// The model asked last stays open, since opening one takes longer than an answer. A model that gives way to another is let go only when
// its answers under way are given, and one that was trained anew meanwhile is opened again.
import { stat } from "node:fs/promises";
import { join } from "node:path";

interface Disposable {
  dispose(): Promise<void>;
}

interface Entry<T> {
  key: string;
  model: Promise<T>;
  uses: Set<Promise<unknown>>;
}

export class LastOpened<T extends Disposable> {
  #last: Entry<T> | undefined;
  #open: (run: string) => Promise<T>;

  /** @param open opens the model of a run folder or a model.onnx */
  constructor(open: (run: string) => Promise<T>) {
    this.#open = open;
  }

  /** Runs `work` on the model of a run folder or a model.onnx; the model stays open at least until `work` is done. */
  async use<R>(run: string, work: (model: T) => Promise<R> | R): Promise<R> {
    const key = await keyOf(run);
    if (this.#last?.key !== key) {
      const old = this.#last;
      this.#last = { key, model: this.#open(run), uses: new Set() };
      void letGo(old);
    }
    const entry = this.#last;
    const use = entry.model.then(work);
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

const isBroken = <T>(entry: Entry<T>): Promise<boolean> =>
  entry.model.then(
    () => false,
    () => true,
  );

async function letGo<T extends Disposable>(entry: Entry<T> | undefined): Promise<void> {
  if (!entry) return;
  await Promise.allSettled(entry.uses);
  await (await entry.model.catch(() => undefined))?.dispose();
}
