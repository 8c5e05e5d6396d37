import { type ErrorDictionary, fact, type Facts } from "../say.ts";

/** “文件 x，第 n 行，‘c’列：” — as much of it as is known. */
function place(facts: Facts): string {
  const file = fact(facts, "file", "path", "name");
  const row = fact(facts, "row", "line");
  const column = fact(facts, "column", "target");
  const parts = [file && `文件“${file}”`, row && `第 ${row} 行`, column && `“${column}”列`].filter(Boolean);
  return parts.length ? `${parts.join("，")}：` : "";
}

const at = (text: string) => (facts: Facts) => `${place(facts)}${text}`;
/** The same with the value named, where it is known. */
const valueAt = (text: string) => (facts: Facts) => {
  const value = fact(facts, "value");
  return `${place(facts)}${text}${value ? `（“${value}”）` : ""}。`;
};

/** Of a training whose worker died: from where it can go on. */
function goOn(facts: Facts): string {
  if (!("kept" in facts)) return "";
  if (!facts["kept"] && !facts["counted"]) return "还没有检查点，请重新训练。";
  const half = facts["counted"] ? "，每次处理的行数减半" : "";
  return facts["kept"] ? `按“继续”即可从最近的检查点接着训练${half}。` : `还没有检查点；按“继续”将从头开始${half}。`;
}

export const errors: ErrorDictionary = {
  fileMissing: { title: "找不到文件", what: at("文件不在那里。"), todo: "请检查名称和位置，再放一次。" },
  fileUnreadable: { title: "无法读取文件", what: at("文件无法读取。"), todo: "请检查文件的权限，或把它复制到别处再试。" },
  fileEmpty: { title: "文件是空的", what: at("里面没有内容。"), todo: "请选择一个有内容的文件。" },
  fileNotText: {
    title: "这不是表格",
    what: at("内容是二进制数据，不是能读取的表格。"),
    todo: "请另存为 CSV、Excel、Parquet 或 JSON 再试。",
  },
  fileBroken: { title: "文件已损坏", what: at("文件不完整，或内容有错。"), todo: "请重新保存或重新复制这个文件。" },
  partMissing: { title: "文件中没有这个表", what: at("没有叫这个名字的工作表或数据表。"), todo: "请从文件里已有的表中选择。" },
  fileTooLarge: { title: "文件太大", what: at("超出了可以处理的大小。"), todo: "请拆分文件，或只保留需要的行和列。" },
  fileChanged: { title: "文件中途变了", what: at("读取过程中文件发生了变化，或没有读完。"), todo: "请等它写完后再放一次。" },
  formatUnknown: {
    title: "不认识这种文件",
    what: at("Paddock 还不能读取这种格式。"),
    todo: "请使用 CSV、Excel、Parquet、JSON、Arrow、SQLite 或 DuckDB 文件。",
  },
  folderNotEmpty: { title: "文件夹不是空的", what: at("文件夹里已有内容。"), todo: "请另选一个文件夹。" },
  folderNotWritable: { title: "无法写入文件夹", what: at("没有写入的权限。"), todo: "请检查权限，或另选一个文件夹。" },
  diskFull: { title: "磁盘已满", what: at("磁盘上的空间不够。"), todo: "请腾出一些空间后再试。" },
  tableNoRows: { title: "表格没有行", what: at("只有表头，没有数据行。"), todo: "请选择有数据的表格。" },
  tableNoColumns: { title: "表格没有列", what: at("找不到任何列。"), todo: "请检查文件的分隔符。" },
  tableRagged: { title: "各行长短不一", what: at("这一行的字段数与表头不符。"), todo: "请检查这一行的引号和分隔符。" },
  tableEncoding: { title: "文字无法识别", what: at("无法判断文字编码。"), todo: "请另存为 UTF-8 后再试。" },
  columnMissing: { title: "缺少一列", what: at("表格中没有这一列。"), todo: "请检查列名，大小写也要一致。" },
  targetMissing: { title: "缺少要预测的列", what: at("表格中没有要预测的列。"), todo: "请在“数据”中另选一列。" },
  targetEmpty: { title: "要预测的列是空的", what: at("这一列没有任何值。"), todo: "请在“数据”中另选一列。" },
  targetConstant: { title: "要预测的列只有一个值", what: at("每一行的值都相同，没有可学的东西。"), todo: "请在“数据”中另选一列。" },
  targetTooManyClasses: { title: "要预测的列取值太多", what: at("不同的取值太多，无法当作类别。"), todo: "请改为预测数值，或另选一列。" },
  targetNotNumeric: { title: "要预测的列不是数值", what: valueAt("其中有不能读作数字的值"), todo: "请改为预测类别，或先改正这些值。" },
  noFeatures: { title: "没有可用的输入", what: at("除了要预测的列，没有剩下可用的列。"), todo: "请至少启用一个输入列。" },
  tooFewRows: { title: "行数太少", what: at("可用的行不够训练。"), todo: "请提供更多行。" },
  valueInvalid: { title: "有一个值无法读取", what: valueAt("这个值无法读取"), todo: "请改正这个值后再试。" },
  archiveInvalid: { title: "压缩包已损坏", what: at("压缩包无法解开。"), todo: "请重新打包或重新获取后再试。" },
  archiveUnsafe: {
    title: "压缩包不安全",
    what: at("其中有指向压缩包以外的路径、链接或特殊文件。"),
    todo: "请只打包普通文件，或直接选择文件夹。",
  },
  archiveTooLarge: { title: "压缩包太大", what: at("解开后超出了限度。"), todo: "如果信得过它，请自行解开、拆分，再选择文件夹。" },
  pictureInvalid: { title: "有一张图片无法读取", what: at("它不是完好的图片。"), todo: "请另存为 PNG 或 JPEG，或把它移走。" },
  picturesMissing: { title: "没有图片", what: at("里面找不到可以使用的图片。"), todo: "请选择一个有图片的文件夹或压缩包。" },
  titlesMissing: {
    title: "这个表没有说明物品的名称",
    what: at("里面找不到这些物品的名称。"),
    todo: "请选择一个表格：一列是物品编号，另一列叫 title（标题）。",
  },
  classesMissing: {
    title: "不知道图片里是什么",
    what: at("既没有按类别分的文件夹，也没有标签表。"),
    todo: "请把每一类放进各自的文件夹，或在旁边放一张标签表。",
  },
  modelMissing: { title: "架上没有这个模型", what: () => "模型可能已被移除。", todo: "请重新导入它的文件。" },
  modelInvalid: { title: "模型文件无效", what: at("文件不是完好的模型。"), todo: "请重新获取或导出这个模型。" },
  operatorUnknown: {
    title: "模型使用了未知的算子",
    what: (facts) => `模型使用了 Paddock 不认识的算子“${fact(facts, "operator", "op")}”。`,
    todo: "请换一个模型。",
  },
  exportUnsupported: {
    title: "这种格式写不出这个模型",
    what: (facts) =>
      facts["operator"] === undefined
        ? "模型按词元读文本，而网页里没有它的分词器。"
        : `TensorFlow.js 无法表达模型里的算子“${fact(facts, "operator")}”。`,
    todo: "请改用 ONNX 文件。",
  },
  exportDiffers: {
    title: "写出的模型答案不同",
    what: (facts) => {
      const [before, after] = [fact(facts, "before"), fact(facts, "after")];
      return before && after ? `在没学过的样本上，指标从 ${before} 变成了 ${after}。` : "写出的模型与训练好的模型答案不一致，没有保留。";
    },
    todo: "请改用 ONNX 文件。",
  },
  gradientMissing: {
    title: "这个模型无法训练",
    what: (facts) => `算子“${fact(facts, "operator", "op")}”没有梯度。`,
    todo: "可以使用它，但不能训练它。",
  },
  shapeMismatch: { title: "尺寸不匹配", what: at("数据或模型的尺寸互不匹配。"), todo: "请检查数据是否与模型对应。" },
  runMissing: { title: "找不到这次训练", what: at("这次训练不在那里。"), todo: "它可能已被移除，请重新训练。" },
  runInvalid: { title: "无法读取这次训练", what: at("训练记录已损坏。"), todo: "请重新训练。" },
  runNewer: { title: "来自更新版本的 Paddock", what: at("这次训练由更新版本的 Paddock 写成。"), todo: "请更新 Paddock。" },
  runNotTrained: { title: "还没有模型", what: () => "这次训练还没有产生模型。", todo: "请先完成训练。" },
  runBusy: { title: "训练正在进行", what: () => "已有一个训练在进行。", todo: "请等它结束，或先停止它。" },
  projectMissing: { title: "找不到项目", what: () => "这个项目不在那里，可能已被移除。", todo: "请回到“项目”查看。" },
  projectInvalid: { title: "无法读取项目", what: at("项目记录已损坏。"), todo: "请用原来的文件新建项目。" },
  recordNewer: { title: "来自更新版本的 Paddock", what: at("这条记录由更新版本的 Paddock 写成。"), todo: "请更新 Paddock。" },
  chatMissing: { title: "找不到这段对话", what: () => "对话可能已被移除。", todo: "请从列表里打开另一段，或开始新的对话。" },
  chatInvalid: { title: "这段对话无法读取", what: at("对话文件不是完好的。"), todo: "请从备份恢复，或移除这个文件。" },
  deviceUnknown: {
    title: "没有这个设备",
    what: (facts) => `没有名为“${fact(facts, "device", "id")}”的设备。`,
    todo: "请在“设置”中另选设备。",
  },
  deviceFailed: {
    title: "设备无法使用",
    what: (facts) => `设备“${fact(facts, "device", "id")}”无法使用。`,
    todo: "请在“设置”中改用 CPU。",
  },
  outOfMemory: {
    title: "内存不足",
    what: (facts) => (facts["rows"] === 1 ? "内存不足，每次只处理一行也放不下。" : "可用的内存用完了。"),
    todo: (facts) => {
      if ("rows" in facts) return "请换更小的模型、更短的文本或更小的图片，关闭其他程序，或改用 CPU。";
      return `请关闭其他程序，或减少行数。${goOn(facts)}`;
    },
  },
  workerDied: { title: "工作进程已结束", what: () => "工作进程意外结束。", todo: (facts) => goOn(facts) || "请再试一次。" },
  lossNotFinite: { title: "损失失控", what: () => "损失不再是有限的数，训练已停止。", todo: "请减小学习率后再试。" },
  usage: { title: "无法这样做" },
  cancelled: { title: "已取消", what: () => "任务已取消。", todo: "需要时可以重新开始。" },
  interrupted: {
    title: "已中断",
    what: (facts) => (facts["kept"] === false ? "训练已中断，还没有检查点。" : "训练已中断，检查点已保留。"),
    todo: (facts) => (facts["kept"] === false ? "按“继续”将从头开始。" : "按“继续”即可接着训练。"),
  },
  connectionLost: { title: "连接断开", what: () => "与 Paddock 的连接断开了。", todo: "请重试；已保存的内容都在。" },
  unauthorized: { title: "地址缺少令牌", what: () => "这个地址缺少令牌。", todo: "请使用 Paddock 给出的完整地址。" },
  networkRefused: { title: "已拒绝联网", what: () => "Paddock 离线工作，拒绝了一次联网的尝试。", todo: "无需处理。" },
  internal: { title: "Paddock 出错了" },
};
