// One net of the suite: its steps timed, in turn with PyTorch's where it is there. A process that does this for one net has its peak of memory.
import { AppError } from "../../../ipc/error.ts";
import type { SuiteEntry, SuiteSpec, SuiteTiming } from "../../../ipc/types.ts";
import { openEngine } from "../../run/engine.ts";
import { threadCount } from "../../run/onnxruntime.ts";
import { type Tensor, toNumbers } from "../../tensor.ts";
import { peakMemory } from "../memory.ts";
import { trainingStep } from "../step.ts";
import { type Entry, SuiteNet } from "./entry.ts";
import { suite } from "./index.ts";
import { type Made, Peer } from "./peer.ts";

/** Small, so that few steps stay comparable: Adam makes much of the last bits of small gradients. */
const rate = 1e-4;
/** So many turns are taken, so that what else the machine does falls on both. */
const turns = 4;

/** @throws usage for a net that is not of the suite; deviceUnknown, deviceFailed; workerDied when PyTorch ends */
export async function timeEntry(spec: SuiteSpec, signal?: AbortSignal): Promise<SuiteEntry> {
  const { name, device, steps, seed, small } = spec;
  const { title, sizes, net, weights, step, buildMs } = madeStep(name, seed, small);
  const threads = spec.threads ?? threadCount();
  const { feeds } = net;
  const parameters = step.states.filter((s) => !s.name.includes(":") && s.name !== "t").reduce((sum, s) => sum + s.initial.data.length, 0);
  const peer = spec.peer ? await Peer.open(spec.peer, { net: name, sizes, threads, rate, weights, feeds }, signal) : undefined;
  weights.clear();
  const engine = await openEngine(device, { threads });
  try {
    const session = await engine.train(step, undefined);
    const own = async (count: number): Promise<Made> => {
      const made: Made = { times: [], cpu: 0, losses: [], peak: 0 };
      const used = process.cpuUsage();
      for (let i = 0; i < count; i++) {
        signal?.throwIfAborted();
        const began = performance.now();
        const { loss } = await session.step(feeds, rate);
        made.losses.push(toNumbers(loss!)[0]!);
        made.times.push(performance.now() - began);
      }
      const { user, system } = process.cpuUsage(used);
      return { ...made, cpu: (user + system) / 1000, peak: peakMemory() };
    };
    // The first step, in which memory is laid out, is not timed where there are others.
    const counts = steps > 1 ? [1, ...parts(steps - 1, turns)] : [1];
    const [ours, theirs]: Made[][] = [[], []];
    for (const [i, count] of counts.entries()) {
      const both = [async () => ours!.push(await own(count)), async () => peer && theirs!.push(await peer.steps(count))];
      for (const turn of i % 2 ? both.reverse() : both) await turn();
    }
    const timing = timed(ours!);
    const beside = peer ? timed(theirs!) : null;
    const losses = ours!.flatMap((made) => made.losses);
    const peerLosses = theirs!.flatMap((made) => made.losses);
    return {
      name,
      title,
      device,
      threads,
      parameters,
      nodes: step.graph.nodes.length,
      buildMs,
      ...timing,
      losses,
      peer: beside && { ...beside, losses: peerLosses },
      ratio: beside && {
        time: round(timing.stepMs.median / beside.stepMs.median),
        cpu: round(timing.cpuMs / beside.cpuMs),
        memory: beside.peakMemoryBytes ? round(timing.peakMemoryBytes! / beside.peakMemoryBytes) : null,
      },
      lossDifference: beside && Math.max(...losses.map((loss, i) => Math.abs(loss - peerLosses[i]!) / Math.abs(peerLosses[i]!))),
    };
  } finally {
    await engine.dispose();
    await peer?.close();
  }
}

/** The training step of a net, with what it starts from. */
export function madeStep(name: string, seed: number, small: boolean) {
  const entry = Object.hasOwn(suite, name) ? suite[name as keyof typeof suite] : undefined; // just checked
  if (!entry)
    throw new AppError("usage", `There is no net '${name}' in the suite.`, `Name some of: ${Object.keys(suite).join(", ")}.`, { name });
  const { title } = entry;
  const sizes = small ? entry.small : entry.full;
  const net = new SuiteNet(name, seed);
  const began = performance.now();
  net.g.output((entry as Entry<never>).build(net, sizes as never), "loss"); // each entry with its own sizes
  const step = trainingStep(net.g.graph, { loss: "loss", optimizer: { name: "adamw" } });
  const buildMs = round(performance.now() - began);
  const weights = new Map<string, Tensor>([...net.g.graph.initializers].filter(([key]) => net.drawn.has(key)));
  return { title, sizes, net, weights, step, buildMs };
}

/** A count in so many parts, as even as they go; none is empty. */
function parts(count: number, most: number): number[] {
  const ends = Array.from({ length: most + 1 }, (_, i) => Math.round((i * count) / most));
  return ends.slice(1).map((end, i) => end - ends[i]!).filter((n) => n > 0); // prettier-ignore
}

function timed(all: readonly Made[]): SuiteTiming {
  const counted = all.slice(all.length > 1 ? 1 : 0);
  const times = counted.flatMap((made) => made.times).sort((a, b) => a - b);
  const at = (share: number) => round(times[Math.min(times.length - 1, Math.floor(share * times.length))]!);
  const cpu = counted.reduce((sum, made) => sum + made.cpu, 0);
  return {
    stepMs: { median: at(0.5), p10: at(0.1), p90: at(0.9) },
    cpuMs: round(cpu / times.length),
    peakMemoryBytes: all.at(-1)!.peak,
  };
}

const round = (value: number): number => Number(value.toFixed(4));
