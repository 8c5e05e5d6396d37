// The plan of a run on a table: its network, its batch and its rate.
import type { TableTask, TrainSpec } from "../../../ipc/types.ts";
import { answeringGraph, countParameters, modelOf, type NetSpec, trainingGraph } from "../../models/index.ts";
import { resolveConfig } from "../../models/model.ts";
import { tasks } from "../../tasks/index.ts";
import { defaults, type FullPlan, planCourse, stepSeconds } from "../plan.ts";

/** What is known of the table when a run is planned. */
export interface Facts {
  task: TableTask;
  target: string;
  classes?: string[];
  numeric: number;
  categories: readonly number[];
  inputs: number;
  rows: { train: number; validation: number; test: number };
}

export interface TablePlan extends FullPlan {
  net: NetSpec;
}

export function makePlan(facts: Facts, spec: TrainSpec): TablePlan {
  const { rows, categories, numeric, classes, inputs } = facts;
  const task = tasks[facts.task];
  const outputs = classes?.length ?? 1;
  const family = modelOf(spec.model ?? defaults.model);
  const config = resolveConfig(family, spec.config, { task: facts.task, rows: rows.train, numeric, categories, outputs });
  const net: NetSpec = { model: family.id, config, numeric, categories, outputs, seed: spec.seed ?? defaults.seed };
  const training = trainingGraph(net, task);
  const parameters = countParameters(training);
  const all = rows.train + rows.validation + rows.test;
  const full = planCourse(
    {
      task: facts.task,
      target: facts.target,
      ...(classes ? { classes: classes.length } : {}),
      inputs,
      rows,
      model: { name: family.id, parameters },
      graphs: { training, answering: answeringGraph(net, task) },
      batch: suitableBatch(rows.train),
      lr: suitableRate(spec.optimizer ?? defaults.optimizer, rows.train),
      stepSeconds: (batch) => stepCost(net, parameters, batch),
      // In memory up to half a gigabyte, then in a file.
      dataBytes: Math.min(512 * 2 ** 20, all * (4 * numeric + 4 * categories.length + 8)),
    },
    spec,
  );
  return { ...full, net };
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

/** Seconds of one step on the reckoned machine. */
function stepCost(net: NetSpec, parameters: number, batch: number): number {
  const { members = 1, depth = 1, width = 1, waves = 1 } = net.config as Record<string, number>;
  return stepSeconds(3 * batch * members * parameters, batch * (members * depth * width + net.numeric * waves * 6));
}
