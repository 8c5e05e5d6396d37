// Pictures that nobody had to take: discs and crosses of changing size, place and colour, in a folder a class.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

/** Writes `each` pictures of each class below `folder` and answers the path of one more, which none of them is. */
export async function writeShapes(folder, each = 30) {
  let state = 11;
  const next = (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
  const draw = async (kind, path) => {
    const [x, y, r] = [24 + next(16), 24 + next(16), 10 + next(10)];
    const colour = `rgb(${next(200)},${next(200)},${next(200)})`;
    const shape =
      kind === "discs"
        ? `<circle cx="${x}" cy="${y}" r="${r}" fill="${colour}"/>`
        : `<path d="M${x - r} ${y}h${2 * r}M${x} ${y - r}v${2 * r}" stroke="${colour}" stroke-width="6"/>`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="white"/>${shape}</svg>`;
    await sharp(Buffer.from(svg)).png().toFile(path);
  };
  for (const kind of ["discs", "crosses"]) {
    mkdirSync(join(folder, kind), { recursive: true });
    for (let i = 0; i < each; i++) await draw(kind, join(folder, kind, `${i}.png`));
  }
  const unseen = `${folder}-unseen.png`;
  await draw("discs", unseen);
  return unseen;
}
