import type { pictures as shape } from "../en/pictures.ts";
import { zh } from "../format.ts";

export const pictures = {
  found: (rows: number, classes: number) =>
    classes > 1 ? `${zh.count(rows)} 张图片，${zh.count(classes)} 个类别；学习判断图片里是什么。` : `${zh.count(rows)} 张图片。`,
  facts: (bytes: string, formats: string, size: string) => `${bytes} · ${formats}${size ? ` · 多为 ${size} 像素左右` : ""}`,
  layout: {
    folders: "类别就是图片所在文件夹的名称。",
    labels: "类别写在图片旁边的表格里。",
    flat: "没有信息说明图片里是什么：请把每个类别放进各自的文件夹。",
  },
  some: (rows: number) => `${zh.count(rows)} 张图片`,
  title: "图片",
  allClasses: "全部类别",
  ofClass: "哪个类别的图片",
  from: (from: string, to: string, of: string) => `第 ${from}–${to} 张，共 ${of} 张`,
  before: "前面的图片",
  after: "后面的图片",
  gone: "无法显示",
  where: "它看了哪里",
  whereHelp: "保持明亮的地方就是答案的依据：遮住那里，答案变化最大。",
  looking: "正在逐块遮住图片……",
  classes: "类别",
  class: "类别",
  count: "图片数",
  showAll: (count: number) => `显示全部 ${zh.count(count)} 个类别`,
  noPlan: "还没有可以学习的内容：至少需要两个类别的图片。",
  what: (classes: number) => `神经网络将学习分辨 ${zh.count(classes)} 个类别的图片。`,
  lead: "给神经网络看一张它从未见过的图片。",
  help: "选择或拖入一张图片，也可以是装有许多图片的文件夹、zip 或 tar。",
  choose: "选择图片……",
  preview: "所问的图片",
  file: "文件",
  shows: "内容",
} satisfies typeof shape;
