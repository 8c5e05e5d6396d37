import type { TableProfile } from "../../../ipc/types.ts";
import type { EncodedTable } from "../../data/encode.ts";
import type { Encoding } from "../../data/encoding.ts";
import type { Samples } from "../../data/samples.ts";
import type { Table } from "../../data/table.ts";
import type { Target } from "../../tasks/task.ts";
import type { Prepared } from "./kind.ts";
import type { TablePlan } from "./tablePlan.ts";

export interface PreparedTable extends Prepared {
  table: Table;
  profile: TableProfile;
  encoding: Encoding;
  encoded: EncodedTable;
  /** The rows that are learned from, as rows that all networks answer; with folds, `data.validation` are the same, each by those that have not seen it. */
  learned: Samples;
  target: Encoding & Target;
  plan: TablePlan;
}
