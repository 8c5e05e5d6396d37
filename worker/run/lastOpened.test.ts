import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handmade as bytes } from "../../test/export/handmade.ts";
import { LastOpened } from "./lastOpened.ts";
import { openPredictor, type Predictor } from "./predict.ts";

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-last-"));
  for (const name of ["one.onnx", "two.onnx"]) await writeFile(at(name), bytes);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const answer = (predictor: Predictor) => predictor.predictRows([{ a: "3" }]);

test("an answer under way is given although another model is asked meanwhile", async () => {
  const last = new LastOpened(openPredictor);
  let go: () => void = () => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  const slow = last.use(at("one.onnx"), async (predictor) => {
    await gate;
    return answer(predictor);
  });
  await last.use(at("two.onnx"), answer);
  go();
  expect((await slow)[0]!.prediction).toBe("yes");
  await last.dispose();
});

test("the same model stays open; one that was written anew is opened again", async () => {
  const last = new LastOpened(openPredictor);
  const seen = await last.use(at("one.onnx"), (predictor) => predictor);
  expect(await last.use(at("one.onnx"), (predictor) => predictor)).toBe(seen);
  await utimes(at("one.onnx"), new Date(), new Date(Date.now() + 5000));
  expect(await last.use(at("one.onnx"), (predictor) => predictor)).not.toBe(seen);
  await last.dispose();
});

test("a model that could not be opened is tried again", async () => {
  const last = new LastOpened(openPredictor);
  await expect(last.use(at("later.onnx"), answer)).rejects.toMatchObject({ exitCode: 3 });
  await writeFile(at("later.onnx"), bytes);
  expect((await last.use(at("later.onnx"), answer))[0]!.prediction).toBe("yes");
  await last.dispose();
});
