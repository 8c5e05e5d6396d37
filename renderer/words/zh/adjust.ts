import type { adjust as shape } from "../en/adjust.ts";

export const adjust = {
  title: "训练设置",
  open: "调整",
  lead: "不改这里的任何一项，也能得到好结果。留空的项由计划决定；改动从下一次训练起生效。",
  help: (what: string, usual: string, why: string) => `${what}默认是“${usual}”，因为${why}`,
  asking: "……",
  asPlanned: (value: string) => `默认：${value}`,
  back: "全部恢复默认",
  changed: (n: number) => `改动了 ${n} 项`,
  on: "是",
  off: "否",
  unit: (seconds: string) => `${seconds} 秒`,
  problems: {
    notNumber: "请填写一个数，例如 0.003。",
    notWhole: "请填写整数。",
    tooSmall: (limit: string) => `请填写不小于 ${limit} 的数。`,
    tooLarge: (limit: string) => `请填写不大于 ${limit} 的数。`,
  },
  optimizers: { adamw: "AdamW", adam: "Adam", momentum: "Momentum（动量）", sgd: "SGD" },
  schedules: {
    warmup: "先短暂上升，再慢慢下降",
    cosine: "慢慢下降",
    onecycle: "先长时间上升，再降到很低",
    step: "分三级下降",
    constant: "保持不变",
  },
  fields: {
    optimizer: { help: "每一步怎样由损失的斜率得到新的权重。", why: "它几乎不用调整就适合所有表格。" },
    lr: { help: "每一步把权重移动多远。太小学得慢，太大停不下来。", why: "这个大小适合所用的优化器。" },
    schedule: { help: "学习率在训练过程中怎样变化。", why: "开头和结尾走小步，最后的结果更准确。" },
    weightDecay: { help: "每一步把权重稍稍拉向 0，防止死记硬背。", why: "轻轻一拉几乎没有坏处。" },
    batch: { help: "看过多少行之后权重才移动一次。", why: "它跟着行数走：足够让每一步稳当，又能走很多步。" },
    epochs: { help: "所有行最多看几遍。", why: "时间里刚好能看这么多遍；不再进步时会提前停下。" },
    seconds: { help: "最长训练时间，以秒计。", why: "大多数表格用不了这么久就能学好。" },
    seed: { help: "随机从哪里开始：留出哪些行、行的顺序、最初的权重。种子相同，结果就相同。", why: "哪个数都一样好。" },
    shuffle: { help: "每一遍都把行重新打乱。", why: "否则文件里的顺序也会被一起学进去。" },
    split: {
      help: "留出十分之一的行用来检查，再留十分之一用来测试。不留，就不知道它在新的行上有多好。",
      why: "只有从没见过的行，才能说明它学懂了多少。",
    },
  },
} satisfies typeof shape;
