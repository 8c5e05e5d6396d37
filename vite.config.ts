// The renderer's build: everything it needs is in dist/renderer, nothing inline, so that a strict CSP holds.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  root: "renderer",
  base: "./",
  publicDir: false,
  plugins: [svelte()],
  build: { outDir: "../dist/renderer", emptyOutDir: true, target: "chrome120", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: "127.0.0.1" },
});
