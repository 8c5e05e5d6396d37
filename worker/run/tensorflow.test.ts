import { createRequire } from "node:module";
import { expect, test, vi } from "vitest";
import { describeTensorFlow, hasTensorFlow, loadTensorFlow, tensorflowPackage } from "./tensorflow.ts";

test("the package is named by the environment, else the one for GPUs", () => {
  vi.stubEnv("PADDOCK_TENSORFLOW", "");
  expect(tensorflowPackage()).toBe("@tensorflow/tfjs-node-gpu");
  vi.stubEnv("PADDOCK_TENSORFLOW", "@tensorflow/nowhere");
  expect(hasTensorFlow()).toBe(false);
  vi.unstubAllEnvs();
});

test("what newer versions of Node have left out is put back before it loads", async () => {
  vi.stubEnv("PADDOCK_TENSORFLOW", "@tensorflow/tfjs");
  const util = createRequire(import.meta.url)("node:util") as { isNullOrUndefined?: (value: unknown) => boolean };
  const own = util.isNullOrUndefined;
  delete util.isNullOrUndefined;
  const tf = await loadTensorFlow();
  expect([null, undefined, 0].map((value) => util.isNullOrUndefined!(value))).toEqual([true, true, false]);
  if (own) util.isNullOrUndefined = own;
  expect(describeTensorFlow(tf)).toMatch(/^TensorFlow\.js 4\.\d+\.\d+ with the backend 'cpu'$/);
  vi.unstubAllEnvs();
});
