import type { takeAway as shape } from "../en/takeAway.ts";
import { zh } from "../format.ts";

export const takeAway = {
  more: "其他格式",
  forms: {
    onnx: { title: "ONNX", what: "一个文件包含一切。凡是能运行 ONNX 的地方都能运行。" },
    "onnx-int8": { title: "8 位 ONNX", what: "适合小设备和下载：只有四分之一到一半大，数值略有舍入。凡是能运行 ONNX 的地方都能运行。" },
    tfjs: { title: "TensorFlow.js", what: "用于网页：一个文件夹，含模型、把值变成数字的代码和一个小示例页面。" },
    safetensors: { title: "权重（safetensors）", what: "给在别处搭建网络的人：每个权重按名称存放，并附说明。" },
  },
  save: "保存",
  saveAs: (form: string) => `保存为 ${form}`,
  working: "正在写出、读回、比较……",
  size: (bytes: number, before: number) => `${zh.bytes(bytes)}（ONNX：${zh.bytes(before)}）`,
  bytes: "已读回：文件完全相同。",
  weights: (n: number) => zh.plural(n, { other: "已读回：# 组权重完全相同。" }),
  compared: (n: number, difference: number) =>
    zh.plural(n, { other: `已读回，并用没学过的 # 行比较：最大差异 ${zh.number(difference, 2)}。` }),
  comparedTrain: (n: number, difference: number) =>
    `已读回，并用学过的 ${zh.count(n)} 行比较（没有留出的行）：最大差异 ${zh.number(difference, 2)}。`,
  metric: (name: string, before: string, after: string) => `${name}：之前 ${before}，之后 ${after}。`,
} satisfies typeof shape;
