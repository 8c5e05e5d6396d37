// What a run will do, decided from the data and the spec alone: equal data and spec give the equal plan on every machine, whatever its
// speed, so that the numbers of a run do not depend on who runs it. The length of the course is chosen so that a machine with two
// ordinary cores walks it in well under the time budget; the budget itself only cuts off.
import type { TableTask, TrainPlan, TrainSpec } from "../../ipc/types.ts";
import { countParameters, modelOf, type NetSpec, trainingGraph } from "../models/index.ts";
import { resolveConfig } from "../models/model.ts";
import { tasks } from "../tasks/index.ts";
import type { Course } from "./trainer.ts";

/** What is known of the data when a run is planned. */
export interface Facts {
  task: TableTask;
  target: string;
  classes?: string[];
  numeric: number;
  categories: readonly number[];
  inputs: number;
  rows: { train: number; validation: number; test: number };
}

export interface FullPlan {
  plan: TrainPlan;
  net: NetSpec;
  course: Course;
  /** 1 where a step is too small to be worth sharing out; absent: the engine's choice. */
  threads?: number;
}

export const defaults = { seconds: 40, seed: 1, device: "cpu", model: "mlp", optimizer: "adamw", schedule: "warmup" } as const;

/** Two ordinary cores: multiply-adds a second in large matrices, seconds a unit's activation, seconds a step whatever its size. */
const machine = { madds: 60e9, activation: 3e-9, step: 2e-3 };
const week = 7 * 24 * 3600;
/** Part of the time budget that the course may fill by that reckoning. */
const share = 0.55;
const epochLimits = { least: 1, most: 200 };

export function makePlan(facts: Facts, spec: TrainSpec): FullPlan {
  const { rows, categories, numeric } = facts;
  const task = tasks[facts.task];
  const outputs = facts.classes?.length ?? 1;
  const family = modelOf(spec.model ?? defaults.model);
  const seed = spec.seed ?? defaults.seed;
  const split = spec.split ?? true;
  const config = resolveConfig(family, spec.config, { task: facts.task, rows: rows.train, numeric, categories, outputs });
  const net: NetSpec = { model: family.id, config, numeric, categories, outputs, seed };
  const graph = trainingGraph(net, task);
  const parameters = countParameters(graph);

  const batch = Math.max(1, Math.min(rows.train, spec.batch ?? suitableBatch(rows.train)));
  const stepsPerEpoch = Math.ceil(rows.train / batch);
  const stepSeconds = stepCost(net, parameters, batch);
  // Epochs or steps that are asked for are not cut short by a budget that nobody asked for.
  const maxSeconds = spec.seconds ?? (spec.epochs === undefined && spec.steps === undefined ? defaults.seconds : week);
  const affordable = Math.floor((maxSeconds * share) / stepSeconds / stepsPerEpoch);
  const epochs = spec.epochs ?? Math.min(epochLimits.most, Math.max(epochLimits.least, affordable));
  const steps = Math.max(1, spec.steps ?? epochs * stepsPerEpoch);
  const evaluateEvery = evaluationStride(stepsPerEpoch, steps);
  const evaluations = Math.ceil(steps / evaluateEvery);

  const settings: TrainPlan["settings"] = {
    optimizer: spec.optimizer ?? defaults.optimizer,
    lr: spec.lr ?? suitableRate(spec.optimizer ?? defaults.optimizer, rows.train),
    schedule: spec.schedule ?? defaults.schedule,
    weightDecay: spec.weightDecay ?? (spec.optimizer === undefined || spec.optimizer === "adamw" ? 0.01 : 0),
    batch,
    seed,
    shuffle: spec.shuffle ?? true,
    split,
  };
  const course: Course = {
    batch,
    lr: settings.lr,
    schedule: settings.schedule,
    seed,
    shuffle: settings.shuffle,
    stepsPerEpoch,
    steps,
    evaluateEvery,
    pointEvery: Math.max(1, Math.ceil(steps / 1000)),
    // A number of steps that was asked for is kept to.
    patience: split && spec.steps === undefined ? Math.max(8, Math.ceil(evaluations * 0.3)) : Infinity,
    // Falls two or three times before the patience with the whole run is spent.
    plateauPatience: Math.max(2, Math.ceil(evaluations * 0.1)),
    maxSeconds,
    keepLosses: spec.logLosses ?? false,
  };
  const small = stepSeconds < 2 * machine.step;
  return {
    net,
    course,
    ...(small ? { threads: 1 } : {}),
    plan: {
      task: facts.task,
      target: facts.target,
      ...(facts.classes ? { classes: facts.classes.length } : {}),
      inputs: facts.inputs,
      rows,
      model: { name: family.id, parameters },
      device: spec.device ?? defaults.device,
      batch,
      maxEpochs: Math.ceil(steps / stepsPerEpoch),
      maxSeconds,
      estimatedSeconds: Math.round((Math.min(maxSeconds, steps * stepSeconds * 1.15) + 2) * 10) / 10,
      estimatedBytes: memoryEstimate(facts, net, parameters, batch),
      settings,
    },
  };
}

/** Small tables want small steps: a power of two near rows / 8, from 32 to 256; up to 2048 for millions, where time is short. */
function suitableBatch(rows: number): number {
  const wanted = rows > 400_000 ? 2048 : rows > 100_000 ? 512 : Math.min(256, rows / 8);
  return 2 ** Math.round(Math.log2(Math.max(32, wanted)));
}

/** Measured over 23 tables: Adam wants a high rate here, higher where rows are many (with 0.003 California stays at r² 0.74, with 0.025 it gets 0.83). */
function suitableRate(optimizer: string, rows: number): number {
  if (optimizer === "sgd") return 0.05;
  if (optimizer === "momentum") return 0.02;
  return rows < 5000 ? 0.015 : 0.025;
}

/** About once an epoch, but at least 40 and at most 200 times in the whole course. */
function evaluationStride(stepsPerEpoch: number, steps: number): number {
  return Math.max(1, Math.ceil(steps / 200), Math.min(stepsPerEpoch, Math.ceil(steps / 40)));
}

/** Seconds of one step on the reckoned machine: matrices forward and twice backward, activations, and what each step costs anyway. */
function stepCost(net: NetSpec, parameters: number, batch: number): number {
  const { members = 1, depth = 1, width = 1, waves = 1 } = net.config as Record<string, number>;
  const madds = 3 * batch * members * parameters;
  const elements = batch * (members * depth * width + net.numeric * waves * 6);
  return madds / machine.madds + elements * machine.activation + machine.step;
}

/** Runtime and libraries, the encoded rows (in memory up to half a gigabyte), weights with gradients and moments, activations of a step. */
function memoryEstimate(facts: Facts, net: NetSpec, parameters: number, batch: number): number {
  const { members = 1, depth = 1, width = 1, waves = 1 } = net.config as Record<string, number>;
  const rows = facts.rows.train + facts.rows.validation + facts.rows.test;
  const data = Math.min(512 * 2 ** 20, rows * (4 * net.numeric + 4 * net.categories.length + 8));
  const activations = 4 * batch * (members * depth * width * 8 + net.numeric * waves * 40);
  return Math.round(230 * 2 ** 20 + data + parameters * 4 * 6 + activations);
}
