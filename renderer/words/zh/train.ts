import type { SplitBy, TaskName } from "../../../ipc/types.ts";
import type { train as shape } from "../en/train.ts";
import { moment, zh } from "../format.ts";

export const train = {
  title: "训练",
  planning: "正在拟定计划……",
  noPlan: "请先在上面选择要预测的列，计划随后给出。",
  what: (target: string, task: TaskName, inputs: number, classes: number | null) =>
    task === "recommend"
      ? `网络将学习用户会给物品怎样的“${target}”，以及推荐什么。`
      : task === "regression"
        ? `网络将学习根据 ${zh.count(inputs)} 个输入预测数值“${target}”。`
        : `网络将学习根据 ${zh.count(inputs)} 个输入判断“${target}”是${classes ? ` ${zh.count(classes)} ` : "几"}个取值中的哪一个。`,
  facts: {
    network: "网络",
    learns: "用于学习",
    checks: "用于检查",
    tests: "用于测试",
    split: "留出方式",
    where: "运行设备",
    takes: "需时",
    needs: "内存",
  },
  split: (by: SplitBy): string => {
    if (by.by === "group") return `按“${by.column}”整组留出`;
    if (by.by === "time")
      return `按“${by.column}”留出最晚的${by.kept ? `：${moment(by.kept[0])} 起用于检查，${moment(by.kept[1])} 起用于测试` : ""}`;
    return by.by === "stratified" ? "每个类别按比例留出" : "随机留出";
  },
  network: (name: string, parameters: number) => zh.plural(parameters, { other: `${name}，# 个权重` }),
  rows: (n: number) => zh.plural(n, { other: "# 行" }),
  byTurns: (folds: number) => `同样的行，轮流留出 1/${folds}`,
  about: (time: string, most: string) => `约 ${time}，最多 ${most}`,
  memory: (bytes: string) => `约 ${bytes}`,
  nothingHeldOut: "没有留出",
  settingsTitle: "当前设置",
  pastCurve: "这次训练的经过",
  settings: {
    optimizer: "优化器",
    lr: "学习率",
    schedule: "学习率变化",
    weightDecay: "权重衰减",
    classWeight: "类别权重",
    batch: "每步行数",
    epochs: "最多遍数",
    seconds: "最长时间",
    seed: "随机种子",
    shuffle: "打乱顺序",
    split: "留出部分行",
  },
  fastest: "最快的设备，开始时试出",
  threads: (device: string, n: number) => zh.plural(n, { other: `${device}（# 个线程）` }),
  runsOn: (place: string, why: "asked" | "fastest" | "short") =>
    ({
      asked: `运行于 ${place}。`,
      fastest: `运行于 ${place}：试过的设备中它最快。`,
      short: `运行于 ${place}：工作量太小，不值得试其他设备。`,
    })[why],
  tried: (place: string, ms: string | null) => (ms === null ? `${place}：无法运行` : `${place}：每步 ${ms} 毫秒`),
  between: "；",
  shrunk: (planned: string, now: string) => `每步 ${planned} 行内存放不下，改为 ${now} 行。`,
  fallbacks: (device: string, operators: string) => `${device} 不能运行这些运算，由处理器代劳：${operators}。`,
  forecast: (bytes: string) => `预计内存：${bytes}。`,
  measured: (forecast: string, peak: string) => `内存最多用了 ${peak}，预计为 ${forecast}。`,
  start: "开始训练",
  again: "再次训练",
  starting: "正在启动……",
  busy: "训练正在进行。",
  pause: "暂停",
  resume: "继续",
  stop: "停止并保留最佳结果",
  loss: "损失",
  step: "步",
  trainLoss: "训练",
  validationLoss: "验证",
  best: "最佳",
  setBack: "降低学习率",
  inParts: "分批累积",
  metricChart: (metric: string) => `验证行上的${metric}`,
  gauge: { ram: "内存", vram: "显存" },
  gaugeWorker: (bytes: string) => `训练占用 ${bytes}`,
  gaugeUsed: (used: string, total: string) => `已用 ${used} / ${total}`,
  gaugeNone: "运行后开始测量",
  epoch: "遍数",
  epochOf: (n: string, most: string) => `${n} / ${most}`,
  speed: "速度",
  speedOf: (rows: string) => `${rows} 行/秒`,
  elapsed: "已用时",
  left: "剩余",
  leftAtMost: (time: string) => `最多 ${time}`,
  bestAt: "最佳",
  states: {
    queued: "等待中",
    preparing: "准备中",
    running: "训练中",
    paused: "已暂停",
    finishing: "测试中",
    done: "已完成",
    interrupted: "已中断",
    failed: "失败",
  },
} satisfies typeof shape;
