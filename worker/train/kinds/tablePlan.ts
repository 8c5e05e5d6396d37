// The plan of a run on a table: its network, its batch and its rate.
import { AppError } from "../../../ipc/error.ts";
import type { TableTask, TrainSpec } from "../../../ipc/types.ts";
import { answeringGraph, countParameters, modelOf, type NetSpec, trainingGraph } from "../../models/index.ts";
import { mlp } from "../../models/mlp.ts";
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
  /** Quantiles of the numbers, which are the first columns of x. */
  edges?: readonly (readonly number[])[];
  inputs: number;
  rows: { train: number; validation: number; test: number };
  /** Folds in which train and validation rows learn together; absent or 0: the validation rows are held out. */
  folds?: number;
}

export interface TablePlan extends FullPlan {
  net: NetSpec;
}

/** Up to so many rows, the networks are cheap enough to be many, and a tenth of the rows too few to choose the best point by. */
const mostInFolds = 6000;
/** More, of which each sees more, where rows are fewest and time is plenty. */
const foldCount = (rows: number): number => (rows < 1500 ? 8 : 5);

/**
 * Folds for so many rows; 0 where the validation rows are held out for good. Throws `usage` for a number of members that the folds asked for do
 * not divide.
 */
export function foldsFor([train, validation]: readonly [number, number, number], spec: TrainSpec): number {
  const { folds, members } = spec.config ?? {};
  const fits = (count: number): boolean => members === undefined || (typeof members === "number" && members > 0 && members % count === 0);
  if (typeof folds === "number" && folds > 0 && !fits(folds))
    throw new AppError(
      "usage",
      `${String(members)} members cannot be dealt to ${folds} folds.`,
      `Choose a multiple of ${folds}, or other folds.`,
    );
  if ((spec.model ?? defaults.model) !== mlp.id || spec.split === false) return 0;
  // Folds by the rows themselves would part groups, and let the past be judged by the future.
  if (spec.splitBy?.by === "group" || spec.splitBy?.by === "time") return 0;
  if (typeof folds === "number") return train + validation >= 2 * folds ? folds : 0;
  const rows = train + validation;
  return rows >= 16 && rows <= mostInFolds && fits(foldCount(rows)) ? foldCount(rows) : 0;
}

export function makePlan(facts: Facts, spec: TrainSpec): TablePlan {
  const { rows, categories, numeric, classes, inputs, folds = 0 } = facts;
  const learned = folds ? rows.train + rows.validation : rows.train;
  const task = tasks[facts.task];
  const outputs = classes?.length ?? 1;
  const family = modelOf(spec.model ?? defaults.model);
  const config = resolveConfig(family, spec.config, { task: facts.task, rows: learned, numeric, categories, outputs, folds });
  const net: NetSpec = {
    model: family.id,
    config,
    numeric,
    categories,
    outputs,
    seed: spec.seed ?? defaults.seed,
    ...(facts.edges ? { edges: facts.edges } : {}),
    ...(folds ? { folds } : {}),
  };
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
      ...(folds ? { folds, mostEpochs: 100 } : {}),
      weighable: classes !== undefined,
      model: { name: family.id, parameters },
      graphs: { training, answering: answeringGraph(net, task) },
      batch: suitableBatch(learned),
      lr: suitableRate(spec.optimizer ?? defaults.optimizer, learned),
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

/** Of one parameter, by AdamW. */
const optimizerSeconds = 3e-9;

/** Seconds of one step on the reckoned machine. */
function stepCost(net: NetSpec, parameters: number, batch: number): number {
  const { members = 1, depth = 1, width = 1, waves = 1, bins = 0 } = net.config as Record<string, number>;
  // Apart, each member has parameters of its own, which the optimizer goes through besides.
  const shared = net.folds ? batch * parameters : batch * members * parameters;
  const own = net.folds ? members : 1;
  return (
    stepSeconds(3 * shared, batch * (members * depth * width + net.numeric * (own * waves * 6 + (waves > 1 ? bins : 0)))) +
    (net.folds ? parameters * optimizerSeconds : 0)
  );
}
