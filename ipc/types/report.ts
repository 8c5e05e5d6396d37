// What is told of a run's answers, split by split: how often it is right, how sure it may be, where it errs.

export type SplitName = "train" | "validation" | "test";

/** What the samples of a run are: rows of a table, pictures, texts, pairs of a user and an item. */
export type SampleKind = "table" | "images" | "text" | "ratings";

/** A line of at most 200 points. */
export interface CurveLine {
  x: number[];
  y: number[];
}

/** Of the answers whose probability lies between two edges: how many, how sure on average, and how many of them were right. */
export interface ReliabilityBin {
  from: number;
  to: number;
  count: number;
  confidence: number;
  accuracy: number;
}

/** One class against the rest, or the mean of all classes. */
export interface ClassCurves {
  /** Area under the ROC curve; average precision (the step-wise area under precision and recall). */
  auc: number;
  ap: number;
  /** x: false positive rate, y: true positive rate. */
  roc: CurveLine;
  /** x: recall, y: precision. */
  pr: CurveLine;
}

export interface Curves {
  /** At most 20 classes, the most frequent, in the order of the classes; without those that never or always occur. */
  classes: (ClassCurves & { name: string; support: number; reliability: ReliabilityBin[] })[];
  /** The mean over all classes that can be ranked; absent where there are only two classes. */
  macro?: ClassCurves;
  /** Samples that the curves were made from, where they were too many for all. */
  sampled?: number;
}

export interface ClassScore {
  name: string;
  precision: number;
  recall: number;
  f1: number;
  /** Samples of this class. */
  support: number;
}

export interface Calibration {
  /** By the probability of the answer that was given, 15 bins of one width; empty ones are left out. */
  bins: ReliabilityBin[];
  /** Mean gap between confidence and accuracy over the bins, by their counts. */
  ece: number;
  /** Mean squared gap of the probabilities: of two classes from 0 to 1, of more from 0 to 2. */
  brier: number;
}

/** Predicted less true. */
export interface Residuals {
  mean: number;
  /** Half and nine tenths of the answers are at most so far off. */
  median: number;
  ninety: number;
  /** edges.length = counts.length + 1; what lies beyond the ends is counted apart. */
  histogram: { edges: number[]; counts: number[]; below: number; above: number };
}

export interface PartReport {
  /** Samples that were judged, and samples of the split: fewer than those where only some at even distances were. */
  rows: number;
  of: number;
  /** counts[true][predicted], classes in order; the 20 most frequent, the rest together as "…". */
  confusion?: { labels: string[]; counts: number[][] };
  /** At most 1,000 classes, in their order. */
  classes?: ClassScore[];
  curves?: Curves;
  calibration?: Calibration;
  residuals?: Residuals;
  /** Numbers: up to 2,000 samples at even distances, with their places in the data, from 1. */
  scatter?: { truth: number[]; predicted: number[]; rows: number[] };
  /** Places of some samples at even distances, at most 1,000: what else is asked of the model is asked on these. */
  sample?: number[];
  /** Samples that are kept to be looked at (`mistakes` of the host gives them), and wrong answers in all. */
  kept: number;
  wrong?: number;
}

/** A sample that is kept to be looked at, the worst first. */
export interface Mistake {
  /** Place in the data as the run read them: the row, picture or text, from 1. */
  row: number;
  /** What the sample is, whatever its place: the hash of a row's text (decimal), or sha-256 of a picture's bytes (hexadecimal). */
  hash?: string;
  /** A picture's path within its folder or archive. */
  file?: string;
  /** The cells of `columns`. */
  cells: string[];
  truth: string;
  prediction: string;
  right: boolean;
  /** What it adds to the loss: −log of the probability of the truth; of numbers the distance from the truth. */
  loss: number;
  /** Probability of the answer given. */
  sure?: number;
}

/** mistakes.json: of each split the 200 worst, and the 5 worst of each cell of the confusion matrix. */
export interface RunMistakes {
  version: 1;
  /** Columns of `cells`: at most 60. */
  columns: string[];
  parts: Record<SplitName, Mistake[]>;
}

/** importance.json: how far the metric falls when a column's cells change places among the rows; the most important first. */
export interface Importance {
  version: 1;
  split: SplitName;
  /** Rows that were asked about, and how often each column was shuffled. */
  rows: number;
  repeats: number;
  /** The metric that decides, and what it is with every column in place. */
  metric: string;
  base: number;
  /** Mean fall of the metric over the shuffles, and its standard deviation. */
  columns: { name: string; drop: number; spread: number }[];
}
