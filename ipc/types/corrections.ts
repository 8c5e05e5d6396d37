// What people say is wrong in the data, and what came of it.

/** Where an answer was corrected: in the list of a training's mistakes, or by the command line. */
export type CorrectionOrigin = "result" | "commandLine";

/** One answer of the data, set right. It overlays the data as they are read; the data themselves stay as they are. */
export interface Correction {
  id: string;
  /** When it was made, in milliseconds since 1970. */
  when: number;
  origin: CorrectionOrigin;
  /** The training in whose result it was seen. */
  run: string;
  /** What the sample is, wherever it stands: the hash of a row's text (decimal), or sha-256 of a picture's bytes (hexadecimal). */
  hash: string;
  /** A picture's path within its folder or archive. */
  file?: string;
  /** Place in the data where it was seen, from 1. */
  row: number;
  /** The column that the answer is of; absent for pictures. */
  target?: string;
  /** The answer as it was, and as it is to be: a class, or a number as a program writes it. */
  from: string;
  to: string;
}

/** A line of corrections.jsonl. The file only grows: what is withdrawn stays in it, with a line that says so. */
export type CorrectionLine = ({ do: "correct" } & Correction) | { do: "undo"; id: string; when: number };

/** A correction as it is listed. `lost`: no row of the data is the one that was corrected, as it changed or is gone; it is kept, and does nothing. */
export interface ListedCorrection extends Correction {
  lost: boolean;
}

/** A sample of the data, looked up by its place or by what it is. */
export interface FoundSample {
  row: number;
  hash: string;
  file?: string;
  /** As the data have it, without corrections; "" where it has none. */
  answer: string;
}

/** How a run took corrections. */
export interface CorrectionsTaken {
  /** Samples whose answer was set right: copies count each. */
  rows: number;
  /** Corrections without their row. */
  lost: number;
}
