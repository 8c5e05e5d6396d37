// The imported model asked last stays open, since opening one takes longer than an answer. Questions go one after another.
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ModelAnswer } from "../../ipc/types.ts";
import { askModel, type Question } from "./askModel.ts";
import { type Foreign, openForeign } from "./foreign.ts";
import { labelsBeside } from "./labelsBeside.ts";

interface Asked {
  /** Folder for outputs that are pictures. */
  out?: string | undefined;
  signal?: AbortSignal | undefined;
}

export class LastForeign {
  #last: { key: string; model: Foreign; labels: string[] | undefined } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** Throws what opening and asking throw. */
  ask(file: string, question: Question, asked: Asked): Promise<ModelAnswer & { files: { output: string; path: string }[] }> {
    const mine = this.#turn.then(() => this.#ask(file, question, asked));
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async dispose(): Promise<void> {
    await this.#turn;
    await this.#last?.model.dispose();
    this.#last = undefined;
  }

  async #ask(file: string, question: Question, { out, signal }: Asked) {
    signal?.throwIfAborted();
    const { model, labels } = await this.#open(file);
    const files: { output: string; path: string }[] = [];
    const answer = await askModel(model, question, {
      labels,
      thumbnails: true,
      signal,
      onPicture: async (output, png) => {
        if (out === undefined) return;
        await mkdir(out, { recursive: true });
        const path = join(out, `${output.replace(/[^\w.-]+/g, "_").slice(0, 60) || "output"}.png`);
        await writeFile(path, png);
        files.push({ output, path });
      },
    });
    return { ...answer, files };
  }

  async #open(file: string) {
    const { ino = 0, size = 0, mtimeMs = 0 } = (await stat(file).catch(() => undefined)) ?? {};
    const key = `${file} ${ino} ${size} ${mtimeMs}`;
    if (this.#last?.key === key) return this.#last;
    await this.#last?.model.dispose();
    this.#last = undefined;
    const model = await openForeign(file);
    this.#last = { key, model, labels: await labelsBeside(file) };
    return this.#last;
  }
}
