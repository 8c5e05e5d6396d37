// Draws Paddock's icon into assets/icons: a fence whose rails are two falling loss curves, in the one accent colour. One list of shapes
// becomes the SVG, the PNGs, Windows' .ico and macOS's .icns; everything here is plain Node. Run: node scripts/icons.mjs
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "assets/icons");

/** The drawing, in units of a 512-square. */
const size = 512;
const background = "#0b6b53";
const ink = "#f4f7f5";
const mark = "#ffc857";

/** A rail: exponential decay from the left post to the right, as points. */
function rail(top, fall) {
  return Array.from({ length: 33 }, (_, i) => [76 + (360 * i) / 32, top + fall * (1 - Math.exp((-4 * i) / 32))]);
}
const shapes = [
  { kind: "tile", x: 24, y: 24, width: 464, height: 464, radius: 104, color: background },
  ...[124, 256, 388].map((x) => ({
    kind: "line",
    points: [
      [x, 112 + (x === 124 ? 0 : x === 256 ? 84 : 108)],
      [x, 404],
    ],
    width: 34,
    color: ink,
  })),
  { kind: "line", points: rail(150, 120), width: 26, color: ink },
  { kind: "line", points: rail(240, 100), width: 26, color: ink },
  { kind: "dot", x: 388, y: 200, radius: 34, color: mark },
];

const round = (value) => Number(value.toFixed(1));

function svg() {
  const one = (shape) => {
    if (shape.kind === "tile")
      return `<rect x="${shape.x}" y="${shape.y}" width="${shape.width}" height="${shape.height}" rx="${shape.radius}" fill="${shape.color}"/>`;
    if (shape.kind === "dot") return `<circle cx="${shape.x}" cy="${shape.y}" r="${shape.radius}" fill="${shape.color}"/>`;
    const points = shape.points.map(([x, y]) => `${round(x)},${round(y)}`).join(" ");
    return `<polyline points="${points}" fill="none" stroke="${shape.color}" stroke-width="${shape.width}" stroke-linecap="round" stroke-linejoin="round"/>`;
  };
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}">\n${shapes.map((shape) => `  ${one(shape)}\n`).join("")}</svg>\n`;
}

/** Signed distance from a point to a shape's edge, negative inside. */
function distance(shape, x, y) {
  if (shape.kind === "dot") return Math.hypot(x - shape.x, y - shape.y) - shape.radius;
  if (shape.kind === "tile") {
    const dx = Math.abs(x - shape.x - shape.width / 2) - shape.width / 2 + shape.radius;
    const dy = Math.abs(y - shape.y - shape.height / 2) - shape.height / 2 + shape.radius;
    return Math.hypot(Math.max(dx, 0), Math.max(dy, 0)) + Math.min(Math.max(dx, dy), 0) - shape.radius;
  }
  let nearest = Infinity;
  for (let i = 1; i < shape.points.length; i++) {
    const [[ax, ay], [bx, by]] = [shape.points[i - 1], shape.points[i]];
    const t = Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)));
    nearest = Math.min(nearest, Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)));
  }
  return nearest - shape.width / 2;
}

/** Pixels, RGBA, the edges smooth over one pixel. */
function pixels(n) {
  const scale = n / size;
  const out = Buffer.alloc(n * n * 4);
  for (let row = 0; row < n; row++)
    for (let column = 0; column < n; column++) {
      let [r, g, b, a] = [0, 0, 0, 0];
      for (const shape of shapes) {
        const cover = Math.max(0, Math.min(1, 0.5 - distance(shape, (column + 0.5) / scale, (row + 0.5) / scale) * scale));
        if (cover === 0) continue;
        const [sr, sg, sb] = [1, 3, 5].map((at) => parseInt(shape.color.slice(at, at + 2), 16));
        const left = a * (1 - cover);
        const sum = cover + left;
        [r, g, b, a] = [(sr * cover + r * left) / sum, (sg * cover + g * left) / sum, (sb * cover + b * left) / sum, sum];
      }
      out.set([Math.round(r), Math.round(g), Math.round(b), Math.round(255 * a)], (row * n + column) * 4);
    }
  return out;
}

function png(n) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(n, 0);
  head.writeUInt32BE(n, 4);
  head.set([8, 6, 0, 0, 0], 8); // 8 bits, RGBA
  const rgba = pixels(n);
  const rows = Buffer.alloc(n * (4 * n + 1)); // each row after a 0: no filter
  for (let row = 0; row < n; row++) rgba.copy(rows, row * (4 * n + 1) + 1, row * 4 * n, (row + 1) * 4 * n);
  const magic = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([magic, chunk("IHDR", head), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

/** Windows: a directory of PNGs. */
function ico(images) {
  const head = Buffer.alloc(6 + 16 * images.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(images.length, 4);
  let offset = head.length;
  images.forEach(([n, data], i) => {
    const at = 6 + 16 * i;
    head.set([n % 256, n % 256], at); // 0 means 256
    head.writeUInt16LE(1, at + 4);
    head.writeUInt16LE(32, at + 6);
    head.writeUInt32LE(data.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += data.length;
  });
  return Buffer.concat([head, ...images.map(([, data]) => data)]);
}

/** macOS: PNGs under four-letter names for each size. */
function icns(images) {
  const entries = images.map(([name, data]) => {
    const head = Buffer.alloc(8);
    head.write(name, 0, "latin1");
    head.writeUInt32BE(data.length + 8, 4);
    return Buffer.concat([head, data]);
  });
  const head = Buffer.alloc(8);
  head.write("icns", 0, "latin1");
  head.writeUInt32BE(8 + entries.reduce((sum, entry) => sum + entry.length, 0), 4);
  return Buffer.concat([head, ...entries]);
}

mkdirSync(folder, { recursive: true });
const made = new Map([16, 24, 32, 48, 64, 128, 256, 512, 1024].map((n) => [n, png(n)]));
writeFileSync(join(folder, "icon.svg"), svg());
for (const n of [16, 32, 48, 64, 128, 256, 512]) writeFileSync(join(folder, `${n}x${n}.png`), made.get(n));
writeFileSync(join(folder, "icon.png"), made.get(1024));
writeFileSync(join(folder, "icon.ico"), ico([16, 24, 32, 48, 64, 128, 256].map((n) => [n, made.get(n)])));
const names = { ic07: 128, ic08: 256, ic09: 512, ic10: 1024, ic11: 32, ic12: 64, ic13: 256, ic14: 512 };
writeFileSync(join(folder, "icon.icns"), icns(Object.entries(names).map(([name, n]) => [name, made.get(n)])));
console.log(`drew ${[...made.keys()].join(", ")} pixels into ${folder}`);
