import type { models as shape } from "../en/models.ts";

export const models = {
  title: "模型",
  lead: "你训练过的所有网络。每个都是一个文件 model.onnx，凡是能运行 ONNX 的地方都能运行它。",
  empty: "还没有模型",
  emptyHelp: "训练完成后，模型会出现在这里。打开一个项目，按“开始训练”。",
  model: "模型",
  predicts: "预测",
  score: "测试成绩",
  data: "数据",
  made: "完成时间",
  try: "试用",
  tryOf: (name: string) => `试用 ${name} 的模型`,
  export: "保存 model.onnx",
  exportOf: (name: string) => `保存 ${name} 的 model.onnx`,
} satisfies typeof shape;
