// Which column is to be predicted, and what kind of task that is. A guess is told with its reason; the user has the last word.
import type { ColumnProfile, TableTask, TargetGuess } from "../../ipc/types.ts";

/** Classes that a classifier may have. */
export const maxClasses = 1000;

/** Names that people give to what they want to know, the surest first. */
const wellKnown: RegExp[] = [
  /^(target|label|labels|目标|标签|标记|类标|目标变量)$/i,
  /^(survived|churn(ed)?|outcome|species|diagnosis|is_?fraud|credit_?risk|是否\S+|流失|存活|结果|诊断|种类|品种|物种)$/i,
  /^(class|category|类别|分类|类型)$/i,
  /^(price|sale_?price|price_?usd|.+[_ ]price|.+[_ ]value|售价|价格|房价|总价|单价|成交价|租金|销量|销售额|收入|评分|得分|成绩)$/i,
  /^(y|quality|rating|score|mpg|medv|cnt|rings|income|salary|tip|letter|lettr|digit|result|response|default|质量)$/i,
  /(_|\b|[a-z])(target|label|class|outcome)$/i,
];

/**
 * The task that a column means as a target, or undefined where it cannot be one. Two values are classes; whole numbers with few
 * values that come again and again are classes too (marks from 3 to 9, digits), as scikit-learn takes them; other numbers are
 * quantities; words are classes.
 */
export function taskOf(column: ColumnProfile, rows: number): TableTask | undefined {
  if (column.distinct < 2) return undefined;
  const present = rows - column.missing;
  if (column.type === "number") {
    const few = column.distinct === 2 || (column.integer === true && column.distinct <= 20);
    return few && present >= 5 * column.distinct ? "classification" : "regression";
  }
  if (column.type !== "category" || column.ignored === "identifier" || column.distinct > maxClasses) return undefined;
  return column.distinct * 2 <= present || column.distinct <= 2 ? "classification" : undefined;
}

export function guessTarget(
  columns: readonly ColumnProfile[],
  targets: readonly { column: string; task: TableTask }[],
): TargetGuess | undefined {
  const can = targets.filter(({ column }) => !columns.find(({ name }) => name === column)!.ignored);
  const [only] = can;
  if (!only) return undefined;
  const last = can.at(-1)!;
  for (const names of wellKnown) {
    const named = can.filter(({ column }) => names.test(column.trim()));
    if (named.length > 0) return { ...named.at(-1)!, reason: "name" };
  }
  return { ...last, reason: can.length === 1 ? "only" : "last" };
}
