// How threads that wait for the next operator make a step faster or slower: the suite's nets, stepped in turn by sessions that differ in that alone.
// Run with: MALLOC_MMAP_THRESHOLD_=131072 node bench/waiting.mjs [seconds for each net] [net…]; beside a busy program to see what that does.
import { OrtEngine } from "../worker/run/onnxruntime.ts";
import { suite } from "../worker/train/suite/index.ts";
import { madeStep } from "../worker/train/suite/time.ts";

const busy = (micros?: string) => ({
  force_spinning_stop: "1",
  intra_op: { allow_spinning: "1", ...(micros && { spin_duration_us: micros }) },
});
const ways = { asleep: { intra_op: { allow_spinning: "0" } }, "50 µs": busy("50"), "200 µs": busy("200"), "till the end": busy() };
/** Steps of one session before the next one's turn; the first of them is not counted. */
const together = 3;

const [seconds = "20", ...only] = process.argv.slice(2);
const rows: Record<string, Record<string, string>> = {};
for (const name of only.length ? only : Object.keys(suite)) {
  const { step, net } = madeStep(name, 0, false);
  const sessions = [];
  for (const [way, waits] of Object.entries(ways))
    sessions.push({ way, session: await new OrtEngine("cpu", { waits }).train(step, undefined), times: [] as number[] });
  const end = performance.now() + Number(seconds) * 1000;
  for (let turn = 0; performance.now() < end; turn++) {
    for (let i = 0; i < sessions.length; i++) {
      const { session, times } = sessions[(turn + i) % sessions.length]!;
      for (let n = 0; n < together; n++) {
        const began = performance.now();
        await session.step(net.feeds, 1e-4);
        if (turn && n) times.push(performance.now() - began);
      }
    }
  }
  const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
  const base = median(sessions[0]!.times);
  rows[name] = Object.fromEntries(
    sessions.map(({ way, times }) => [way, `${median(times).toFixed(1)} ms (${(median(times) / base).toFixed(2)})`]),
  );
  for (const { session } of sessions) await session.dispose();
}
console.table(rows);
