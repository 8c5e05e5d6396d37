// The TensorFlow device through the built command line, @tensorflow/tfjs standing in for the package that needs a download. The package is
// no part of the build: where it is missing or does not load, everything else goes on.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Device } from "../../ipc/types.ts";
import { root } from "../shared.ts";
import { home, paddock, table } from "./setUp.ts";

const standIn = { PADDOCK_TENSORFLOW: "@tensorflow/tfjs" };
const found = async (env: Record<string, string>): Promise<Device | undefined> => {
  const { code, json } = await paddock(["devices", "--json"], { env });
  expect(code).toBe(0);
  return (json as unknown as Device[]).find((device) => device.id === "tensorflow");
};

test("it is listed where the package is there, and says what is wrong where it does not load", async () => {
  expect(await found(standIn)).toMatchObject({ works: true, why: expect.stringContaining("TensorFlow.js 4.") as string });
  expect(await found({ PADDOCK_TENSORFLOW: "@tensorflow/nowhere" })).toBeUndefined();
  const broken = join(home, "broken.cjs");
  writeFileSync(broken, `throw new Error("libcudart.so.11.0: cannot open shared object file");`);
  expect(await found({ PADDOCK_TENSORFLOW: broken })).toMatchObject({ works: false, why: expect.stringContaining("libcudart.so.11.0") as string }); // prettier-ignore
  const { code, json } = await paddock(["train", table(), "--target", "y", "--device", "tensorflow", "--json"], { env: { PADDOCK_TENSORFLOW: broken } }); // prettier-ignore
  expect([code, (json["error"] as { code: string }).code]).toEqual([1, "deviceFailed"]);
});

test("a run on it learns, and its model answers without it", async () => {
  const run = join(home, "tensorflow");
  const args = ["train", table("small.csv", 60), "--target", "y", "--steps", "2", "--batch", "8", "--device", "tensorflow", "--out", run];
  const trained = await paddock([...args, "--log-losses", "--json"], { env: standIn });
  expect([trained.code, trained.stderr]).toEqual([0, ""]);
  expect(trained.json).toMatchObject({ device: "tensorflow", steps: 2 });
  expect((trained.json["losses"] as number[]).every(Number.isFinite)).toBe(true);
  const answered = await paddock(["predict", run, "-", "--json"], { input: "a,b,c\n1,2,red\n" });
  expect(answered.code).toBe(0);
  expect(answered.json["predictions"]).toHaveLength(1);
});

test("a step file runs on it as on the processor", async () => {
  const model = join(root, "test/references/models/mlp.dynamo.18.onnx");
  const step = join(home, "step.onnx");
  const made = await paddock(["train-step", model, "--loss", "loss", "--optimizer", "radam", "--out", step, "--json"]);
  expect(made.code).toBe(0);
  const losses = async (device: string) => {
    const { code, json } = await paddock(["bench", step, "--device", device, "--steps", "6", "--json"], { env: standIn });
    expect([code, json["device"]]).toEqual([0, device]);
    return json["losses"] as number[];
  };
  const [ours, theirs] = [await losses("cpu"), await losses("tensorflow")];
  ours.forEach((loss, i) => expect(Math.abs(loss - theirs[i]!)).toBeLessThan(1e-3 * Math.max(1, loss)));
});

test("without the package the device is unknown, with the way to bring it", async () => {
  const args = ["train", table(), "--target", "y", "--device", "tensorflow", "--json"];
  const { code, json } = await paddock(args, { env: { PADDOCK_TENSORFLOW: "@tensorflow/nowhere" } });
  expect(code).toBe(2);
  expect(json["error"]).toMatchObject({ code: "deviceUnknown", hint: expect.stringContaining("npm run setup:tensorflow") as string });
});
