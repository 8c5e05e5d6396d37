import type { metrics as shape } from "../en/metrics.ts";

export const metrics = {
  names: {
    loss: "损失",
    accuracy: "准确率",
    macroF1: "宏平均 F1",
    logLoss: "对数损失",
    rocAuc: "ROC AUC",
    r2: "R²",
    rmse: "均方根误差",
    mae: "平均绝对误差",
    "ndcg@10": "NDCG@10",
    "recall@10": "前 10 召回率",
  },
  help: {
    loss: "训练要减小的量。",
    accuracy: "答对的行所占的比例。",
    macroF1: "每个类别同等看待的正确程度，1 为完美。",
    logLoss: "对真实答案感到意外的程度，越小越好。",
    rocAuc: "把两类排出先后的能力，0.5 等于乱猜，1 为完美。",
    r2: "能解释的差异所占的比例，1 为完美，0 等于只猜平均值。",
    rmse: "典型误差（大误差的分量更重），单位与该列相同。",
    mae: "平均误差，单位与该列相同。",
    "ndcg@10": "用户最后选择的物品在十个推荐中排得多靠前，1 表示总在第一。",
    "recall@10": "最后选择的物品在十个推荐之中的用户所占的比例。",
  },
  perfect: "完美",
} satisfies typeof shape;
