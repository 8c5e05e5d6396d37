// Made-up reviews of meals, in English and Chinese, good and bad: a table with a column of texts.
const good = ["great", "delicious and hot", "the best in town", "很好吃", "味道不错，推荐", "fresh, as always", "一定再来"];
const bad = ["cold and late", "awful", "never again", "太难吃了", "等了两个小时，失望", "half of it missing", "又咸又油"];
const start = ["The food was", "Our order today:", "Lunch,", "今天的外卖", "我们点的面", "The soup:", "Dinner for two was"];
const end = ["thanks", "the rider called first", "no cutlery", "下雨天", "送得挺远", "second time here", "by bike", "for the office"];

/** @returns the text of a CSV file with the columns review and liked */
export function reviews(rows = 360) {
  const lines = Array.from({ length: rows }, (_, i) => {
    const words = i % 2 ? bad : good;
    const at = (list, step) => list[Math.floor(i / step) % list.length];
    return `"${at(start, 2)} ${words[Math.floor(i / 14) % words.length]}, ${at(end, 98)} ${at(start, 5)}",${i % 2 ? "no" : "yes"}`;
  });
  return `review,liked\n${lines.join("\n")}\n`;
}
