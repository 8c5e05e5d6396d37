// Sets of pictures that a network can learn, drawn here: what they are of is decided by their shape, their places and colours vary.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { encodeModel } from "../../worker/onnx/proto.ts";
import { Builder } from "../../worker/ops/builder.ts";
import { Random } from "../../worker/random.ts";
import { float32 } from "../../worker/tensor.ts";

export const shapes = ["bars", "blob", "ring"] as const;

/** A picture of the shape as uint8 [side, side, 3], somewhere, in some colours, with noise. */
export function draw(shape: (typeof shapes)[number], seed: number, side = 24): Buffer {
  const random = new Random(seed, `picture of ${shape}`);
  const pixels = Buffer.alloc(side * side * 3);
  const [x0, y0] = [random.uniform() * 6 - 3 + side / 2, random.uniform() * 6 - 3 + side / 2];
  const radius = side * (0.25 + 0.08 * random.uniform());
  const light = [180, 180, 180].map((v) => v + random.uniform() * 70);
  const dark = [20, 20, 20].map((v) => v + random.uniform() * 60);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const far = Math.hypot(x - x0, y - y0);
      const inside =
        shape === "bars" ? Math.floor((x + Math.floor(x0)) / 3) % 2 === 0 : far < radius && (shape === "blob" || far > 0.55 * radius);
      for (let c = 0; c < 3; c++) pixels[(y * side + x) * 3 + c] = (inside ? light : dark)[c]! + random.uniform() * 15;
    }
  return pixels;
}

export const png = (pixels: Buffer, side = 24): Promise<Buffer> =>
  sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();

/** The files of a set with class folders: name → bytes. */
export async function classFolders(each: number, from = 0): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (const shape of shapes)
    for (let i = 0; i < each; i++) files[`${shape}/${String(i).padStart(3, "0")}.png`] = await png(draw(shape, from + i));
  return files;
}

export async function writeFolder(root: string, files: Record<string, Buffer | string>): Promise<string> {
  for (const [name, data] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), data);
  }
  return root;
}

/** A small network of pictures as a file: a convolution, the mean over places, and a last matrix of no use to other classes. Wants -1 … 1. */
export function backboneBytes(side = 16, metadata: Record<string, string> = {}): Uint8Array {
  const g = new Builder("backbone");
  const random = new Random(5, "backbone");
  const weights = (dims: number[], scale: number) =>
    g.constant(
      float32(
        dims,
        Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => (random.uniform() * 2 - 1) * scale),
      ),
    );
  const x = g.input("image", "float32", ["N", 3, side, side]);
  const first = g.relu(g.op("Conv", [x, weights([24, 3, 3, 3], 0.4)], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }));
  const second = g.relu(
    g.op("Conv", [first, weights([32, 24, 3, 3], 0.15)], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  );
  const features = g.reduceMean(second, { axes: [2, 3], keepdims: false }); // (N, 32)
  g.output(g.softmax(g.matmul(features, weights([32, 10], 0.3))), "classes");
  for (const [key, value] of Object.entries(metadata)) g.graph.metadata.set(key, value);
  return encodeModel(g.graph);
}
