// The lesson.

export interface LessonSpec {
  x: number[];
  y: number[];
  optimizer: "sgd" | "momentum" | "adam";
  lr: number;
  /** Where the line starts. */
  a?: number;
  b?: number;
}

/** The line y = a·x + b after a step, the loss (mean squared gap) there, its slope, and the nudge that led here. */
export interface LessonState {
  step: number;
  a: number;
  b: number;
  loss: number;
  gradient: { a: number; b: number };
  nudge: { a: number; b: number };
  /** True when the line no longer moves, to float32 precision. */
  settled: boolean;
}

export interface LessonResult {
  a: number;
  b: number;
  loss: number;
  steps: number;
}
