// A whole run on TensorFlow, with @tensorflow/tfjs in the place of tfjs-node-gpu: the device is asked for by name like any other.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { CurvePoint, RunRecord, TrainSpec } from "../../ipc/types.ts";
import { deviceIds, probeDevice } from "../../worker/run/device.ts";
import { openPredictor } from "../../worker/run/predict.ts";
import { Control } from "../../worker/train/control.ts";
import { trainRun } from "../../worker/train/run.ts";
import { writeTable } from "./table.ts";

vi.hoisted(() => (process.env["PADDOCK_TENSORFLOW"] = "@tensorflow/tfjs")); // before the imports: the devices are known from the start

let folder: string;
let spec: TrainSpec;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "paddock-tensorflow-"));
  const data = await writeTable(folder);
  const config = { width: 8, depth: 2, members: 2, dropout: 0.1, waves: 2 };
  spec = { data, target: "kind", steps: 24, batch: 48, logLosses: true, device: "tensorflow", config };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function train(name: string, more: Partial<TrainSpec> | undefined, onPoint?: (point: CurvePoint, abort: AbortController) => void) {
  const abort = new AbortController();
  return trainRun({
    run: join(folder, name),
    ...(more && { spec: { ...spec, ...more } }),
    cache: join(folder, "cache"),
    control: new Control(abort.signal),
    signal: abort.signal,
    onProgress: () => {},
    onPoint: (point) => onPoint?.(point, abort),
  });
}

test("the device is listed, tried, and named with its version", async () => {
  expect(deviceIds).toContain("tensorflow");
  const device = await probeDevice("tensorflow");
  expect(device).toMatchObject({ id: "tensorflow", kind: "tensorflow", works: true });
  expect(device.why).toMatch(/TensorFlow\.js 4\.\d+\.\d+ with the backend 'cpu'/);
});

test("a run learns as on the processor, and its model answers alone", async () => {
  const theirs = await train("theirs", {});
  const ours = await train("ours", { device: "cpu" });
  expect([theirs.device, ours.device]).toEqual(["tensorflow", "cpu"]);
  expect(theirs.losses).toHaveLength(24);
  theirs.losses!.forEach((loss, i) => expect(Math.abs(loss - ours.losses![i]!), `step ${i + 1}`).toBeLessThan(1e-3));
  expect(theirs.metrics.test!["logLoss"]).toBeCloseTo(ours.metrics.test!["logLoss"]!, 2);
  const predictor = await openPredictor(join(folder, "theirs"));
  const [answer] = await predictor.predictRows([{ size: "80", age: "10", colour: "red" }]);
  expect(["large", "old", "small"]).toContain(answer!.prediction);
  await predictor.dispose();
});

test("interrupted and resumed equals never interrupted, to the bit", async () => {
  const whole = await train("whole", {});
  const cut = train("cut", {}, (point, abort) => point.step >= 10 && abort.abort());
  await expect(cut).rejects.toMatchObject({ code: "interrupted" });
  const record = JSON.parse(await readFile(join(folder, "cut", "run.json"), "utf8")) as RunRecord;
  expect(record).toMatchObject({ state: "interrupted", plan: { device: "tensorflow" } });
  const rest = await train("cut", undefined);
  expect(rest.losses).toEqual(whole.losses);
  expect(rest.metrics).toEqual(whole.metrics);
  expect(await readFile(join(folder, "cut", "model.onnx"))).toEqual(await readFile(join(folder, "whole", "model.onnx")));
});
