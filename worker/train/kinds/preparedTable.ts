import type { TableProfile } from "../../../ipc/types.ts";
import type { EncodedTable } from "../../data/encode.ts";
import type { Encoding } from "../../data/encoding.ts";
import type { Table } from "../../data/table.ts";
import type { Prepared } from "./kind.ts";
import type { TablePlan } from "./tablePlan.ts";

export interface PreparedTable extends Prepared {
  table: Table;
  profile: TableProfile;
  encoding: Encoding;
  encoded: EncodedTable;
  plan: TablePlan;
}
