import type { Plugin } from "vite";
export declare function instrument(which: RegExp): Plugin;
