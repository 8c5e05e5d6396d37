import { expect, test } from "vitest";
import { Random } from "./random.ts";

test("a seed and a name give one stream, and the state goes on where it stood", () => {
  const a = new Random(7, "shuffle");
  const b = new Random(7, "shuffle");
  expect([a.next(), a.next()]).toEqual([b.next(), b.next()]);
  expect(new Random(7, "weights").next()).not.toBe(new Random(7, "shuffle").next());
  expect(new Random(8, "shuffle").next()).not.toBe(new Random(7, "shuffle").next());
  const kept = a.state;
  const next = [a.uniform(), a.uniform()];
  b.state = kept;
  expect([b.uniform(), b.uniform()]).toEqual(next);
});

test("uniform and normal have the moments they should", () => {
  const random = new Random(1);
  const n = 20_000;
  let u = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    u += random.uniform();
    const z = random.normal();
    sum += z;
    squares += z * z;
  }
  expect(u / n).toBeCloseTo(0.5, 1);
  expect(sum / n).toBeCloseTo(0, 1);
  expect(squares / n).toBeCloseTo(1, 1);
});

test("shuffle keeps every element", () => {
  const list = Uint32Array.from({ length: 100 }, (_, i) => i);
  const shuffled = new Random(3).shuffle(list.slice());
  expect(shuffled).not.toEqual(list);
  expect(shuffled.sort()).toEqual(list);
});
