import type { home as shape } from "../en/home.ts";
import { zh } from "../format.ts";

export const home = {
  title: "用你自己的数据训练一个神经网络",
  lead: "放入数字、词语或文本的表格，或一个图片文件夹。Paddock 会看懂其中的内容，在这台电脑上训练神经网络，训练好的模型归你所有。",
  dropTitle: "把文件或文件夹拖到这里",
  dropHelp: "表格（CSV、Excel、Parquet、JSON、SQLite 等），或装有图片的文件夹或压缩包。数据不会离开这台电脑。",
  choose: "选择文件……",
  chooseFolder: "选择文件夹……",
  samplesTitle: "或者先试试这些",
  samples: { penguins: "企鹅", houses: "房屋", bikes: "共享单车" },
  samplesHelp: "每个只需几秒即可训练完成。",
  sample: (rows: number, target: string) => zh.plural(rows, { other: `# 行 · 预测 ${target}` }),
  recentTitle: "最近的项目",
  recentAll: "全部项目",
  recentNone: "放入文件后，你的项目会出现在这里。",
  lessonTitle: "第一次接触？从一条直线开始。",
  lessonText: "三个点，一条线，看机器怎样学会画出它。五分钟，不需要数学基础。",
  lessonOpen: "打开课程",
} satisfies typeof shape;
