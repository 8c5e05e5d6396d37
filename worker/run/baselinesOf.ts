// What a run said of itself when it ended: what its model is compared with when it is judged again.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunReport } from "../../ipc/types.ts";

/** The run's own report, where `run` is a run's folder that has one. */
export async function baselinesOf(run: string): Promise<Pick<RunReport, "baseline" | "metrics"> | undefined> {
  try {
    return JSON.parse(await readFile(join(run, "report.json"), "utf8")) as RunReport;
  } catch {
    return undefined; // a model.onnx alone, or a run that was moved without its report
  }
}
