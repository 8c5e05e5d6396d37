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
  unreadableTexts: {
    what: (facts) => `有 ${fact(facts, "count")} 个文件是空的或不是文本：${fact(facts, "files")}。`,
    todo: "这些文件不会使用；如需使用，请另存为 UTF-8 文本。",
  },
  brokenRows: {
    what: (facts) => `有 ${fact(facts, "count")} 行不是对话${where(facts)}。`,
    todo: "这些行不会使用；如需使用，请改正后再试。",
  },
  noHeader: { what: () => "第一行看起来是数据，所以各列用编号命名。", todo: "如需列名，请在文件第一行写上。" },
  duplicateColumnName: {
    what: (facts, column) => `有两列都叫“${fact(facts, "name")}”，其中一列现在叫“${column}”。`,
    todo: "如有需要，请在文件中改名。",
  },
  emptyColumnName: {
    what: (facts, column) => `第 ${fact(facts, "column")} 列没有名称，现在叫“${column}”。`,
    todo: "如有需要，请在文件中写上名称。",
  },
  raggedRows: { what: (facts) => `${rows(facts)}在最后一列之后还有空字段，已略去${where(facts)}。`, todo: "请去掉这些行末尾的分隔符。" },
  encodingGuessed: {
    what: (facts) => `文字编码判断为 ${fact(facts, "encoding") || "非 UTF-8"}。`,
    todo: "如果文字显示不对，请另存为 UTF-8。",
  },
  mostlyMissing: {
    what: (facts, column) => `${of(column)}有 ${fact(facts, "percent") || "大半"}% 是空的。`,
    todo: "缺失本身也会被学习；如果它没有用处，可以不使用这一列。",
  },
  missingMarks: {
    what: (facts, column) => `${of(column)}中有 ${rows(facts)}写着 ${fact(facts, "marks")}，当作缺失。`,
    todo: "如果就是这个意思，无需处理。",
  },
  constantColumn: { what: (_, column) => `${of(column)}只有一个值，不作为输入。`, todo: "无需处理。" },
  emptyColumn: { what: (_, column) => `${of(column)}是空的，不作为输入。`, todo: "无需处理。" },
  identifierColumn: { what: (_, column) => `${of(column)}像是每行的编号，不作为输入。`, todo: "无需处理。" },
  freeTextColumn: { what: (_, column) => `${of(column)}是自由文本，目前不作为输入。`, todo: "无需处理。" },
  numbersAsText: { what: (_, column) => `${of(column)}中的数字带有符号或分隔符，已读作数字。`, todo: "请看一眼取值是否正确。" },
  unreadableNumbers: {
    what: (facts, column) =>
      `${of(column)}中有 ${fact(facts, "count") || "一些"} 个值无法读取（${fact(facts, "examples")}），当作缺失${where(facts)}。`,
    todo: "如果它们重要，请在文件中改正。",
  },
  manyCategories: {
    what: (facts, column) => `${of(column)}有 ${fact(facts, "distinct")} 个不同的取值。`,
    todo: "常见的逐个学习，其余的合在一起看待。",
  },
  duplicateRows: { what: (facts) => `${rows(facts)}与别的行完全相同。`, todo: "它们会分在同一部分，因此测试仍然公正。" },
  answerColumn: {
    what: (facts) => `“${fact(facts, "columns")}”说的就是“${fact(facts, "target")}”本身。`,
    todo: "如果预测时还不知道它，请不要使用这一列。",
  },
  rareClasses: {
    what: (facts, column) => `${of(column)}中的 ${fact(facts, "classes")} 很少出现。`,
    todo: "这样的取值很难学会：请增加行，或并入别的取值。",
  },
  targetMissingRows: { what: (facts, column) => `${rows(facts)}的${of(column)}是空的，不参与训练。`, todo: "无需处理。" },
  otherParts: {
    what: (facts) => `文件中有多个表，读取的是“${fact(facts, "part")}”。其余：${fact(facts, "others")}。`,
    todo: "可以在上方选择另一个。",
  },
  columnLeftOut: { what: (_, column) => `${of(column)}存放的是二进制数据，不作为输入。`, todo: "表格模型只读取数字、日期和文字。" },
  cellErrors: {
    what: (facts) =>
      `工作表“${fact(facts, "sheet")}”中有 ${fact(facts, "count")} 个单元格是错误值（第一个：${fact(facts, "cell")}），当作缺失。`,
    todo: "如有需要，请在工作簿中更正公式。",
  },
  mergedCells: {
    what: (facts) => `工作表“${fact(facts, "sheet")}”中有合并的单元格：${fact(facts, "count")} 个单元格取了上方的值。`,
    todo: "如果就是这个意思，无需处理。",
  },
  rowsSkipped: { what: (facts) => `表格上方的 ${fact(facts, "count")} 行当作标题，没有读取。`, todo: "如需避免，请让第一行是列名。" },
  changesWaiting: {
    what: () => "文件旁边的日志里还有未写入文件的更改，没有读取。",
    todo: "请关闭正在使用这个数据库的程序，再选一次文件。",
  },
  fewRows: { what: (facts) => `只有 ${fact(facts, "rows", "count") || "很少"} 行，成绩会有偶然性。`, todo: "行越多，成绩越可靠。" },
  pairsIncomplete: { what: (facts) => `${rows(facts)}缺少用户、物品或可读的评分，已略去${where(facts)}。`, todo: "如果它们重要，请补全。" },
  ratingsOutOfRange: {
    what: (facts) => `${rows(facts)}的评分远在 ${fact(facts, "min")} 到 ${fact(facts, "max")} 之外，已略去${where(facts)}。`,
    todo: "如果这些评分是真的，请在文件中改正。",
  },
  duplicatePairs: {
    what: (facts) => `${rows(facts)}重复了同一用户和物品，以最新的为准${where(facts)}。`,
    todo: "如果就是这个意思，无需处理。",
  },
  groupColumn: {
    what: (facts, column) => `${of(column)}反复出现：${fact(facts, "rows")} 行来自 ${fact(facts, "groups")} 个不同的值。`,
    todo: "如果模型要用在新的对象上，请按这一列整组划分。",
  },
  timeColumn: {
    what: (facts, column) => `${of(column)}表示时间：从 ${fact(facts, "first")} 到 ${fact(facts, "last")}。`,
    todo: "如果要用过去预测将来，请按时间划分，用最晚的行测试。",
  },
  leakyColumn: {
    what: (facts, column) => `单凭${of(column)}就能说中 ${fact(facts, "percent")}% 的“${fact(facts, "target")}”。`,
    todo: "如果预测时还不知道它，请不要使用这一列。",
  },
  outliers: {
    what: (facts, column) => `${of(column)}有 ${fact(facts, "count")} 个值远离其他所有值，例如 ${fact(facts, "farthest")}。`,
    todo: "请看看它们是真实的，还是单位或录入有误。",
  },
  unevenClasses: {
    what: (facts, column) =>
      `${of(column)}中最多的取值有 ${fact(facts, "most")} 行，最少的“${fact(facts, "class")}”只有 ${fact(facts, "least")} 行。`,
    todo: "这时仅看准确率不够，请同时查看宏平均 F1，并按类别比例划分。",
  },
  nearDuplicateRows: {
    what: (facts) => `有 ${fact(facts, "count")} 行几乎相同（${fact(facts, "groups")} 组），只差空格、大小写、编号或答案。`,
    todo: "如果是同一件事，每组请只留一行。",
  },
  nearDuplicatesAcross: {
    what: (facts) => `留作检查和测试的行中，有 ${fact(facts, "count")} 行与用来学习的行几乎相同。`,
    todo: "测试结果会偏好：每组只留一行，或按它们共有的列划分。",
  },
  contradictoryRows: {
    what: (facts, column) => `有 ${fact(facts, "count")} 行内容相同而${of(column)}不同（${fact(facts, "groups")} 组）。`,
    todo: "两种答案不可能都学会：请改正错误的。",
  },
  labelSuspects: {
    what: (facts) =>
      `有 ${fact(facts, "count")} 行的答案可能有误：与它们相似的行给出别的答案（例如第 ${fact(facts, "row")} 行是“${fact(facts, "said")}”，相似的行是“${fact(facts, "likely")}”）。`,
    todo: "请看一看，改正错误的答案。",
  },
  brokenLetters: {
    what: (facts, column) => `${of(column)}有 ${fact(facts, "count")} 个值含有乱码，像是把不同编码的文字混在了一起。`,
    todo: "请先把各个来源另存为 UTF-8，再合并。",
  },
  spellingVariants: {
    what: (facts, column) => `${of(column)}有 ${fact(facts, "count")} 个值大小写不一：${fact(facts, "values")}。`,
    todo: "每种写法都算作不同的值：请统一写法。",
  },
  corrections: {
    what: (facts) =>
      `有 ${fact(facts, "count")} 处答案已更正${Number(facts["lost"]) > 0 ? `，另有 ${fact(facts, "lost")} 处更正所在的行已改动或不在了` : ""}。`,
    todo: "学习和评判都用更正后的答案，原始文件保持不变。",
  },
};
