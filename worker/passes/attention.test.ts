// The lowered forms against the runtime's own operators.
import { afterAll, expect, test } from "vitest";
import { type Attributes, type Dim, Graph } from "../onnx/graph.ts";
import { seeded } from "../ops/samples.ts";
import { OrtEngine } from "../run/onnxruntime.ts";
import { bools, float32, int64, sizeOf, type Tensor, toNumbers } from "../tensor.ts";
import { normalize } from "./normalize.ts";
import { runPasses } from "./pass.ts";

const engine = new OrtEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const int = (value: number) => ({ type: "int" as const, value });
const float = (value: number) => ({ type: "float" as const, value });

const random = seeded(3);
const normal = (...dims: number[]): Tensor =>
  float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => random() * 2 - 1),
  );

/** Both graphs on the same inputs. */
async function compare(
  type: string,
  opset: number,
  inputs: readonly (Tensor | undefined)[],
  attrs: Attributes,
  outputs: number[],
  free = false,
): Promise<void> {
  const g = new Graph(type);
  g.opsets.set("", opset);
  const feeds: Record<string, Tensor> = {};
  inputs.forEach((t, i) => {
    if (!t) return;
    feeds[`x${i}`] = t;
    g.addInput({
      name: `x${i}`,
      dtype: t.dtype,
      dims: t.dims.map((d, axis): Dim => (free && axis === 0 && t.dtype === "float32" ? "B" : d)),
    });
  });
  const names = outputs.map((_, i) => `y${i}`);
  g.addNode({ type, inputs: inputs.map((t, i) => (t ? `x${i}` : "")), outputs: names, attrs });
  outputs.forEach((rank, i) =>
    g.addOutput({ name: `y${i}`, dtype: "float32", dims: Array.from({ length: rank }, (_, axis) => `y${i}.${axis}`) }),
  );
  const lowered = runPasses(g, normalize());
  expect(lowered.opsets.get("")).toBe(21);
  expect(lowered.nodes.map((n) => n.type)).not.toContain(type);
  const [own, ours] = await Promise.all([engine.load(g), engine.load(lowered)]);
  const [want, got] = [await own.run(feeds), await ours.run(feeds)];
  for (const name of names) {
    expect(got[name]!.dims, name).toEqual(want[name]!.dims);
    const known = lowered.outputs.find((o) => o.name === name)!.dims;
    known.forEach((d, i) => typeof d === "number" && expect(d).toBe(want[name]!.dims[i]));
    const b = toNumbers(want[name]!);
    toNumbers(got[name]!).forEach((v, i) => expect(v, `${name}[${i}]`).toBeCloseTo(b[i]!, 5));
  }
  await own.dispose();
  await ours.dispose();
}

test("attention with 4 axes, causal, with fewer heads of keys", async () => {
  await compare("Attention", 23, [normal(2, 4, 3, 2), normal(2, 2, 3, 2), normal(2, 2, 3, 2)], { is_causal: int(1) }, [4], true);
});

test("attention with 3 axes, a mask and a scale", async () => {
  const heads = { q_num_heads: int(2), kv_num_heads: int(2), scale: float(0.3) };
  const mask = bools([3, 4], [true, true, false, true, true, true, true, true, false, true, false, true]);
  await compare("Attention", 23, [normal(2, 3, 4), normal(2, 4, 4), normal(2, 4, 4), mask], heads, [3]);
  await compare("Attention", 23, [normal(2, 3, 4), normal(2, 4, 4), normal(2, 4, 4), normal(2, 1, 3, 4)], heads, [3]);
});

test("attention that remembers, and with a softcap", async () => {
  const inputs = [normal(1, 2, 2, 2), normal(1, 2, 2, 2), normal(1, 2, 2, 2), undefined, normal(1, 2, 3, 2), normal(1, 2, 3, 2)];
  await compare("Attention", 23, inputs, { softcap: float(2) }, [4, 4, 4]);
});

test("a softcap and a mask together", async () => {
  const inputs = [normal(1, 2, 2, 2), normal(1, 2, 2, 2), normal(1, 2, 2, 2)];
  const additive = float32([2, 2], [0.5, -3, 2, -1]);
  await compare("Attention", 23, [...inputs, additive], { softcap: float(0.5) }, [4]);
  await compare("Attention", 23, [...inputs, bools([2, 2], [true, false, true, true])], { softcap: float(0.5), is_causal: int(1) }, [4]);
});

test("rotations: halves, pairs, part of the width, positions", async () => {
  await compare("RotaryEmbedding", 23, [normal(2, 2, 3, 4), normal(2, 3, 2), normal(2, 3, 2)], {}, [4]);
  await compare("RotaryEmbedding", 23, [normal(2, 2, 3, 4), normal(2, 3, 2), normal(2, 3, 2)], { interleaved: int(1) }, [4], true);
  const positions = int64([2, 3], [0, 1, 2, 4, 3, 1]);
  const attrs = { num_heads: int(2), rotary_embedding_dim: int(2) };
  await compare("RotaryEmbedding", 23, [normal(2, 3, 8), normal(5, 1), normal(5, 1), positions], attrs, [3]);
});
