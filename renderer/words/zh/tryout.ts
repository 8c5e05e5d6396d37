import type { tryout as shape } from "../en/tryout.ts";
import { zh } from "../format.ts";

export const tryout = {
  title: "试用",
  empty: "训练完成后，可以在这里向网络提问。",
  opening: "正在打开模型……",
  lead: (target: string) => `改变一个值，看看网络对“${target}”的回答。`,
  range: (low: string, high: string) => `见过：${low} – ${high}`,
  outside: (low: string, high: string) => `超出了见过的范围(${low} – ${high})，回答只是猜测。`,
  missing: "（未知）",
  dateHelp: (example: string) => `例如 ${example}`,
  notNumber: "这不是一个数字。",
  answer: (target: string) => `${target}`,
  thinking: "……",
  others: (n: number) => zh.plural(n, { other: "其他 # 个" }),
  fileTitle: "预测整个文件",
  fileHelp: (columns: string) => `放入一个包含这些列的文件：${columns}。每一行都会附上预测后还给你。`,
  fileChoose: "选择包含各行的文件……",
  fileWorking: "正在预测……",
  fileDone: (rows: number) => zh.plural(rows, { other: "已预测 # 行。" }),
  fileSave: (name: string) => `保存 ${name}`,
  fileHead: "最前面的预测",
  row: "行",
  sure: "把握",
} satisfies typeof shape;
