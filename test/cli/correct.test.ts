// The data flywheel on the command line: train, correct a row, train on from the weights, withdraw.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ListedCorrection, RunMistakes, RunResult } from "../../ipc/types.ts";
import { home, paddock } from "./setUp.ts";

/** Rows of two classes that overlap. */
function overlapping(name: string): string {
  const path = join(home, name);
  const rows = Array.from({ length: 200 }, (_, i) => `${(((i * 37) % 101) / 50 + (i % 2)).toFixed(2)},${i},${i % 2 ? "up" : "down"}`);
  writeFileSync(path, `a,id,kind\n${rows.join("\n")}\n`);
  return path;
}

const wrongOf = (run: string) =>
  (JSON.parse(readFileSync(join(run, "mistakes.json"), "utf8")) as RunMistakes).parts.test.find(({ right }) => !right)!;

interface Listed {
  file: string;
  corrections: ListedCorrection[];
}

describe("a wrong answer", () => {
  const train = async (...args: string[]) => {
    const { code, json, stdout } = await paddock(["train", ...args, "--json"]);
    expect(code, stdout).toBe(0);
    return json as unknown as RunResult;
  };
  const correct = async (run: string, ...args: string[]) => (await paddock(["correct", run, ...args, "--json"])).json as unknown as Listed;

  test("of a project is corrected, and learned by train --from in that project", { timeout: 120_000 }, async () => {
    const first = await train(overlapping("project.csv"), "--target", "kind", "--steps", "20");
    const wrong = wrongOf(first.run);
    const { file } = await correct(first.run, "--row", String(wrong.row), "--to", wrong.prediction);
    expect(file).toBe(join(first.run, "../../corrections.jsonl"));
    const next = await train("--from", first.run, "--steps", "5");
    expect(next).toMatchObject({ corrections: { rows: 1, lost: 0 }, from: { before: { metric: "accuracy" } } });
    expect(dirname(next.run)).toBe(dirname(first.run));
  });

  test("of a run in a folder is corrected, learned by train --from, and withdrawn", { timeout: 120_000 }, async () => {
    const first = await train(overlapping("loose.csv"), "--target", "kind", "--steps", "20", "--out", join(home, "loose"));
    const wrong = wrongOf(first.run);
    expect(await correct(first.run, "--row", String(wrong.row), "--to", "sideways")).toMatchObject({ error: { code: "valueInvalid" } });
    const { file, corrections } = await correct(first.run, "--row", String(wrong.row), "--to", wrong.prediction);
    expect(corrections).toMatchObject([{ row: wrong.row, from: wrong.truth, to: wrong.prediction, origin: "commandLine", lost: false }]);
    const next = await train("--from", first.run, "--steps", "5", "--out", join(home, "next"));
    expect(next.corrections).toEqual({ rows: 1, lost: 0 });
    expect(await correct(next.run, "--undo", corrections[0]!.id)).toEqual({ file, corrections: [] });
  });

  test("is not learned from a run that is not there", async () => {
    const refused = await paddock(["train", "--from", join(home, "nowhere"), "--json"]);
    expect([refused.code, refused.json["error"]]).toMatchObject([3, { code: "runMissing" }]);
    const both = await paddock(["train", "--from", "x", "--resume", "y", "--json"]);
    expect([both.code, both.json["error"]]).toMatchObject([2, { code: "usage" }]);
  });
});
