// A small table of numbers, categories and gaps, as a CSV file.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "../../worker/random.ts";

/** `kind` depends on two numbers and a category, `price` on all; some cells are missing. */
export async function writeTable(folder: string, rows = 240, seed = 1): Promise<string> {
  const random = new Random(seed, "table");
  const lines = ["size,age,colour,kind,price"];
  for (let i = 0; i < rows; i++) {
    const size = random.normal() * 10 + 50;
    const age = random.uniform() * 90;
    const colour = ["red", "green", "blue"][Math.floor(random.uniform() * 3)]!;
    const kind = size + (colour === "red" ? 8 : 0) + random.normal() * 3 > 52 ? "large" : age > 50 ? "old" : "small";
    const price = size * 100 + (90 - age) * 20 * (colour === "blue" ? 2 : 1) + random.normal() * 50;
    lines.push([i % 17 === 0 ? "" : size.toFixed(3), age.toFixed(2), i % 23 === 0 ? "" : colour, kind, price.toFixed(2)].join(","));
  }
  const path = join(folder, "things.csv");
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}
