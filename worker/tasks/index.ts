import type { TableTask } from "../../ipc/types.ts";
import { classification } from "./classification.ts";
import { regression } from "./regression.ts";
import type { Task } from "./task.ts";

export const tasks: Record<TableTask, Task> = { classification, regression };
