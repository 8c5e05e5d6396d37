import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// Four projects in one run: unit (beside the files), screens (components in a DOM), whole (what crosses files: real tables, gradients on
// every device, runs that are killed), doors (real processes and a real browser, against dist/). One count at the end.
export default defineConfig({
  test: {
    reporters: ["default", "./test/countReporter.ts"],
    projects: [
      {
        test: {
          name: "unit",
          environment: "node",
          include: ["{ipc,main,worker}/**/*.test.ts"],
          pool: "forks",
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "whole",
          environment: "node",
          include: ["test/{data,fuzz,gradients,train,talk,export,parity,host,lint}/**/*.test.ts"],
          pool: "forks",
          testTimeout: 60_000,
        },
      },
      {
        plugins: [svelte()],
        resolve: { conditions: ["browser"] },
        test: { name: "screens", environment: "happy-dom", include: ["renderer/**/*.test.ts"], pool: "forks" },
      },
      {
        test: {
          name: "doors",
          environment: "node",
          include: ["test/{cli,doors,electron,package,browser}/**/*.test.ts"],
          globalSetup: ["./test/buildOnce.ts"],
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
