// A checkpoint is one file: every state tensor of the session, the weights of the best point, and where the trainer stood. One file, one
// rename: whatever is killed when, the old checkpoint or the new one is there, whole. Format: safetensors (8 bytes length, JSON, raw
// little-endian data), so that other programs can read the weights; the trainer's place is JSON in its metadata.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { AppError } from "../../ipc/error.ts";
import type { Setback, Shrink } from "../../ipc/types.ts";
import { fromRawBytes, rawBytes, type Tensor } from "../tensor.ts";
import { writeAtomic } from "./files.ts";
import { dtypeOf, type SafetensorsEntry, safetensors } from "./safetensors.ts";
import type { PlateauState } from "./schedule.ts";
import type { StoppingState } from "./stopping.ts";

/** Where the trainer stands between two steps. Numbers survive JSON to the last bit. */
export interface TrainerState {
  version: 1;
  /** Steps done, all epochs together; t of the optimizer is one more. */
  step: number;
  /** Steps of the whole course; fewer than planned where the time would not do. */
  total: number;
  /** The epoch under way, from 0, and the batches of it that are done. */
  epoch: number;
  batch: number;
  /** Seconds of training, pauses not counted. */
  seconds: number;
  /** Steps at which the last evaluation ended and the last point of the curve was told. */
  evaluated: number;
  told: number;
  stopping: StoppingState;
  /** Sum and count of the shown losses since the last point of the curve, and since the last evaluation. */
  window: { sum: number; count: number };
  evaluationWindow: { sum: number; count: number };
  /** Losses at the evaluations so far, for the referee. */
  seen: { trainLoss: number; validationLoss: number }[];
  /** Where the rate stands, with the schedule "plateau". */
  plateau?: PlateauState;
  /** Losses of all steps so far, where they are asked for. */
  losses?: number[];
  /** Times that the loss left the numbers, and training went on from the last good point. */
  setbacks?: Setback[];
  /** Times that the memory ran short; the last says how many rows go through at once since. */
  shrunk?: Shrink[];
  /** Training is over; what follows is the test. */
  ended?: "converged" | "budget" | "interrupted";
}

/** Whether every number of these tensors is one. */
export function allFinite(tensors: Iterable<Tensor>): boolean {
  for (const { dtype, data } of tensors) {
    if (dtype !== "float32" && dtype !== "float64") continue;
    // What is no finite number gives NaN times 0, and the sum keeps it.
    let odd = 0;
    for (const value of data as Float32Array) odd += value * 0;
    if (Number.isNaN(odd)) return false;
  }
  return true;
}

export interface Checkpoint {
  states: Map<string, Tensor>;
  /** Weights of the best point; empty before the first evaluation. */
  best: Map<string, Tensor>;
  trainer: TrainerState;
}

/** Writes the checkpoint in the place of the one before. */
export async function writeCheckpoint(path: string, { states, best, trainer }: Checkpoint): Promise<void> {
  const tensors = new Map<string, Tensor>();
  for (const [name, tensor] of states) tensors.set(`state:${name}`, tensor);
  for (const [name, tensor] of best) tensors.set(`best:${name}`, tensor);
  const hash = createHash("sha256");
  for (const tensor of tensors.values()) hash.update(rawBytes(tensor));
  const metadata = { format: "paddock-checkpoint", trainer: JSON.stringify(trainer), sha256: hash.digest("hex") };
  await writeAtomic(path, ...safetensors(tensors, metadata));
}

/** The checkpoint, or undefined where there is none. Throws `runInvalid` when the file is damaged. */
export async function readCheckpoint(path: string): Promise<Checkpoint | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (thrown) {
    if ((thrown as { code?: string }).code === "ENOENT") return undefined;
    throw thrown;
  }
  try {
    return decode(bytes);
  } catch (thrown) {
    throw new AppError(
      "runInvalid",
      `The checkpoint '${path}' is damaged.`,
      "Start a new run; what was trained here cannot go on.",
      { path },
      thrown,
    );
  }
}

function decode(bytes: Buffer): Checkpoint {
  const length = Number(bytes.readBigUInt64LE(0));
  if (8 + length > bytes.length) throw new RangeError("its header is longer than the file");
  const { __metadata__: metadata, ...entries } = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<string, never>;
  // not a Buffer, whose slice() would not copy
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + 8 + length, bytes.length - 8 - length);
  const { trainer, sha256 } = metadata as unknown as { trainer: string; sha256: string };
  if (createHash("sha256").update(data).digest("hex") !== sha256) throw new RangeError("its data are not what was written");
  const states = new Map<string, Tensor>();
  const best = new Map<string, Tensor>();
  for (const [key, entry] of Object.entries(entries as Record<string, SafetensorsEntry>)) {
    const dtype = dtypeOf[entry.dtype];
    if (!dtype) throw new RangeError(`'${key}' is of the unknown type ${entry.dtype}`);
    const tensor = fromRawBytes(dtype, entry.shape, data.subarray(...entry.data_offsets));
    if (key.startsWith("best:")) best.set(key.slice(5), tensor);
    else states.set(key.slice("state:".length), tensor);
  }
  return { states, best, trainer: JSON.parse(trainer) as TrainerState };
}
