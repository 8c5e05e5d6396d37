import { zh } from "../format.ts";
import { fact, factNumber, type Facts, type RefereeDictionary } from "../say.ts";

const ago = (facts: Facts) => zh.duration(factNumber(facts, "ago") ?? 0);

export const referee: RefereeDictionary = {
  reading: () => "正在读取数据。",
  starting: () => "训练刚刚开始，还不足以判断。",
  setBack: (facts) =>
    `第 ${fact(facts, "step")} 步时损失失控。已回到第 ${fact(facts, "to")} 步，以 ${fact(facts, "percent")}% 的学习率继续。`,
  shrunk: (facts) =>
    `第 ${fact(facts, "step")} 步时内存不足。每批 ${fact(facts, "of")} 行改为每次 ${fact(facts, "rows")} 行、梯度累积，结果不变。`,
  shrunkRoughly: (facts) =>
    `第 ${fact(facts, "step")} 步时内存不足。每批 ${fact(facts, "of")} 行改为每次 ${fact(facts, "rows")} 行；网络按同时看到的行归一化，结果可能略有差别。`,
  learning: (facts) => `它在学习：误差最近下降了 ${fact(facts, "gain") || "一些"}%。`,
  slowing: (facts) => {
    const seconds = factNumber(facts, "ago");
    if (seconds === undefined) return "它仍在变好，但很慢。";
    return seconds === 0 ? "最佳结果就在刚才，已保留。" : `已有 ${ago(facts)}没有更好的结果；最佳结果已保留。`;
  },
  memorising: (facts) =>
    factNumber(facts, "ago") === 0
      ? "它开始死记硬背了：最佳结果就在刚才，我已保留。"
      : `它开始死记硬背了：最佳结果在 ${ago(facts)}前，我已保留。`,
  stuck: () => "它停滞不前：损失从一开始就没有下降。换一个学习率也许有用。",
  paused: () => "已暂停。什么都不会丢失，按“继续”即可接着训练。",
  testing: () => "训练结束，正在用从未见过的行测试最佳结果。",
  converged: (facts) => `训练完成，保留了第 ${fact(facts, "epoch")} 遍时的最佳结果。`,
  budgetSpent: (facts) => `时间用完了(${zh.duration(factNumber(facts, "seconds") ?? 0)})。最佳结果已保留；更多时间也许会更好。`,
  stoppedByUser: () => "已按你的要求停止，最佳结果已保留。",
  interrupted: (facts) => `在第 ${fact(facts, "step")} 步中断，可以从那里继续。`,
  failed: (facts) => `训练因错误而结束：${fact(facts, "why")}`,
};
