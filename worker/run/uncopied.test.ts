import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { encodeModel } from "../onnx/proto.ts";
import { Builder } from "../ops/builder.ts";
import { runWritten, withList } from "./uncopied.ts";

test("results are in the given buffers, an input's own among them; a real failure is told", async () => {
  const g = new Builder("step");
  const x = g.input("x", "float32", [3]);
  g.output(g.add(g.mul(x, 2), 1), "y");
  g.output(g.reduceSum(x, { keepdims: false }), "sum");
  const session = await InferenceSession.create(withList(encodeModel(g.graph)));
  const state = new Tensor("float32", [1, 2, 3], [3]);
  const sum = new Tensor("float32", [0], []);
  await runWritten(session, { x: state }, { y: state, sum }, "cpu");
  expect([...state.data, ...sum.data]).toEqual([3, 5, 7, 6]);
  const wrong = { x: new Tensor("float32", [1, 2], [2]) };
  await expect(runWritten(session, wrong, { y: state, sum }, "cpu")).rejects.toMatchObject({ code: "shapeMismatch" });
  await session.release();
});
