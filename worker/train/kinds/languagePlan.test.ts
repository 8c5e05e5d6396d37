import { expect, test } from "vitest";
import { languageNet, makeLanguagePlan, speedOf } from "./languagePlan.ts";

const facts = { tokens: { train: 376_000, validation: 47_000, test: 47_000 }, vocabulary: 1024 };
const spec = { data: "a.txt" };

test("size and length follow the text, the time and how fast the machine was found to be", () => {
  const usual = languageNet(facts, spec);
  expect(usual).toMatchObject({ layers: 4, width: 128, context: 128 });
  const slow = { ...facts, speed: 15e9 };
  const smaller = languageNet(slow, spec);
  expect(smaller.width).toBeLessThan(usual.width);
  expect(languageNet({ ...facts, speed: 600e9 }, spec).width).toBe(128); // a larger one would learn so little text by heart
  // A short text is not gone through more than 30 times.
  const short = { tokens: { train: 20_000, validation: 2000, test: 2000 }, vocabulary: 300 };
  const small = { ...spec, config: { layers: 1, width: 16, heads: 2, context: 16 } };
  const net = languageNet(short, small);
  const planned = (more: object, speed?: number) =>
    makeLanguagePlan({ ...short, ...(speed ? { speed } : {}) }, net, { train: 1250, validation: 9, test: 9 }, { ...small, ...more });
  const few = planned({});
  expect(few.course.steps).toBe(30 * Math.ceil(1250 / few.course.batch));
  expect(few.course.maxSeconds).toBe(180);
  expect(few.plan.settings).toMatchObject({ optimizer: "muon", weightDecay: 0.1 });
  expect(planned({}, 1e7).course.steps).toBeLessThan(few.course.steps);
  expect(planned({ steps: 7 }).course.steps).toBe(7);
  expect(planned({ epochs: 2 }).course.steps).toBe(2 * Math.ceil(1250 / few.course.batch));
});

test("a measured step is believed within bounds", () => {
  expect(speedOf(1e-9, 1024)).toBe(2e12);
  expect(speedOf(1e6, 1024)).toBe(1e9);
  expect(speedOf(0.08, 1024)).toBeCloseTo(60e9, -10);
});
