// Contrast of what is written and drawn, in both themes, computed from the colours themselves (WCAG 2.2, level AA).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../shared.ts";

const css = readFileSync(join(root, "renderer/ui/theme.css"), "utf8");

/** The custom properties of a rule; `var(--x)` is followed. */
function colours(...selectors: string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const selector of selectors) {
    const start = css.indexOf(`${selector} {`);
    expect(start, selector).toBeGreaterThanOrEqual(0);
    for (const [, name, value] of css.slice(start, css.indexOf("}", start)).matchAll(/(--[a-z-]+):\s*(#[0-9a-f]{6}|var\(--[a-z-]+\));/g))
      found.set(name!, value!);
  }
  return found;
}

const themes = { light: colours(":root"), dark: colours(":root", ':root[data-theme="dark"]') };

function rgb(theme: Map<string, string>, name: string): number[] {
  const value = theme.get(name);
  const other = value && /var\((.+)\)/.exec(value)?.[1];
  if (other) return rgb(theme, other);
  expect(value, name).toMatch(/^#/);
  return [1, 3, 5].map((at) => parseInt(value!.slice(at, at + 2), 16));
}

/** Relative luminance: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(parts: number[]): number {
  const [r = 0, g = 0, b = 0] = parts.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: number[], other: number[]): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const grounds = ["--background", "--surface", "--surface-soft"];
const on = (ink: string, ...more: string[]) => [...grounds, ...more].map((ground) => [ink, ground] as const);

/** Text and the ground it stands on somewhere in the app. */
const texts = [
  ...on("--text", "--accent-soft", "--bad-soft", "--care-soft"),
  ...on("--text-soft", "--accent-soft"),
  ...on("--accent", "--accent-soft"),
  ...on("--accent-strong", "--accent-soft"),
  ...on("--bad", "--bad-soft"),
  ...on("--care", "--care-soft"),
  ["--on-accent", "--accent"],
  ["--on-accent", "--accent-strong"],
] as const;

/** Lines of charts, borders of fields and the focus ring: 3 to 1 is asked of what is not text. */
const drawn = [...on("--line-strong"), ...on("--ink"), ...on("--accent"), ...on("--good")];

test.each(Object.entries(themes))("text and lines of the %s theme can be seen", (_, theme) => {
  const weak = (pairs: readonly (readonly [string, string])[], least: number) =>
    pairs
      .map(([ink, ground]) => ({ ink, ground, contrast: Number(contrast(rgb(theme, ink), rgb(theme, ground)).toFixed(2)) }))
      .filter((pair) => pair.contrast < least);
  expect(weak(texts, 4.5)).toEqual([]);
  expect(weak(drawn, 3)).toEqual([]);
});

test("the reckoning agrees with known pairs", () => {
  expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 5);
  expect(contrast([119, 119, 119], [255, 255, 255])).toBeCloseTo(4.48, 2);
});
