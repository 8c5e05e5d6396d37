import { format } from "../../state/words.svelte.ts";

/** Bytes in powers of 1024, in which memory is counted: 38.1 MiB. */
export function binary(count: number): string {
  const at = Math.min(4, Math.floor(Math.log2(Math.max(1, count)) / 10));
  return `${format().number(count / 1024 ** at, 3)} ${["B", "KiB", "MiB", "GiB", "TiB"][at]!}`;
}
