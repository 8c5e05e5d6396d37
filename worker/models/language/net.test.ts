// Layers over weights in 4 and 8 bits give what the same layers give over the float32 values of those weights, forwards and backwards.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isBlocks, toFloat32 } from "../../formats/language/levels.ts";
import { blocks, bytesFor, type WeightType } from "../../formats/language/weights.ts";
import { Builder } from "../../ops/builder.ts";
import { Random } from "../../random.ts";
import { type Engine, openEngine } from "../../run/engine.ts";
import { float32, halfBits, int64, type Tensor } from "../../tensor.ts";
import { gradientGraph } from "../../train/gradientGraph.ts";
import { LanguageNet } from "./net.ts";
import type { Source, Stored } from "./source.ts";

const [inputs, outputs] = [256, 6];
const types = (Object.keys(blocks) as WeightType[]).filter(isBlocks);
/** Where a block keeps its float16 scales. */
const halves: Record<string, number[]> = {
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q8_0: [0],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
};

/** Random blocks with small scales. */
function drawn(type: WeightType): Stored {
  const random = new Random(1, type);
  const dims = [outputs, inputs];
  const bytes = Uint8Array.from({ length: bytesFor(type, dims) }, () => random.next() & 255);
  const [, size] = blocks[type];
  for (let at = 0; at < bytes.length; at += size)
    for (const place of halves[type]!) new DataView(bytes.buffer).setUint16(at + place, halfBits((random.uniform() - 0.3) * 0.01), true);
  return { type, dims, bytes };
}

const sourceOf = (stored: Stored): Source => ({
  has: (name) => name === "w.weight",
  info: () => stored,
  read: () => stored,
  used: new Set(),
  kept: new Map(),
});
const floats = (stored: Stored): Stored => ({ ...stored, type: "F32", bytes: new Uint8Array(toFloat32(stored, stored.bytes).buffer) });

let engine: Engine;
beforeAll(async () => void (engine = await openEngine("cpu")));
afterAll(() => engine.dispose());

/** Answers and the gradient of their squares at x, and rows of the table. */
async function answers(stored: Stored): Promise<Record<string, Tensor>> {
  const g = new Builder("layers");
  const net = new LanguageNet(g, sourceOf(stored));
  const x = g.input("x", "float32", [1, 3, inputs]);
  const y = net.linear("w", x, outputs);
  g.output(y, "y");
  g.output(net.embed("w", g.input("ids", "int64", [1, 4]), [outputs, inputs]), "rows");
  g.output(g.reduceSum(g.square(y), { keepdims: false }), "loss");
  const random = new Random(2);
  const feed = Float32Array.from({ length: 3 * inputs }, () => random.normal());
  const session = await engine.load(gradientGraph(g.graph, { loss: "loss", wrt: ["x"] }));
  return session.run({ x: float32([1, 3, inputs], feed), ids: int64([1, 4], [0, 5, 2, 2]) });
}

describe.each(types)("%s", (type) => {
  test("a layer, its gradient and a table of words", async () => {
    const stored = drawn(type);
    const [packed, whole] = [await answers(stored), await answers(floats(stored))];
    for (const name of ["y", "rows", "grad:x"]) {
      const [a, b] = [packed[name]!.data as Float32Array, whole[name]!.data as Float32Array];
      const scale = Math.max(...b.map(Math.abs));
      expect(Math.max(...a.map((v, i) => Math.abs(v - b[i]!))) / scale, name).toBeLessThan(2e-6);
      expect(scale, name).toBeGreaterThan(1e-3);
    }
  });
});
