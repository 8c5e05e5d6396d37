import { fact, type Facts, type ProblemDictionary } from "../say.ts";

const of = (column: string) => (column ? `“${column}”列` : "");
const rows = (facts: Facts) => {
  const count = fact(facts, "rows", "count");
  return count ? `${count} 行` : "一些行";
};
const where = (facts: Facts) => {
  const row = fact(facts, "row");
  return row ? `（例如第 ${row} 行）` : "";
};

export const problems: ProblemDictionary = {
  noHeader: { what: () => "第一行看起来是数据，所以各列用编号命名。", todo: "如需列名，请在文件第一行写上。" },
  duplicateColumnName: { what: (_, column) => `${of(column)}的名称重复，已加上编号。`, todo: "如有需要，请在文件中改名。" },
  emptyColumnName: { what: () => "有一列没有名称，已用编号命名。", todo: "如有需要，请在文件中写上名称。" },
  raggedRows: { what: (facts) => `${rows(facts)}的字段数与表头不符${where(facts)}。`, todo: "请检查这些行的引号和分隔符。" },
  encodingGuessed: {
    what: (facts) => `文字编码判断为 ${fact(facts, "encoding") || "非 UTF-8"}。`,
    todo: "如果文字显示不对，请另存为 UTF-8。",
  },
  mostlyMissing: { what: (_, column) => `${of(column)}大部分是空的。`, todo: "如果它没有用处，可以不使用这一列。" },
  missingMarks: {
    what: (facts, column) => `${of(column)}中的“${fact(facts, "marks", "mark", "value")}”被当作缺失。`,
    todo: "如果它有别的含义，请在文件中改成别的写法。",
  },
  constantColumn: { what: (_, column) => `${of(column)}只有一个值，不作为输入。`, todo: "无需处理。" },
  emptyColumn: { what: (_, column) => `${of(column)}是空的，不作为输入。`, todo: "无需处理。" },
  identifierColumn: { what: (_, column) => `${of(column)}像是每行的编号，不作为输入。`, todo: "无需处理。" },
  freeTextColumn: { what: (_, column) => `${of(column)}是自由文本，目前不作为输入。`, todo: "无需处理。" },
  numbersAsText: { what: (_, column) => `${of(column)}中的数字带有符号或分隔符，已读作数字。`, todo: "请看一眼取值是否正确。" },
  unreadableNumbers: {
    what: (facts, column) => `${of(column)}中有 ${fact(facts, "count", "rows") || "一些"} 个值不能读作数字，当作缺失${where(facts)}。`,
    todo: "如果它们重要，请在文件中改正。",
  },
  manyCategories: {
    what: (facts, column) => `${of(column)}有 ${fact(facts, "distinct", "count") || "很多"} 个不同的取值。`,
    todo: "少见的取值会合在一起看待。",
  },
  duplicateRows: { what: (facts) => `${rows(facts)}与别的行完全相同。`, todo: "它们会分在同一部分，因此测试仍然公正。" },
  answerColumn: { what: (_, column) => `${of(column)}几乎就是答案本身。`, todo: "如果预测时还不知道它，请不要使用这一列。" },
  rareClasses: {
    what: (facts, column) => `${of(column)}中有 ${fact(facts, "classes", "count") || "一些"} 个取值很少出现。`,
    todo: "对它们的预测会不太可靠。",
  },
  targetMissingRows: { what: (facts, column) => `${rows(facts)}的${of(column)}是空的，不参与训练。`, todo: "无需处理。" },
  fewRows: { what: (facts) => `只有 ${fact(facts, "rows", "count") || "很少"} 行，成绩会有偶然性。`, todo: "行越多，成绩越可靠。" },
};
