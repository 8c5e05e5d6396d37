import type { language as shape } from "../en/language.ts";
import { zh } from "../format.ts";

export const language = {
  found: (form, documents, characters) => {
    if (form === "chats") return `${zh.count(documents)} 段对话；将学习照样回答。`;
    const from = { file: "", folder: `（${zh.count(documents)} 个文件）`, table: `（${zh.count(documents)} 行）` }[form];
    return `${zh.count(characters)} 个字符的文本${from}；将学习照样写作。`;
  },
  facts: (bytes, encoding, tokens, vocabulary) =>
    `${bytes}${encoding ? ` · ${encoding}` : ""} · 约 ${zh.count(tokens)} 个词元，词表 ${zh.count(vocabulary)} 个`,
  preview: "模型怎样读它",
  previewHelp: "模型读的是词元：从这份文本中学到的常见字串，各有一个编号。少见的词会拆成几个词元。",
  what: (chats) =>
    chats ? "一个小型 GPT 将从零开始，逐词学习像这些对话那样回答。" : "一个小型 GPT 将从零开始，逐个词元学习续写这份文本。",
  some: (rows) => zh.plural(rows, { other: "# 段" }),
  network: (layers, width, weights) => `${zh.count(layers)} 层，宽 ${zh.count(width)}，${zh.count(weights)} 个权重`,
  reads: "每次读取",
  readsTokens: (context, vocabulary) => `${zh.count(context)} 个词元，词表 ${zh.count(vocabulary)} 个`,
  speed: (n) => `${n} 词元/秒`,
  samples: "它边学边写",
  samplesHelp: "每次都从同一个开头写起，这个开头从不用于学习。",
  atStart: "学习之前",
  step: (n) => `第 ${zh.count(n)} 步`,
  show: "全部显示",
  perplexity: (choices) => `对没见过的文本，它每次相当于在 ${choices} 个词元之间犹豫；越少越好。`,
  bits: (value) => `每字节 ${value} 比特：用这个模型压缩文本所需的大小，原文为 8。`,
  network1: "模型",
  bigram: "只数词元对",
  unigram: "只数词元",
  compared: "与单纯计数相比，越小越好",
  beats: "它学到的不止是哪个词元跟着哪个。",
  losesBigram: "只数词元对也能做到这样。多给些时间或文本会更好。",
  losesUnigram: "只数词元也能做到这样：还没有学到有用的东西，请多给些时间。",
  onTest: (tokens) => `根据留出的 ${zh.count(tokens)} 个词元`,
  exportHelp: "model.onnx 给出下一个词元的 logits；旁边的 tokenizer.json 把文本变成词元，其他程序也能读。",
  lead: "写个开头，让模型接着写。",
  leadChat: "提个问题，模型会像对话中那样回答。",
  prompt: "开头",
  question: "问题",
  promptTokens: "模型读到的是",
  write: "接着写",
  answer: "回答",
  again: "再写一次",
  stop: "停止",
  boldness: "温度",
  boldnessHelp: "0：总取最可能的词元；0.8 左右：生动；大于 1：天马行空。",
  length: "最多词元数",
  writing: "正在写……",
  told: (tokens, speed) => `${zh.count(tokens)} 个词元，每秒 ${speed} 个`,
  ended: "它在这里写完了。",
  nothing: "它一开口就结束了。",
} satisfies typeof shape;
