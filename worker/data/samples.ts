// One part of a split as training takes it, whatever the kind of data: rows at their places, as the inputs of a network and its answers.
import type { Tensor } from "../tensor.ts";

export interface SampleBatch {
  /** By input name of the network's graphs, the batch first. */
  inputs: Record<string, Tensor>;
  /** The answers: float32 (n, 1) or int64 (n), as the task says. */
  y: Tensor;
  /** Rows of the file (or pictures of the folder…), from 1. */
  rowNumbers: Uint32Array;
}

export interface Samples {
  rows: number;
  /** At most so many rows are answered at once, where rows are large. */
  piece?: number;
  /** The rows at these positions, in this order. */
  read(positions: Uint32Array): Promise<SampleBatch>;
  range(from: number, to: number): Promise<SampleBatch>;
  /**
   * Told which rows will be read next, all of them where nothing is said; resolves when they can be read without a wait. Only where rows are
   * made while training goes on.
   */
  ahead?(positions?: Uint32Array): Promise<void>;
  /** Of rows of unlike lengths: how long one is. Batches are then made of rows that are alike. */
  length?(position: number): number;
  /** Told before an epoch (from 0) that is learned from: rows may be cut elsewhere in each. */
  epoch?(epoch: number): void;
}
