// Whether a table holds ratings (user, item, perhaps a rating, perhaps a time), and in which columns: by well-known names, English and
// Chinese, else by shape: two columns of ids that come again and again, a few numbers, a time stamp.
import type { ColumnProfile, RatingsColumns, TableProfile } from "../../../ipc/types.ts";

/** Words that name a part, with an ending such as `Id`, `_name`, `编号` or none. */
const named = (words: string): RegExp => new RegExp(`^(?:${words})[\\s_.-]*(?:id|ids|name|no|number|code|key|idx|编号|名称|名|号)?$`, "i");

const names = {
  user: named(
    "user|users|uid|member|customer|client|buyer|reviewer|rater|viewer|listener|reader|visitor|用户|会员|顾客|客户|买家|读者|观众|学员|评论者",
  ),
  item: named(
    "item|items|iid|movie|film|show|product|book|isbn|asin|song|track|artist|album|game|anime|recipe|restaurant|business|article|course|joke|goods|sku|物品|项目|商品|产品|电影|影片|图书|书籍|书|歌曲|音乐|歌手|游戏|动漫|餐厅|店铺|商家|菜谱|文章|课程",
  ),
  rating:
    /^(?:(?:user|item|movie|book|product|star|review)?[\s_.-]*(?:rating|ratings|rate|score|stars?|grade|overall)|评分|打分|星级|分数|得分|评级)$/i,
  time: /^(?:(?:rating|review|event|unix(?:review)?|interaction)?[\s_.-]*(?:timestamp|time|date|datetime|ts)|(?:created|rated)[\s_.-]*(?:at|on|time)|时间戳?|日期|评分时间|评论时间)$/i,
};

/** A table with more columns beside these is one of orders, or of reviews with their own facts: it stays a table unless it is asked for. */
const mostOthers = 2;

export interface RatingsGuess {
  columns: RatingsColumns;
  /** By what it was seen: the columns' names, or their shape; or it was asked for. */
  by: "names" | "shape" | "asked";
}

/** The columns where this is a file of ratings; undefined where it is none. */
export function guessRatings(profile: TableProfile): RatingsGuess | undefined {
  const byName = namedColumns(profile);
  if (byName && (byName.rating !== undefined || byName.time !== undefined || profile.columns.length === 2) && plausible(profile, byName))
    return { columns: byName, by: "names" };
  return shapedColumns(profile);
}

/** The columns where ratings were asked for: the names decide, else the shape, however many columns stand beside them. */
export function findRatings(profile: TableProfile): RatingsGuess | undefined {
  const byName = namedColumns(profile);
  return byName ? { columns: byName, by: "names" } : shapedColumns(profile);
}

function namedColumns(profile: TableProfile): RatingsColumns | undefined {
  const find = (part: keyof typeof names, fits: (column: ColumnProfile) => boolean) =>
    profile.columns.find((column) => names[part].test(column.name.trim()) && fits(column))?.name;
  const user = find("user", present);
  const item = find("item", present);
  if (user === undefined || item === undefined || user === item) return undefined;
  const rating = find("rating", (column) => column.type === "number");
  const time = find("time", isTime);
  return { user, item, ...(rating === undefined ? {} : { rating }), ...(time === undefined ? {} : { time }) };
}

const present = (column: ColumnProfile) => column.type !== "empty";
const isTime = (column: ColumnProfile) => column.type === "date" || column.type === "number";

/** People and things come more than once (in all, or it could be a list of either), and little else stands in the rows. */
function plausible(profile: TableProfile, { user, item, rating, time }: RatingsColumns): boolean {
  const { columns, rows } = profile;
  const distinct = (name: string) => columns.find((column) => column.name === name)!.distinct;
  const others = columns.length - 2 - Number(rating !== undefined) - Number(time !== undefined);
  return others <= (rating === undefined ? 0 : mostOthers) && rows >= 4 && distinct(user) < rows && distinct(item) < rows;
}

/** Seconds or milliseconds from 1990 to 2100. */
const epochs: [number, number][] = [
  [6.3e8, 4.1e9],
  [6.3e11, 4.1e12],
];

/** user, item, rating and a time stamp in this order under names that say nothing (or none), as MovieLens' u.data has them. */
function shapedColumns({ columns, rows, dialect }: TableProfile): RatingsGuess | undefined {
  if (columns.length !== 4 || rows < 50) return undefined;
  const [user, item, rating, time] = columns as [ColumnProfile, ColumnProfile, ColumnProfile, ColumnProfile];
  const ids = (column: ColumnProfile) =>
    column.distinct >= 5 &&
    column.distinct <= rows / 2 &&
    (column.type === "category" || column.type === "text" || column.integer === true);
  const scale = rating.type === "number" && rating.distinct >= 2 && rating.distinct <= 21 && (rating.max ?? 0) - (rating.min ?? 0) <= 100;
  const { min = 0, max = 0 } = time;
  const stamp = time.type === "date" || (time.integer === true && epochs.some(([from, to]) => min >= from && max <= to));
  if (!ids(user) || !ids(item) || !scale || !stamp) return undefined;
  if (dialect.header && Object.entries(names).some(([part, known]) => part !== "time" && columns.some(({ name }) => known.test(name)))) {
    // Names that are known say something else than this order.
    if (names.item.test(user.name) || names.user.test(item.name)) return undefined;
  }
  return { columns: { user: user.name, item: item.name, rating: rating.name, time: time.name }, by: "shape" };
}
