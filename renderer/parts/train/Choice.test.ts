// What a run settled when it began, as a person reads it, in both languages.
import { cleanup, render, screen } from "@testing-library/svelte";
import { afterEach, expect, test } from "vitest";
import type { RunChoice } from "../../../ipc/types.ts";
import { tongue } from "../../state/words.svelte.ts";
import Choice from "./Choice.svelte";

afterEach(() => {
  cleanup();
  tongue.now = "en";
});

const choice: RunChoice = {
  device: "webgpu",
  threads: 2,
  why: "fastest",
  trials: [
    { device: "cpu", threads: 1, stepMs: 5.4 },
    { device: "cpu", threads: 2, stepMs: 3.1 },
    { device: "webgpu", threads: 2, stepMs: 1.25 },
    { device: "cuda", threads: 2, stepMs: null, why: "The library that it needs is not installed." },
  ],
  batch: 128,
  shrunkFrom: 256,
  memory: { forecastBytes: 230_000_000 },
  fallbacks: [
    { operator: "MaxPool", count: 2 },
    { operator: "NonZero", count: 1 },
  ],
};
const lines = () => Array.from(screen.getByTestId("choice").children, (li) => li.textContent.trim());

test("the device and why, every trial, the smaller batch, what falls back, the memory", () => {
  render(Choice, { choice });
  expect(lines()).toEqual([
    "Runs on WebGPU: the fastest of what was tried.",
    "CPU, 1 thread: 5.4 ms a step; CPU, 2 threads: 3.1 ms a step; WebGPU: 1.25 ms a step; CUDA: cannot run it",
    "256 rows a step would not have fitted the memory: it takes 128.",
    "WebGPU cannot run these; the processor does: MaxPool × 2, NonZero × 1.",
    "Memory forecast: 230 MB.",
  ]);
});

test("forecast and measurement together once both are known; nothing is said of what did not happen", () => {
  render(Choice, {
    choice: {
      device: "cpu",
      threads: 1,
      why: "short",
      trials: [],
      batch: 64,
      memory: { forecastBytes: 230_000_000, measuredBytes: 241_000_000 },
    },
  });
  expect(lines()).toEqual([
    "Runs on CPU, 1 thread: too little work for a trial to pay.",
    "Memory: 241 MB at most; the forecast was 230 MB.",
  ]);
});

test("in Chinese", () => {
  tongue.now = "zh";
  render(Choice, { choice });
  expect(lines()[0]).toBe("运行于 WebGPU：试过的设备中它最快。");
  expect(lines()[1]).toContain("CPU（2 个线程）：每步 3.1 毫秒");
});
