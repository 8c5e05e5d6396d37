// How long the page's main thread was busy at a stretch, from Chromium's own trace. Measured in the thread's CPU time, so that the answer
// is about the page and not about what else the machine had to do.
import type { Browser, Page } from "playwright-core";

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  tdur?: number;
  args?: { name?: string };
}

export interface Task {
  /** Milliseconds of CPU time. */
  cpu: number;
  /** Milliseconds on the wall. */
  wall: number;
  /** What it did for longest, by the names of the trace. */
  did: string;
}

/** The tasks of the page's main thread while `work` ran, the longest first. */
export async function tasksDuring(browser: Browser, page: Page, work: () => Promise<void>): Promise<Task[]> {
  await browser.startTracing(page, { categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
  let trace: Buffer;
  try {
    await work();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const busiest = mainThread(traceEvents);
  const mine = traceEvents.filter((event) => event.ph === "X" && event.pid === busiest.pid && event.tid === busiest.tid);
  const parts = mine.filter((event) => event.name !== runTask);
  return mine
    .filter((event) => event.name === runTask && event.tdur !== undefined)
    .map((task) => {
      const inside = parts.filter((part) => part.ts >= task.ts && part.ts + (part.dur ?? 0) <= task.ts + (task.dur ?? 0));
      const did = inside
        .sort((a, b) => (b.tdur ?? 0) - (a.tdur ?? 0))
        .slice(0, 6)
        .map((part) => `${part.name} ${((part.tdur ?? 0) / 1000).toFixed(1)}`);
      return { cpu: (task.tdur ?? 0) / 1000, wall: (task.dur ?? 0) / 1000, did: did.join(", ") };
    })
    .sort((a, b) => b.cpu - a.cpu);
}

const runTask = "RunTask";

/** The renderer that did the work: an empty page may stand beside it. */
function mainThread(events: readonly TraceEvent[]): TraceEvent {
  const threads = events.filter((event) => event.name === "thread_name" && event.args?.name === "CrRendererMain");
  const spent = (one: TraceEvent) =>
    events.reduce(
      (sum, event) => sum + (event.name === runTask && event.pid === one.pid && event.tid === one.tid ? (event.tdur ?? 0) : 0),
      0,
    );
  const busiest = threads.sort((a, b) => spent(b) - spent(a))[0];
  if (!busiest) throw new Error("The trace has no page in it.");
  return busiest;
}
