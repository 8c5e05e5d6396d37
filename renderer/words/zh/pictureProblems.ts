import { fact, type Facts, type PictureProblemDictionary } from "../say.ts";

const n = (facts: Facts) => fact(facts, "count");

export const pictureProblems: PictureProblemDictionary = {
  pictureInvalid: { what: (facts) => `“${fact(facts, "file")}”不是完好的图片，未使用。`, todo: "请另存为 PNG 或 JPEG，或把它移走。" },
  pictureUnreadable: { what: (facts) => `“${fact(facts, "file")}”无法读取，未使用。`, todo: "请检查这个文件。" },
  pictureTooLarge: { what: (facts) => `“${fact(facts, "file")}”过大，未使用。`, todo: "请缩小后再试。" },
  pictureSkipped: { what: (facts) => `“${fact(facts, "file")}”不是普通文件，已略过。`, todo: "请放入文件本身。" },
  pictureWithoutClass: { what: (facts) => `有 ${n(facts)} 张图片没有类别，未使用。`, todo: "请放进相应类别的文件夹，或在表格中补上。" },
  labelWithoutPicture: { what: (facts) => `表格中有 ${n(facts)} 行没有对应的可用图片。`, todo: "请检查表格中的文件名；这些行不会使用。" },
  otherFiles: { what: (facts) => `有 ${n(facts)} 个文件不是图片，已略过。`, todo: "无需处理。" },
  duplicatePictures: { what: (facts) => `有 ${n(facts)} 张图片与别的图片完全相同。`, todo: "它们会分在同一部分，无需处理。" },
  duplicateAcrossClasses: {
    what: (facts) => `同一张图片出现在两个类别中：“${fact(facts, "other")}”和“${fact(facts, "file")}”。`,
    todo: "请只保留在正确的类别中。",
  },
  nearDuplicates: {
    what: (facts) => `有 ${n(facts)} 对图片看起来相同。`,
    todo: "它们可能分在不同部分，使测试结果偏好；每对请只留一张。",
  },
  nearDuplicateAcrossClasses: {
    what: (facts) => `两张看起来相同的图片属于两个类别：“${fact(facts, "other")}”和“${fact(facts, "file")}”。`,
    todo: "请确认哪个类别正确。",
  },
  rareClasses: {
    what: (facts) => `有 ${n(facts)} 个类别（如“${fact(facts, "class")}”）不足 5 张图片。`,
    todo: "请补充图片，或去掉这些类别。",
  },
  unevenClasses: {
    what: (facts) => `最大的类别有 ${fact(facts, "most")} 张图片，最小的只有 ${fact(facts, "least")} 张。`,
    todo: "这时仅看准确率不够，请同时查看宏平均 F1 和混淆矩阵。",
  },
  oneClass: { what: (facts) => `所有图片都属于同一类别“${fact(facts, "class")}”。`, todo: "请加入另一类别的图片。" },
  noClasses: {
    what: () => "没有信息说明图片里是什么。",
    todo: "请把每个类别放进各自的文件夹，或在图片旁放一张含 file 和 label 列的表格。",
  },
  moreProblems: { what: (facts) => `另有 ${n(facts)} 张图片属于两个类别。`, todo: "请先改正这些，再看一次。" },
};
