import type { SplitBy, TaskName } from "../../../ipc/types.ts";
import { en, moment } from "../format.ts";

export const train = {
  title: "Train",
  planning: "Working out the plan…",
  noPlan: "Choose a column to predict, above. The plan follows.",
  what: (target: string, task: TaskName, inputs: number, classes: number | null) => {
    const from = en.plural(inputs, { one: "# input", other: "# inputs" });
    if (task === "recommend") return `A network will learn which ${target} a user gives an item, and what to recommend.`;
    return task === "regression"
      ? `A network will learn to predict the number '${target}' from ${from}.`
      : `A network will learn to tell which of ${classes ? en.count(classes) : "several"} values '${target}' has, from ${from}.`;
  },
  facts: {
    network: "Network",
    learns: "Learns from",
    checks: "Checked on",
    tests: "Tested on",
    split: "Held out",
    where: "Runs on",
    takes: "Takes",
    needs: "Memory",
  },
  split: (by: SplitBy): string => {
    if (by.by === "group") return `by whole groups of '${by.column}'`;
    if (by.by === "time")
      return `the latest by '${by.column}'${by.kept ? `: from ${moment(by.kept[0])} checked, from ${moment(by.kept[1])} tested` : ""}`;
    return by.by === "stratified" ? "every class by its share" : "at random";
  },
  network: (name: string, parameters: number) => en.plural(parameters, { one: `${name}, # weight`, other: `${name}, # weights` }),
  rows: (n: number) => en.plural(n, { one: "# row", other: "# rows" }),
  byTurns: (folds: number) => `the same, one in ${folds} by turns`,
  about: (time: string, most: string) => `about ${time}, at most ${most}`,
  memory: (bytes: string) => `about ${bytes}`,
  nothingHeldOut: "none held out",
  settingsTitle: "Settings in force",
  pastCurve: "How this training went",
  settings: {
    optimizer: "Optimizer",
    lr: "Learning rate",
    schedule: "Schedule",
    weightDecay: "Weight decay",
    classWeight: "Class weights",
    batch: "Rows a step",
    epochs: "Passes at most",
    seconds: "Longest time",
    seed: "Seed",
    shuffle: "Shuffled",
    split: "Rows held out",
  },
  fastest: "the fastest, tried at the start",
  threads: (device: string, n: number) => en.plural(n, { one: `${device}, # thread`, other: `${device}, # threads` }),
  runsOn: (place: string, why: "asked" | "fastest" | "short") =>
    ({
      asked: `Runs on ${place}.`,
      fastest: `Runs on ${place}: the fastest of what was tried.`,
      short: `Runs on ${place}: too little work for a trial to pay.`,
    })[why],
  tried: (place: string, ms: string | null) => (ms === null ? `${place}: cannot run it` : `${place}: ${ms} ms a step`),
  between: "; ",
  shrunk: (planned: string, now: string) => `${planned} rows a step would not have fitted the memory: it takes ${now}.`,
  fallbacks: (device: string, operators: string) => `${device} cannot run these; the processor does: ${operators}.`,
  forecast: (bytes: string) => `Memory forecast: ${bytes}.`,
  measured: (forecast: string, peak: string) => `Memory: ${peak} at most; the forecast was ${forecast}.`,
  start: "Train",
  again: "Train again",
  starting: "Starting…",
  busy: "A training is under way.",
  pause: "Pause",
  resume: "Resume",
  stop: "Stop and keep the best",
  loss: "loss",
  step: "step",
  trainLoss: "training",
  validationLoss: "validation",
  best: "best",
  setBack: "lower rate",
  inParts: "in parts",
  metricChart: (metric: string) => `${metric} on the validation rows`,
  gauge: { ram: "Memory", vram: "GPU memory" },
  gaugeWorker: (bytes: string) => `training ${bytes}`,
  gaugeUsed: (used: string, total: string) => `${used} of ${total} in use`,
  gaugeNone: "measured once it runs",
  epoch: "Pass",
  epochOf: (n: string, most: string) => `${n} of ${most}`,
  speed: "Speed",
  speedOf: (rows: string) => `${rows} rows/s`,
  elapsed: "Time",
  left: "Left",
  leftAtMost: (time: string) => `${time} at most`,
  bestAt: "Best",
  states: {
    queued: "waiting",
    preparing: "preparing",
    running: "training",
    paused: "paused",
    finishing: "testing",
    done: "done",
    interrupted: "interrupted",
    failed: "failed",
  },
};
