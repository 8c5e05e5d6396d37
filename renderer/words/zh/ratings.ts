import type { ratings as shape } from "../en/ratings.ts";
import { zh } from "../format.ts";

export const ratings = {
  found: (rows: number, users: number, items: number, rated: boolean) =>
    rated
      ? `${zh.count(users)} 位用户对 ${zh.count(items)} 个物品的 ${zh.count(rows)} 条评分；学习每个人会喜欢什么、该推荐什么。`
      : `${zh.count(users)} 位用户在 ${zh.count(items)} 个物品中的 ${zh.count(rows)} 次选择，没有评分；学习该推荐什么。`,
  some: (n: number) => `${zh.count(n)} 对`,
  roles: { user: "谁", item: "什么", rating: "评分", time: "时间" },
  noColumn: "没有",
  range: "评分",
  rangeOf: (min: string, max: string, mean: string) => `${min} 到 ${max}，平均 ${mean}`,
  density: "占所有配对的",
  time: "时间范围",
  single: "只出现一次的",
  singleOf: (users: number, items: number) => `${zh.count(users)} 位用户，${zh.count(items)} 个物品`,
  titles: (named: number, of: number) => `${zh.count(of)} 个物品中有 ${zh.count(named)} 个有名称。`,
  noTitles: "物品还没有名称：提供一个含物品编号和 title（标题）列的表格即可。",
  addTitles: "选择名称表格……",
  distribution: "各个评分出现的次数",
  recommending: "推荐",
  recall: (share: string) => `向用户推荐十个物品时，有 ${share} 的用户能在其中看到自己最后真正选择的那个。`,
  leaveLastOut: "每位用户最后选择的物品被留出，再从该用户还没有的所有物品中寻找。",
  thisModel: "这个模型",
  popular: "最热门的物品",
  wins: (times: string) => (times ? `命中次数是“给所有人推荐最热门物品”的 ${times} 倍。` : "胜过给所有人推荐最热门的物品。"),
  loses: "在这里，给所有人推荐最热门的物品同样好。",
  ranks: "推荐方式",
  ranksBy: (by: "weights" | "blend", items: number) =>
    by === "weights" ? "常在一起的物品" : `常在一起的物品，加上覆盖全部 ${zh.count(items)} 个物品的双塔模型`,
  ranked: (by: "weights" | "blend" | "towers", items: number, weights: number) => {
    const all = `${zh.count(items)} 个物品`;
    if (by === "weights") return `对 ${all}排序，依据物品之间的权重。`;
    if (by === "towers") return `对 ${all}排序，只用双塔模型：物品之间的权重在这里没有帮助。`;
    return `对 ${all}排序：最热门的 ${zh.count(weights)} 个依据物品之间的权重，全部物品再加上双塔模型。`;
  },
  nothingHeldOut: "没有留出数据。",
  biases: "用户和物品的惯常评分",
  exportHelp: "model.onnx 给出一对用户与物品的评分；训练文件夹里的 recommend.onnx 给出推荐。两者都能在任何支持 ONNX 的地方运行。",
  tryLead: "选一位用户，看看什么适合他；或选一个物品，看看什么与它相似。",
  ask: "问什么",
  forUser: "为用户推荐",
  likeItem: "相似的物品",
  findUser: "查找用户",
  findItem: "查找物品",
  nobody: "没有找到。",
  pairs: (n: number) => `${zh.count(n)} 对`,
  fits: (user: string) => `适合用户 ${user} 的物品`,
  like: (item: string) => `与 ${item} 相似`,
  likeThis: (item: string) => `与 ${item} 相似的物品`,
  byPopularity: "这里所知太少：以下是最热门的物品。",
  item: "物品",
  expected: "预计评分",
  had: (n: number) => `该用户已有的 ${zh.count(n)} 个物品`,
} satisfies typeof shape;
