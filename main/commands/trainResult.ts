// The result of a run in words: the numbers beside the baselines, how training ended, and where the model lies.
import type { RunChoice, RunResult } from "../../ipc/types.ts";
import { bytes, columns, short } from "./output.ts";

export function describeResult(result: RunResult): string {
  const { metrics, baseline, verdict } = result;
  const held = metrics.test ? "test" : "train";
  const names = Object.keys(metrics.test ?? metrics.train);
  const rows = names.map((name) => [
    name,
    short((metrics.test ?? metrics.train)[name]),
    short(baseline.linear[name]),
    short(baseline.constant[name]),
    ...(baseline.popularity ? [short(baseline.popularity[name])] : []),
  ]);
  const beaten = verdict.beatsConstant && verdict.beatsLinear;
  const writes = result.task === "language";
  const [linear, constant] = writes ? ["pairs of tokens", "single tokens"] : ["linear model", "dumb guess"];
  const said = beaten
    ? "It beats both baselines."
    : `It does not beat ${verdict.beatsConstant ? `the ${linear}` : verdict.beatsLinear ? `the ${constant}` : "the baselines"}.`;
  const { model, device, steps, seconds, peakMemoryBytes, stopped } = result;
  const how = { converged: "validation no longer improved", budget: "the budget was spent", interrupted: "it was stopped" }[stopped];
  return [
    `${model.name} with ${model.parameters} parameters on ${device}: ${steps} steps in ${short(seconds)} s, ended because ${how}; peak memory ${bytes(peakMemoryBytes)}.`,
    ...choiceLines(result.choice),
    "",
    columns([
      [
        writes ? `on the ${held} text` : `on the ${held} rows`,
        "network",
        linear,
        constant,
        ...(baseline.popularity ? ["most popular"] : []),
      ],
      ...rows,
    ]),
    "",
    said,
    ...originLines(result),
    `Run:   ${result.run}`,
    `Model: ${result.onnx}`,
  ].join("\n");
}

/** What was settled when the run began, as far as it is worth a line. */
function choiceLines(choice: RunChoice | undefined): string[] {
  if (!choice) return [];
  const { trials, shrunkFrom, batch, memory, fallbacks, device, threads } = choice;
  const place = (on: string, count: number) => (on === "cpu" ? `cpu, ${count} thread${count === 1 ? "" : "s"}` : on);
  const lines = [];
  if (trials.length) {
    const tried = trials.map(
      (t) => `${place(t.device, t.threads)}: ${t.stepMs === null ? `not (${t.why ?? "no reason"})` : `${short(t.stepMs)} ms a step`}`,
    );
    lines.push(`Tried: ${tried.join("; ")}. Taken: ${place(device, threads)}.`);
  }
  if (shrunkFrom !== undefined) lines.push(`${shrunkFrom} rows a step would not have fitted the memory: it took ${batch}.`);
  if (fallbacks?.length)
    lines.push(`On the processor instead of ${device}: ${fallbacks.map((f) => `${f.operator} × ${f.count}`).join(", ")}.`);
  if (memory.measuredBytes !== undefined)
    lines.push(`Memory forecast: ${bytes(memory.forecastBytes)}; measured: ${bytes(memory.measuredBytes)}.`);
  return lines;
}

/** What it began from and what was corrected, where that is so. */
function originLines({ from, corrections, metrics }: RunResult): string[] {
  const lines = [];
  if (corrections)
    lines.push(
      `${corrections.rows} answers of the data are corrected${corrections.lost ? `; ${corrections.lost} corrections have lost their row` : ""}.`,
    );
  const now = from?.before && metrics.test?.[from.before.metric];
  if (from)
    lines.push(
      `It began from the run ${from.run}${from.before && now !== undefined ? `, whose ${from.before.metric} on the same test rows is ${short(from.before.value)}; now ${short(now)}` : ""}.`,
    );
  return lines;
}
