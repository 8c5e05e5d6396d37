// What a form of export is.
import { AppError } from "../../../ipc/error.ts";
import type { ConversionNote, ExportComparison, ExportForm } from "../../../ipc/types.ts";
import type { HeldOutOptions } from "./heldOut.ts";

/** What a form goes by. */
export interface ExportOptions extends HeldOutOptions {
  /** The run's folder; undefined where there is only a model.onnx. */
  run: string | undefined;
  model: string;
  /** The folder that the form writes into; all that lies in it is the export. */
  draft: string;
}

export interface Form {
  /** The export is a folder; else one file, and others beside it. */
  folder: boolean;
  /** Writes into the draft, and compares what lies there. Throws exportUnsupported, exportDiffers, usage. */
  write(options: ExportOptions): Promise<{ main: string; compared: ExportComparison; notes?: ConversionNote[] }>;
}

export function needsRun({ run, model }: ExportOptions, to: ExportForm): string {
  if (run !== undefined) return run;
  throw new AppError(
    "usage",
    `The export to ${to} is compared on the data of its run, and '${model}' is a file alone.`,
    "Name the folder of the run.",
    { format: to, path: model },
  );
}
