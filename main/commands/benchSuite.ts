// paddock bench suite: seven nets, each timed in a process of its own, beside PyTorch where a Python has it.
import { AppError } from "../../ipc/error.ts";
import type { SuiteEntry, SuitePeer } from "../../ipc/types.ts";
import type { Context } from "./action.ts";
import { type Answer, bytes, columns, short } from "./output.ts";

export interface SuiteOptions {
  device: string;
  steps: number;
  seed: number;
  threads?: number;
  only?: string[];
  small?: boolean;
  /** A Python; false: none. */
  peer?: string | false;
}

export async function benchSuite(context: Context, { peer: asked, only, small = false, ...options }: SuiteOptions): Promise<Answer> {
  const given = asked === false ? undefined : (asked ?? (process.env["PADDOCK_PEER_PYTHON"] || undefined));
  const python = asked === false ? undefined : (given ?? "python3");
  const { names, peer } = await context.withWorker((api) => api.suite({ ...(python && { python }) }, context.signal));
  if (given && !peer?.torch)
    throw new AppError("usage", `The Python '${given}' cannot be used: ${peer?.why}.`, "Name one that imports torch, or give --no-peer.", {
      python: given,
    });
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new AppError("usage", `There is no net '${unknown}' in the suite.`, `Name some of: ${names.join(", ")}.`, { name: unknown });
  const entries: SuiteEntry[] = [];
  for (const name of only ?? names) {
    const spec = { name, small, ...options, ...(peer?.torch && { peer: peer.python }) };
    entries.push(await context.withWorker((api) => api.benchSuite(spec, context.signal)));
  }
  const beside = peer?.torch ? { python: peer.python, torch: peer.torch } : null;
  const ratios = entries.flatMap(({ ratio }) => ratio ?? []);
  const median = beside && {
    time: middle(ratios.map((r) => r.time)),
    cpu: middle(ratios.map((r) => r.cpu)),
    memory: middle(ratios.flatMap((r) => r.memory ?? [])),
  };
  const json = { device: options.device, steps: options.steps, peer: beside, entries, median };
  return { json, text: shown(entries, peer, median) };
}

function middle(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const at = sorted.length >> 1;
  return sorted.length ? (sorted.length % 2 ? sorted[at]! : (sorted[at - 1]! + sorted[at]!) / 2) : null;
}

function shown(entries: readonly SuiteEntry[], peer: SuitePeer | null, median: Record<string, number | null> | null): string {
  const own = ["net", "ms a step", "p10-p90", "memory", "loss"];
  const head = median ? [...own, "PyTorch ms", "ratio", "memory", "ratio", "losses differ"] : own;
  const rows = entries.map((e) => {
    const { median: ms, p10, p90 } = e.stepMs;
    const row = [
      e.title,
      short(ms),
      `${short(p10)}-${short(p90)}`,
      size(e.peakMemoryBytes),
      `${short(e.losses[0])} → ${short(e.losses.at(-1))}`,
    ];
    if (!e.peer || !e.ratio) return row;
    const { stepMs, peakMemoryBytes } = e.peer;
    const beside = [short(stepMs.median), short(e.ratio.time), size(peakMemoryBytes), short(e.ratio.memory ?? undefined)];
    return [...row, ...beside, (e.lossDifference ?? 0).toExponential(0)];
  });
  const last = median ? [["median", "", "", "", "", "", short(median["time"] ?? undefined), "", short(median["memory"] ?? undefined)]] : [];
  const about = median
    ? `PyTorch ${peer?.torch} eager on the processor, the same first weights and batch, steps in turn; LoRA's 4-bit base is float32 there.`
    : `Without PyTorch: ${peer?.why ?? "it was left out"}. Name a Python that has it with --peer.`;
  return `${columns([head, ...rows, ...last])}\n\n${about}`;
}

const size = (count: number | null): string => (count === null ? "–" : bytes(count));
