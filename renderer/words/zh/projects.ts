import type { projects as shape } from "../en/projects.ts";
import { zh } from "../format.ts";

export const projects = {
  title: "项目",
  empty: "还没有项目",
  emptyHelp: "把一张表格拖到窗口的任意位置，或选择一个文件，它就会成为你的第一个项目。",
  name: "名称",
  data: "数据",
  predicts: "预测",
  score: "成绩",
  changed: "修改时间",
  rows: (n: number) => zh.plural(n, { other: "# 行" }),
  running: "训练中",
  notTrained: "尚未训练",
  rename: "重命名",
  renameOf: (name: string) => `重命名 ${name}`,
  remove: "移除",
  removeOf: (name: string) => `移除 ${name}`,
  removed: (name: string) => `已移除“${name}”。`,
  save: "保存",
} satisfies typeof shape;
