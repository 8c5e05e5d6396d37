// Runs that begin from the weights of another, and runs on data whose answers were corrected.
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AppError } from "../../ipc/error.ts";
import type { Correction, CorrectionLine, Mistake, RunMistakes, RunRecord, RunReport, RunResult, TrainSpec } from "../../ipc/types.ts";
import { Random } from "../../worker/random.ts";
import { Control } from "../../worker/train/control.ts";
import { trainRun } from "../../worker/train/run.ts";
import { createWorker } from "../../worker/serve.ts";
import { backboneBytes, classFolders, writeFolder } from "./pictures.ts";
import { writeTable } from "./table.ts";

let folder: string;
let cache: string;
const data: Record<string, string> = {};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-from-"));
  cache = join(folder, "cache");
  data["table"] = await writeTable(folder, 300);
  data["texts"] = join(folder, "texts.csv");
  await writeFile(data["texts"], texts(240));
  data["pictures"] = await writeFolder(join(folder, "shapes"), await classFolders(16));
  data["backbone"] = join(folder, "backbone.onnx");
  await writeFile(data["backbone"], backboneBytes());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function texts(rows: number): string {
  const random = new Random(3, "texts");
  const words = {
    good: ["fine", "lovely", "warm", "quick"],
    bad: ["cold", "late", "sour", "broken"],
    plain: ["the", "soup", "was", "and"],
  };
  const some = (from: readonly string[], n: number) => Array.from({ length: n }, () => from[Math.floor(random.uniform() * from.length)]!);
  const lines = Array.from({ length: rows }, (_, i) => {
    const kind = i % 2 ? "good" : "bad";
    return `${[...some(words.plain, 6), ...some(words[kind], 2), `no ${i * 7919}`].join(" ")},${kind}`;
  });
  return `text,mood\n${lines.join("\n")}\n`;
}

let count = 0;
function train(spec: TrainSpec): Promise<RunResult> {
  const { signal } = new AbortController();
  const run = join(folder, `run${count++}`);
  return trainRun({ run, cache, control: new Control(signal), signal, spec, onProgress: () => {}, onPoint: () => {} });
}

const json = async <T>(run: string, name: string) => JSON.parse(await readFile(join(run, name), "utf8")) as T;

/** What each kind of run begins with; its loss goes by the test rows. */
const kinds: [what: string, spec: () => TrainSpec, measure: string][] = [
  ["classes of a table, in folds", () => ({ data: data["table"]!, target: "kind", steps: 60 }), "logLoss"],
  ["numbers of a table, held out", () => ({ data: data["table"]!, target: "price", config: { folds: 0, members: 4, width: 32 }, steps: 60 }), "rmse"], // prettier-ignore
  ["texts", () => ({ data: data["texts"]!, target: "mood", kind: "text", steps: 30 }), "logLoss"],
  ["texts, by a transformer", () => ({ data: data["texts"]!, target: "mood", kind: "text", model: "transformer", config: { layers: 1, width: 16 }, steps: 12 }), "logLoss"], // prettier-ignore
  ["a head on a network of pictures", () => ({ data: data["pictures"]!, model: data["backbone"]!, steps: 120 }), "logLoss"],
];
/** Runs that later tests begin from, by what they are of. */
const firsts = new Map<string, RunResult>();

describe.each(kinds)("%s", (what, spec, measure) => {
  let first: RunResult;
  beforeAll(async () => {
    first = await train(spec());
    firsts.set(what, first);
  }, 60_000);

  test("are as good as they were where nothing is learned, and the record says where they came from", async () => {
    const same = await train({ data: spec().data, from: first.run, steps: 1, lr: 1e-12 });
    for (const part of ["train", "validation", "test"] as const)
      for (const [name, value] of Object.entries(first.metrics[part]!)) expect(same.metrics[part]![name], name).toBeCloseTo(value, 4);
    const record = await json<RunRecord>(same.run, "run.json");
    expect(record.from).toMatchObject({ folder: first.run, run: basename(first.run) });
    expect(same.from!.before!.value).toBeCloseTo(same.metrics.test![same.from!.before!.metric]!, 4);
    expect(record.plan!.rows).toEqual((await json<RunRecord>(first.run, "run.json")).plan!.rows);
  });

  test("a few steps from them beat the same steps from nothing", async () => {
    const few = await train({ data: spec().data, from: first.run, steps: 3 });
    const scratch = await train({ ...spec(), steps: 3 });
    expect(few.metrics.test![measure]).toBeLessThan(scratch.metrics.test![measure]!);
  });
});

describe("refused", () => {
  let base: RunResult;
  beforeAll(async () => void (base = await train({ data: data["table"]!, target: "kind", steps: 5 })));
  const refusal = (spec: Partial<TrainSpec>) =>
    train({ data: data["table"]!, from: base.run, steps: 1, ...spec }).then(
      () => undefined,
      (thrown: AppError) => ({ code: thrown.code, message: thrown.message }),
    );

  test.each<[string, Partial<TrainSpec>, string]>([
    ["another target", { target: "price" }, "trained with target kind, and price"],
    ["another seed", { seed: 9 }, "trained without the setting seed, and 9"],
    ["another network", { config: { width: 8 } }, "config"],
    ["columns left out", { ignore: ["age"] }, "ignore"],
  ])("%s", async (_, spec, says) => {
    expect(await refusal(spec)).toMatchObject({ code: "usage", message: expect.stringContaining(says) as string });
  });

  test("a table without a column of the run, and one with a class that it does not know", async () => {
    const text = await readFile(data["table"]!, "utf8");
    const [narrow, fresh] = [join(folder, "narrow.csv"), join(folder, "fresh.csv")];
    await writeFile(narrow, text.replaceAll(/^[^,]*,/gm, ""));
    await writeFile(fresh, `${text}50,10,red,huge,1000\n`);
    expect(await refusal({ data: narrow })).toMatchObject({ code: "columnMissing" });
    const refused = await refusal({ data: fresh });
    expect(refused).toMatchObject({ code: "valueInvalid", message: expect.stringContaining(`the class "huge"`) as string });
  });

  test("other data, a run that is not there, one that is not done, and one of ratings", async () => {
    expect((await refusal({ data: data["pictures"]! }))?.code).toBe("fileUnreadable");
    expect((await refusal({ from: join(folder, "none") }))?.code).toBe("runMissing");
    const record = await json<RunRecord>(base.run, "run.json");
    const half = join(folder, "half");
    await writeFolder(half, { "run.json": JSON.stringify({ ...record, state: "interrupted" }) });
    expect((await refusal({ from: half }))?.code).toBe("runNotTrained");
    const ratings = join(folder, "ratings");
    await writeFolder(ratings, { "run.json": JSON.stringify({ ...record, plan: { ...record.plan, task: "recommend" } }) });
    expect(await refusal({ from: ratings })).toMatchObject({ code: "usage", message: expect.stringContaining("ratings") as string });
  });

  test("more rows are learned from by the network as it was", async () => {
    const more = join(folder, "more.csv");
    const lines = (await readFile(await writeTable(await mkdtemp(join(folder, "m-")), 700, 2), "utf8")).split("\n").slice(1).join("\n");
    await writeFile(more, (await readFile(data["table"]!, "utf8")) + lines);
    const grown = await train({ data: more, from: base.run, steps: 2 });
    expect(grown.model.parameters).toBe(base.model.parameters);
  });
});

describe("corrections", () => {
  const at = (line: Partial<Correction>): CorrectionLine => ({ do: "correct", id: line.hash!, when: 1, origin: "result", run: "r", row: 1, from: "", to: "", hash: "", ...line }); // prettier-ignore
  async function fileOf(...lines: CorrectionLine[]): Promise<string> {
    const path = join(folder, `corrections${count++}.jsonl`);
    await appendFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return path;
  }
  const all = async (run: string) => {
    const { parts } = await json<RunMistakes>(run, "mistakes.json");
    return (["train", "validation", "test"] as const).flatMap((split) => parts[split].map((one) => ({ ...one, split })));
  };

  const byClasses = () => train({ data: data["table"]!, target: "kind", splitBy: { by: "stratified" }, config: { folds: 0, members: 4, width: 32 }, steps: 10 }); // prettier-ignore
  test.each<[string, () => RunResult | Promise<RunResult>]>([
    ["a table in folds", () => firsts.get("classes of a table, in folds")!],
    ["a table by its classes", byClasses],
    ["texts", () => firsts.get("texts")!],
    ["pictures", () => firsts.get("a head on a network of pictures")!],
  ])("of %s are what is learned and judged, and no row changes sides", { timeout: 60_000 }, async (what, first) => {
    const before = await first();
    const { spec, plan } = await json<RunRecord>(before.run, "run.json");
    // In folds the rows of train and validation are the same ones, the latter judged by those that have not seen them.
    const told = (await all(before.run)).filter(({ split }) => !plan!.folds || split !== "train");
    // Copies would be corrected together.
    const chosen = [...told.filter(({ right }) => !right), ...told.filter(({ right }) => right)].slice(0, 6);
    expect(chosen.length).toBeGreaterThan(0);
    // Right ones are said to be of another class, where there are few wrong ones.
    const { classes } = await json<RunReport>(before.run, "report.json");
    const other = (truth: string) => classes!.find((name) => name !== truth);
    const to = (one: Mistake) => (one.right ? other(one.truth)! : one.prediction);
    const lines = chosen.map((one) => at({ hash: one.hash!, from: one.truth, to: to(one) }));
    const corrections = await fileOf(...lines, at({ hash: what === "pictures" ? "0".repeat(64) : "12345", to: "x" }));
    const after = await train({ data: spec.data, from: before.run, corrections, steps: 1, lr: 1e-12 });
    expect(after.corrections).toEqual({ rows: chosen.length, lost: 1 });
    const [was, is] = [await json<RunReport>(before.run, "report.json"), await json<RunReport>(after.run, "report.json")];
    expect(is.rows).toEqual(was.rows);
    for (const split of ["test", "validation"] as const) {
      const gained = chosen.filter((one) => one.split === split).reduce((sum, { right }) => sum + (right ? -1 : 1), 0);
      const { rows } = was.parts[split]!;
      expect(after.metrics[split]!["accuracy"]! * rows, split).toBeCloseTo(before.metrics[split]!["accuracy"]! * rows + gained, 3);
    }
    // Each is told with its hash as before, and with the answer it has now.
    for (const one of await all(after.run)) {
      const correction = chosen.find(({ hash }) => hash === one.hash);
      if (!correction) continue;
      expect(one.truth).toBe(to(correction));
      if (!plan!.folds) expect(one.split).toBe(correction.split);
    }
  });

  test("are learned: the next training tells the corrected answers better than the weights that it began with", async () => {
    const random = new Random(7, "flipped");
    const lines = Array.from({ length: 500 }, () => {
      const [a, b] = [random.normal(), random.normal()];
      const [truth, other] = a + a * b > 0 ? ["yes", "no"] : ["no", "yes"];
      return { cells: `${a.toFixed(4)},${b.toFixed(4)}`, truth, flipped: random.uniform() < 0.2, other };
    });
    const path = join(folder, "flipped.csv");
    const spec: TrainSpec = { data: path, target: "y", config: { folds: 0, members: 4, width: 32 }, steps: 150 };
    await writeFile(path, `a,b,y\n${lines.map(({ cells, truth, other, flipped }) => `${cells},${flipped ? other : truth}`).join("\n")}\n`);
    const first = await train(spec);
    const rows = lines.flatMap(({ flipped }, i) => (flipped ? [i + 1] : []));
    const found = await createWorker(() => {}).handlers.findSamples({ spec, rows, cache }, new AbortController().signal);
    const corrections = await fileOf(...found.map(({ hash, row }) => at({ hash, to: lines[row - 1]!.truth })));
    const next = await train({ data: path, from: first.run, corrections, steps: 150 });
    expect(next.corrections).toEqual({ rows: rows.length, lost: 0 });
    expect(next.metrics.test!["accuracy"]).toBeGreaterThan(next.from!.before!.value);
  });

  test("of numbers are read as the column writes them", async () => {
    const path = join(folder, "prices.csv");
    const euro = (x: number) => `"${x.toFixed(2).replace(".", ",")} €"`;
    await writeFile(path, `n,price\n${Array.from({ length: 60 }, (_, i) => `${i},${euro(1000 + 10.5 * i)}`).join("\n")}\n`);
    const worker = createWorker(() => {}).handlers;
    const { signal } = new AbortController();
    const spec: TrainSpec = { data: path, target: "price", task: "regression", config: { folds: 0 }, steps: 1 };
    const [third] = await worker.findSamples({ spec, rows: [3], cache }, signal);
    expect(third).toMatchObject({ row: 3, answer: "1021" });
    const corrections = await fileOf(at({ hash: third!.hash, target: "price", to: "99999.5" }), at({ hash: third!.hash, id: "other", target: "n", to: "1" })); // prettier-ignore
    const run = await train({ ...spec, corrections });
    const one = (await all(run.run)).find(({ hash }) => hash === third!.hash);
    expect(one).toMatchObject({ row: 3, truth: "99999.5" });
    const problems = await worker.health({ spec: { ...spec, corrections }, cache }, signal);
    expect(problems[0]).toMatchObject({ code: "corrections", data: { count: 1, lost: 0 } });
    const plain = await worker.evaluate({ run: run.run, file: path, cache }, signal);
    const judged = await worker.evaluate({ run: run.run, file: path, corrections, cache }, signal);
    expect(judged.metrics["rmse"]).toBeGreaterThan(10 * plain.metrics["rmse"]!);
  });

  test("that are made or withdrawn while a run is interrupted do not change it", async () => {
    const spec: TrainSpec = { data: data["table"]!, target: "kind", steps: 40 };
    const [sample] = await createWorker(() => {}).handlers.findSamples({ spec, rows: [1], cache }, new AbortController().signal);
    const to = sample!.answer === "old" ? "small" : "old";
    const corrections = await fileOf(at({ hash: sample!.hash, to }));
    const whole = await train({ ...spec, corrections });
    const abort = new AbortController();
    const run = join(folder, `run${count++}`);
    const control = new Control(abort.signal);
    const options = { run, cache, onProgress: () => {}, checkpointEvery: 0 };
    const broken = trainRun({ ...options, spec: { ...spec, corrections }, signal: abort.signal, control, onPoint: ({ step }) => step >= 10 && abort.abort() }); // prettier-ignore
    await expect(broken).rejects.toMatchObject({ code: "interrupted" });
    await appendFile(corrections, `${JSON.stringify({ do: "undo", id: sample!.hash, when: 2 })}\n`);
    const { signal } = new AbortController();
    const rest = await trainRun({ ...options, signal, control: new Control(signal), onPoint: () => {} });
    expect(rest.metrics).toEqual(whole.metrics);
    expect(rest.corrections).toEqual({ rows: 1, lost: 0 });
  });
});
